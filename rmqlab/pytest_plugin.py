"""What pytest finds by itself where rmqlab is installed: fixtures of a RocketMQ.

    def test_an_order_is_sent(rocketmq):
        rocketmq.send("orders", "coffee")

Who does not use them pays for nothing: until then no broker is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rmqlab.classroom.under_test import ClusterUnderTest
    from rmqlab.testing import RocketMQ


@pytest.fixture
def rocketmq_settings() -> dict[str, str]:
    """Return the broker's settings, by RocketMQ's own keys; to be overridden."""
    return {}


@pytest.fixture
def rocketmq(
    tmp_path_factory: pytest.TempPathFactory, rocketmq_settings: dict[str, str]
) -> Iterator[RocketMQ]:
    """Yield a broker of the test's own and its name server, in this process."""
    from rmqlab.testing import RocketMQ  # noqa: PLC0415

    with RocketMQ(tmp_path_factory.mktemp("rocketmq"), rocketmq_settings) as started:
        yield started


@pytest.fixture
def rocketmq_cluster(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ClusterUnderTest]]:
    """Yield a function that starts a cluster: of a topology's name, or its folder.

    Its nodes are processes; what else it takes is `Cluster.up`'s: settings, name, …
    """
    try:
        from rmqlab.classroom.under_test import ClusterUnderTest  # noqa: PLC0415
    except ModuleNotFoundError as error:
        pytest.fail(
            f"rocketmq_cluster needs {error.name}, which is not installed: "
            "pip install 'rmqlab[lab]'. (The fixture rocketmq runs without it.)",
            pytrace=False,
        )
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path_factory.mktemp("rocketmq")))
    with ExitStack() as running:

        def up(topology: str, **options: Any) -> ClusterUnderTest:
            cluster: ClusterUnderTest = ClusterUnderTest.up(topology, **options)
            return running.enter_context(cluster)

        yield up
