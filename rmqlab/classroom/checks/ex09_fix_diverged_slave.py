"""Exercise 09: a slave whose log went another way."""

from __future__ import annotations

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.looks import has_copy
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("09_fix_diverged_slave", topology="2m-2s-async")

MASTER, SLAVE = "broker-a", "broker-a-s"
OLD, NEW = 30, 10
"""Orders sent before the master's disk was replaced, and after it."""


@EXERCISE.check(points=4)
def the_slave_follows_again(see: Witness) -> None:
    """broker-a-s is the slave of broker-a again, and has its log, byte by byte."""
    known = see.brokers().brokers
    addresses = known[MASTER].broker_addrs if MASTER in known else {}
    wanted = {0: see.node(MASTER).address, 1: see.node(SLAVE).address}
    if addresses != wanted or not has_copy(see, MASTER, SLAVE):
        ends = {name: see.node(name).log_end for name in (MASTER, SLAVE)}
        fail(
            expected=f"{MASTER} and its slave registered, with the same bytes",
            found=f"registered: {addresses}; the logs end at {ends}",
            why="a slave only ever adds to the end of its log: one whose log is not "
            "the beginning of its master's can never become a copy of it",
            next_step="have the slave begin with an empty store: it then takes what "
            "its master has",
            reproduce=see.look_at_nodes,
        )


@EXERCISE.check(points=3)
def what_came_since_is_kept(see: Witness) -> None:
    """What broker-a took since its new disk is served, and lies on both disks."""
    topic = see.topic("orders")
    stored = see.messages(topic) if see.route(topic) else []
    wanted = {f"{see.nonce}-new-{number}".encode() for number in range(NEW)}
    served = wanted & {one.body for one in stored}
    slaves_log = see.log_bytes(SLAVE)
    copied = {one for one in wanted if one in slaves_log}
    if served != wanted or copied != wanted:
        fail(
            expected=f"{NEW} new orders in topic {topic}, and in the slave's log",
            found=f"{len(served)} of them served, {len(copied)} in the slave's log",
            why="these were acknowledged, and the master alone has them: wiping its "
            "store, or giving it the slave's, loses them",
            next_step="leave the master as it is; it is the slave that has to yield, "
            "and then to follow",
            reproduce=see.look("topicStatus", topic),
        )


@EXERCISE.check(points=3)
def what_only_the_slave_had_is_named(see: Witness) -> None:
    """You have named the orders that only the slave's old log had."""
    found = see.answers().get("only_there")
    wanted = sorted(f"{see.nonce}-old-{number}" for number in range(OLD))
    named = found if isinstance(found, list) else []
    if sorted(map(str, named)) != wanted:
        right = len(set(map(str, named)) & set(wanted))
        fail(
            expected=f"{OLD} orders, each once: who waits for them has to be told",
            found=f"{len(named)} texts, {right} of them right",
            why="a slave's store may be the last copy of something; before it is "
            "wiped one looks what that is",
            next_step="compare cluster.messages_on_disk of both brokers while the "
            "old log is still there",
            reproduce=f"rmqlab dump {SLAVE} --name {see.cluster.name}",
        )
