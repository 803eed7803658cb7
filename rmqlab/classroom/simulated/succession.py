"""A slave takes its master's place, as an operator of RocketMQ 4.x has it done by hand.

    the master     is ended; its files are given up, and its own file makes it a slave
    the slave      its file makes it a master; that counts when it is started next

Whoever starts the old master later gets an empty slave: as it was, it would be the
second master of one name.

Not here: letting time pass, and what a promotion costs (`classroom.promotion`).
"""

from __future__ import annotations

from rmqlab.classroom.promotion import ROLE
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.simulated.node import SimNode
from rmqlab.settings import BrokerRole


def lose_files(node: SimNode) -> None:
    """Remove a broker's files, as if it had a disk of its own and lost it."""
    for folder in (node.node.store_folder, node.node.log_folder):
        node.machine.disk.wipe(folder)


def make_master(slave: SimNode) -> None:
    """Give a slave a master's file; it has no slave yet, and so is no SYNC_MASTER."""
    _rewrite(slave, ROLE, 0)


def succeed(cluster: SimCluster, name: str) -> None:
    """Have a slave's name be a master's, and the other way round.

    Raises:
        ClusterError: it is no slave.
    """
    slave = cluster.crew.node(name)
    if not slave.is_slave:
        raise ClusterError(f"{name} is no slave")
    master, number = _master_of(cluster, slave), slave.node.broker.broker_id
    timeline = cluster.simulation.timeline
    timeline.tell("fault", node=name, what="promote", peer=master.name)
    if master.is_alive:
        cluster.kill(master.name)
    lose_files(master)
    _rewrite(master, BrokerRole.SLAVE.name, number)
    make_master(slave)


def _master_of(cluster: SimCluster, slave: SimNode) -> SimNode:
    name = slave.node.broker.broker_name
    for node in cluster.crew.nodes.values():
        is_ours = not node.node.is_namesrv and node.node.broker.broker_name == name
        if is_ours and not node.is_slave:
            return node
    raise ClusterError(f"{slave.name} has no master in this cluster")


def _rewrite(node: SimNode, role: str, number: int) -> None:
    settings = {"brokerRole": role, "brokerId": str(number)}
    node.replace(node.node.with_settings(settings).text or "")
