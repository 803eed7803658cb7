"""Exercise 11: two brokers, one store."""

from __future__ import annotations

from itertools import combinations
from posixpath import normpath

from rmqlab.classroom import topology
from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.looks import has_copy
from rmqlab.classroom.grading.witness import Witness
from rmqlab.classroom.runtime import NodeState

EXERCISE = Exercise("11_fix_store_lock", topology="2m-2s-sync")

ORDERS = 20
"""Sent to each master before its host's second broker was to start."""
SLAVES = {"broker-a": "broker-a-s", "broker-b": "broker-b-s"}
BROKERS = [*SLAVES, *SLAVES.values()]
"""Masters first, as they are to be started."""


def article_files() -> dict[str, str]:
    """Return the article's four files, by node."""
    nodes = topology.load(topology.ARTICLE).nodes
    return {one.name: one.text or "" for one in nodes if one.name in BROKERS}


@EXERCISE.check(points=3)
def all_four_run(see: Witness) -> None:
    """All four brokers run, and the name server knows both pairs."""
    states = _brokers(see)
    failed = [f"{one.name}: {one.why}" for one in states if one.state != "usable"]
    there = see.brokers().brokers
    known = {name: sorted(one.broker_addrs) for name, one in there.items()}
    wanted = {name: [0, 1] for name in SLAVES}
    if failed or known != wanted:
        fail(
            expected=f"four usable brokers; broker ids known: {wanted}",
            found="; ".join(failed) or f"broker ids known: {known}",
            why="a broker locks the file `lock` in its storePathRootDir; a second one "
            "of that host with the same root ends there",
            next_step="say for each host which brokers it runs, and give the second "
            "one's file a storePathRootDir of its own",
            reproduce=see.look_at_nodes,
        )


@EXERCISE.check(points=3)
def no_store_is_shared(see: Witness) -> None:
    """On each host every broker has a store and a commit log of its own."""
    shared = [
        f"{one.name} and {other.name}: {path}"
        for one, other in combinations(_brokers(see), 2)
        if one.host == other.host
        for path in _shared(one, other)
    ]
    if shared:
        fail(
            expected="no folder in which two brokers of a host write",
            found="; ".join(shared),
            why="the lock lies in the root: who moves that alone starts two brokers "
            "that write into one commit log, and nothing stops them",
            next_step="look which of the other storePath… keys still name the old "
            "folder; `rmqlab lint` tells which of them any release reads",
            reproduce="rmqlab lint FILE FILE",
        )


def _shared(one: NodeState, other: NodeState) -> list[str]:
    """Return the folders in which both write."""
    own, others = (
        {normpath(node.store), normpath(node.commit_log)} for node in (one, other)
    )
    return sorted(own & others)


@EXERCISE.check(points=4)
def nothing_is_lost_and_all_is_copied(see: Witness) -> None:
    """Both masters still serve their orders, and each slave has its master's bytes."""
    found = {name: _orders_on(see, name) for name in SLAVES}
    copied = {slave: has_copy(see, master, slave) for master, slave in SLAVES.items()}
    if found != dict.fromkeys(SLAVES, ORDERS) or not all(copied.values()):
        missing = [slave for slave, is_copied in copied.items() if not is_copied]
        fail(
            expected=f"{ORDERS} orders on each master, and the same log on its slave",
            found=f"orders: {found}; not a copy of its master: {', '.join(missing)}",
            why="a broker that is given another root starts with an empty store: its "
            "messages stay behind in the old one",
            next_step="leave the files of those who have the orders, and move those "
            "who never started",
            reproduce=see.look_at_nodes,
        )


def _brokers(see: Witness) -> list[NodeState]:
    return [see.node(name) for name in BROKERS]


def _orders_on(see: Witness, broker: str) -> int:
    """Return how many of the orders a master serves."""
    topic = see.topic("orders")
    stored = see.messages(topic) if see.route(topic) else []
    wanted = {f"{see.nonce}-{broker}-{number}".encode() for number in range(ORDERS)}
    return len(wanted & {one.body for one in stored if one.broker_name == broker})
