"""Grading incidents in files: a full disk, and two brokers on one store."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rmqlab.classroom.checks import ex11_fix_disk_full as full
from rmqlab.classroom.checks import ex11_fix_store_lock as lock
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.runtime import NodeState
from tests.classroom.graded import found, solution

SEED = 7


# A full disk

LIMITS = {88: (88, 88, 90), 70: (70, 85, 90)}
MENDED = {"remove": [full.DUMP], "settings": {"fileReservedTime": "50"}}
WRONG_MENDINGS = [
    (full.the_limits_are_known, {"limits": LIMITS | {88: (88, 85, 90)}}, "not even at"),
    (full.the_limits_are_known, {"limits": LIMITS | {70: (75, 85, 90)}}, "already at"),
    (full.the_limits_are_known, {"limits": LIMITS | {70: (70, 85, 95)}}, "already at"),
    (full.sends_go_on, {"settings": {}}, "refused on day"),
    (full.sends_go_on, {"remove": []}, "refused on day"),
    (full.sends_go_on, {"settings": {"fileReservedTime": "100"}}, "refused on day"),
    (full.sends_go_on, {"settings": {"diskMaxUsedSpaceRatio": "95"}}, "refused on"),
    (full.sends_go_on, {"settings": {"fileReservedTime": "2 days"}}, "2 days"),
    (full.sends_go_on, {"settings": {"deleteWhen": "4h"}}, "deleteWhen=4h"),
    (full.sends_go_on, {"settings": {"flushDiskType": "SYNC_FLUSH"}}, "not asked for"),
    (full.sends_go_on, {"remove": [full.DATABASE]}, "the shop's"),
    (
        full.what_must_stay_stays,
        {"remove": [f"{full.ROOT}/commitlog/00000000000000000000"]},
        "the store's",
    ),
    (full.what_must_stay_stays, {"settings": {"fileReservedTime": "24"}}, "hours old"),
    (
        full.what_must_stay_stays,
        {"remove": [], "settings": {"cleanFileForciblyEnable": "true"}},
        "hours old",
    ),
    (full.what_must_stay_stays, {"remove": [], "settings": {}}, "never taken"),
]


@pytest.mark.parametrize(("check", "change", "said"), WRONG_MENDINGS)
def test_a_wrong_mending_of_a_full_disk_is_told_why(check, change, said):
    trial = Trial("11_fix_disk_full", SEED, {"limits": LIMITS} | MENDED | change)
    assert said in found(check, trial)


@pytest.mark.parametrize("check", full.EXERCISE.checks.values(), ids=lambda c: c.name)
def test_a_full_disk_is_mended_by_the_solution_whatever_the_seed(check):
    for seed in (SEED, 100, 10**8):
        trial = Trial.of("11_fix_disk_full", seed, solution("11_fix_disk"))
        assert found(check.run, trial) == ""


def test_the_incident_to_look_into_is_the_one_that_is_graded():
    with full.found() as cluster:
        assert cluster.crew.node("broker-a").broker.store.is_disk_full
        table = f"{full.files_of(cluster)!r}"
        assert full.DUMP in table
        assert full.DATABASE in table


# Two brokers, one store


def witness(states, orders=lock.ORDERS, logs=None):
    """Return what a check sees of brokers in these states."""
    nodes = {one.name: one for one in states}
    alive = [one for one in states if one.state == "usable"]
    pairs = {
        name: SimpleNamespace(
            broker_addrs={
                number: "address"
                for number, node in enumerate((name, f"{name}-s"))
                if nodes[node] in alive
            }
        )
        for name in lock.SLAVES
    }
    messages = [
        SimpleNamespace(broker_name=name, body=f"n-{name}-{number}".encode())
        for name in lock.SLAVES
        for number in range(orders)
    ]
    return SimpleNamespace(
        nonce="n",
        look_at_nodes="rmqlab status",
        node=nodes.get,
        brokers=lambda: SimpleNamespace(brokers=pairs),
        topic=lambda name: name,
        route=lambda topic: True,
        messages=lambda topic: messages,
        log_bytes=lambda name: (logs or {}).get(name, b"log"),
    )


def brokers(**slave):
    """Return all four as they should be, with something else of the slaves."""
    hosts = {"broker-a": "host1", "broker-b": "host2", "broker-b-s": "host1",
             "broker-a-s": "host2"}  # fmt: skip
    made = []
    for name, host in hosts.items():
        root = f"/store-{name}" if name.endswith("-s") else "/store"
        fields = {"state": "usable", "store": root, "commit_log": f"{root}/commitlog",
                  "log_end": 3}  # fmt: skip
        changed = slave if name.endswith("-s") else {}
        made.append(NodeState(name, host, "", **fields | changed))
    return made


FAILED = {"state": "failed", "why": "Lock failed,MQ already started", "log_end": None}
SHARED = {"store": "/store", "commit_log": "/store/commitlog"}


def test_four_brokers_with_stores_of_their_own_are_what_is_wanted():
    for check in lock.EXERCISE.checks.values():
        assert found(check.run, witness(brokers())) == ""


@pytest.mark.parametrize(
    ("check", "sees", "said"),
    [
        (lock.all_four_run, witness(brokers(**FAILED)), "broker-a-s: Lock failed"),
        (lock.no_store_is_shared, witness(brokers(**SHARED)), "/store/commitlog"),
        (
            lock.no_store_is_shared,
            witness(brokers(commit_log="/store/x/../commitlog")),
            "broker-a and broker-b-s: /store/commitlog",
        ),
        (
            lock.nothing_is_lost_and_all_is_copied,
            witness(brokers(), orders=0),
            "'broker-a': 0",
        ),
        (
            lock.nothing_is_lost_and_all_is_copied,
            witness(brokers(), logs={"broker-b-s": b"another"}),
            "broker-b-s",
        ),
        (
            lock.nothing_is_lost_and_all_is_copied,
            witness(brokers(**FAILED)),
            "broker-a-s",
        ),
    ],
)
def test_brokers_that_still_share_a_store_are_told_so(check, sees, said):
    assert said in found(check, sees)


def test_the_files_of_this_incident_are_the_articles_own():
    files = lock.article_files()
    assert sorted(files) == sorted(lock.BROKERS)
    assert all("storePathRootDir=/usr/local/rocketmq/store\n" in one
               for one in files.values())  # fmt: skip
