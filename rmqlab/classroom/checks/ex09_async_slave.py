"""Exercise 09: a slave that does not work."""

from __future__ import annotations

from pathlib import PurePosixPath

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("09_async_slave", topology="2m-2s-async")

SENT = 12
SLAVE, MASTER = "broker-a-s", "broker-a"


@EXERCISE.check(points=3)
def slave_is_registered(see: Witness) -> None:
    """The name server knows broker-a with a master, id 0, and your slave, id 1."""
    brokers = see.brokers().brokers
    known = brokers[MASTER].broker_addrs if MASTER in brokers else {}
    wanted = {0: see.node(MASTER).address, 1: see.node(SLAVE).address}
    if known != wanted:
        fail(
            expected=f"broker-a: {wanted}",
            found=f"broker-a: {known}; brokers known: {sorted(brokers)}",
            why="a pair is the same brokerName with different brokerIds; the role must "
            "be spelt exactly, and a blank at a line's end counts",
            next_step="lint the file: rmqlab.classroom.lint or `rmqlab lint FILE`",
            reproduce=f"rmqlab admin clusterList -n '{see.cluster.name_servers}'",
        )


@EXERCISE.check(points=1)
def slave_has_a_store_of_its_own(see: Witness) -> None:
    """The slave's store, not only its commit log, is in store-broker-a-s."""
    node = see.node(SLAVE)
    root = PurePosixPath(node.store)
    if (
        root.name != "store-broker-a-s"
        or root not in PurePosixPath(node.commit_log).parents
    ):
        fail(
            expected="/usr/local/rocketmq/store-broker-a-s, with commitlog in it",
            found=f"store {node.store}, commit log {node.commit_log}",
            why="RocketMQ drops a key that it does not know without a word, and the "
            "store goes to ~/store, where the next broker of this host finds it taken",
            next_step="spell the key of the store's root as broker-a's file does",
            reproduce="rmqlab lint FILE",
        )


@EXERCISE.check(points=3)
def slave_has_the_same_bytes(see: Witness) -> None:
    """The slave's commit log is the master's, byte for byte."""
    master, slave = see.log_bytes(MASTER), see.log_bytes(SLAVE)
    if not master or slave != master:
        same = next(
            (
                at
                for at, (a, b) in enumerate(zip(master, slave, strict=False))
                if a != b
            ),
            min(len(master), len(slave)),
        )
        fail(
            expected=f"{len(master)} bytes, all alike",
            found=f"{len(slave)} bytes, alike up to byte {same}",
            why="replication copies the log's bytes; a slave that cannot reach its "
            "master's HA port, or has another name, copies nothing",
            next_step="see the slave's broker.log for 'following master='",
            reproduce=see.look_at_nodes,
        )


@EXERCISE.check(points=3)
def slave_serves_the_dead_masters_messages(see: Witness) -> None:
    """With the master dead, group 'heirs' has read all its orders from the slave."""
    if see.node(MASTER).is_alive:
        fail(
            expected="broker-a dead",
            found=f"broker-a {see.node(MASTER).state}",
            why="this check is of reading without the master",
            next_step="leave the cell before this one as it is",
            reproduce=see.look_at_nodes,
        )
    topic, group = see.topic("orders"), see.topic("heirs")
    offsets = see.offsets(SLAVE, group, topic)
    ends = {queue.queue_id: high for queue, _, high, _ in see.queues(topic)}
    if offsets != ends or sum(ends.values()) != SENT:
        fail(
            expected=f"{SENT} orders at the slave, the group's offsets at their ends",
            found=f"{sum(ends.values())} orders, offsets {offsets}, ends {ends}",
            why="a consumer whose master is gone reads from the slave and tells the "
            "slave its offsets; it learns of both by asking for the route again",
            next_step="consume until all orders have come, then close the consumer",
            reproduce=see.look_at_nodes,
        )
