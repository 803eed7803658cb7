"""The real RocketMQ in containers; an image of our making may stand in for its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker.errors import APIError, ImageNotFound

from rmqlab.classroom import image
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.official import VERSION, Official
from rmqlab.classroom.runtime import ClusterError
from rmqlab.client.sent import SendError, SendStatus
from rmqlab.testing import wait_for
from tests import daemon
from tests.cluster import standin

PAIRS = ("broker-a", "broker-b")
PAIRED_S = 60.0


def abort_of(state):
    """Return the file that a broker has while it runs, and after a kill."""
    return Path(f"{state.folder}{state.store}/abort")


def are_sent():
    """Whether both pairs take a message and say that it is safe."""
    try:
        sent = daemon.send_to(PAIRS).values()
    except SendError:
        return False
    return {status for status, _ in sent} == {SendStatus.SEND_OK}


def test_real_nodes_are_killed_stopped_and_cut_off_and_mended(docker):
    standin.find_or_build(docker, VERSION)
    with Cluster.up("2m-2s-sync", runtime="rocketmq", name="real") as cluster:
        assert [str(node) for node in cluster.status().nodes if node.why] == []
        assert daemon.send_to(PAIRS) == dict.fromkeys(PAIRS, (SendStatus.SEND_OK, 0))

        assert abort_of(cluster.kill("broker-a")).exists()
        assert not abort_of(cluster.stop("broker-b")).exists()
        for name in PAIRS:
            assert cluster.restart(name).state == "usable"
        assert daemon.send_to(PAIRS) == dict.fromkeys(PAIRS, (SendStatus.SEND_OK, 1))

        cluster.cut("host1")
        with pytest.raises(SendError):
            daemon.send_to(["broker-a"])
        cluster.heal("host1")
        wait_for(are_sent, PAIRED_S)
    assert daemon.left(docker, f"{image.CLUSTER_LABEL}=real") == []


def test_an_image_that_cannot_be_had_is_told_with_what_to_do():
    class Nowhere:
        """A daemon without images, on a machine without a network."""

        images = property(lambda self: self)

        def get(self, name):
            raise ImageNotFound(name)

        def pull(self, name):
            raise APIError("500", explanation="no such host")

    with pytest.raises(ClusterError, match=r"apache/rocketmq:4\.9\.7 \(no such host\)"):
        Official().find(Nowhere())
