"""Real masters with our slaves, our masters with real slaves, either name server.

With RMQLAB_CAMPAIGN=1 there are four times as many messages.
"""

from __future__ import annotations

import os

import pytest

from tests.interop import mixed
from tests.interop.drill import drill
from tests.interop.jars import VERSIONS, release
from tests.interop.real import BROKER_NAME, OURS

COUNT = 20_000 if os.environ.get("RMQLAB_CAMPAIGN") else 5_000
PART = COUNT // 5
SIDES = ["our slave", "our master"]
OK, NONE, LATE = "SEND_OK", "SLAVE_NOT_AVAILABLE", "FLUSH_SLAVE_TIMEOUT"


@pytest.fixture(
    scope="session",
    params=[(version, side) for version in VERSIONS for side in SIDES],
    ids=lambda pair: "-".join(pair).replace(" ", "-"),
)
def told(request, once):
    """Return what came to pass in a mixed cluster: it is made once.

    A real master registers with our name server, and ours with a real one.
    """
    version, side = request.param
    real = release(version)
    ours = mixed.Makers(names=OURS, master=real, slave=OURS, client=real)
    theirs = mixed.Makers(names=real, master=OURS, slave=real, client=real)
    makers = ours if side == "our slave" else theirs
    name = f"mixed-{version}-{side.replace(' ', '-')}"
    return once(name, lambda folder: mixed.play(makers, folder, COUNT))


def test_a_master_alone_says_that_no_slave_is_available(told):
    assert told["alone"] == {NONE: 10 * mixed.BATCH}


def test_a_send_is_ok_once_the_others_slave_has_it(told):
    """Also after the slave's return, and after the master's."""
    for when in ("together", "slave is back", "master is back"):
        assert told[when] == {OK: PART}, when


def test_a_send_waits_for_a_slave_that_is_silent_and_not_for_one_that_is_gone(told):
    assert told["slave paused"] == {LATE: mixed.BATCH}
    assert told["slave killed"].keys() <= {OK, LATE, NONE}
    assert sum(told["slave killed"].values()) == PART
    assert told["slave killed"][OK] >= PART // 2 - mixed.BATCH  # under way
    assert told["slave killed, then"] == {NONE: mixed.BATCH}


def test_clients_are_told_of_both(told):
    assert told["route"] == {BROKER_NAME: [0, 1]}


def test_the_client_is_told_when_the_master_dies(told):
    assert told["master killed"].keys() == {OK, "error"}
    assert told["master killed, then"] == {"error": mixed.BATCH}


@pytest.mark.parametrize("whose", ["read", "read from the slave"])
def test_everything_that_was_answered_is_read_once(told, whose):
    read = told[whose]
    assert read["lost"] == read["doubled"] == 0
    assert read["sent"] > 4 * PART


def test_a_slave_that_comes_late_has_the_masters_last_file(told):
    assert told["newcomer begins"] > 0


ALIKE = ("lost", "missing", "surprising", OK, "refused", "unanswered")
UNDER_WAY = 2
"""What a drill is compared by: whether there is any.  That a slave needs a while to
find its master again is left to chance; and what was under way when the master was
killed may have been stored there, and sent again elsewhere."""


async def test_the_drill_comes_to_the_same_on_the_real_cluster_and_on_ours(tmp_path):
    """A master of 2m-2s-sync is killed under traffic, and comes back."""
    found = {}
    for maker in (OURS, release("4.9.7")):
        folder = tmp_path / ("real" if maker else "ours")
        folder.mkdir()
        found[folder.name] = await drill(maker, folder)
    signs = {
        name: {one: bool(counts.get(one)) for one in ALIKE}
        for name, counts in found.items()
    }
    assert signs["ours"] == signs["real"], found
    assert found["real"]["lost"] == found["real"]["missing"] == 0
    assert max(one["doubled"] for one in found.values()) <= UNDER_WAY, found
    assert max(one["silence"] for one in found.values()) < 10, found
