"""Who a command is for: one broker's address, or the brokers of a cluster.

Source: CommandUtil.java, release 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from typing import NamedTuple

from rmqlab.client.admin import Admin
from rmqlab.client.routes import MASTER_ID
from rmqlab.mqadmin.command import Failed, Flag

CLUSTER_NAME, BROKER_ADDR = "clusterName", "brokerAddr"


class Place(NamedTuple):
    """Where one broker is, and who it is."""

    cluster: str
    broker: str
    broker_id: int
    address: str


def target_flags(broker: str, cluster: str) -> tuple[Flag, Flag]:
    """Return ``-b`` and ``-c``, one of which must be given, with these texts."""
    return (
        Flag("b", BROKER_ADDR, broker, is_target=True),
        Flag("c", CLUSTER_NAME, cluster, is_target=True),
    )


async def masters(admin: Admin, flags: Namespace) -> list[str]:
    """Return the address given, or those of the cluster's masters.

    Raises:
        Failed: no such cluster has a master.
        Unavailable: no name server answered.
    """
    if flags.broker_addr:
        return [flags.broker_addr]
    found = await in_cluster(admin, flags.cluster_name)
    addresses = [one.address for one in found if one.broker_id == MASTER_ID]
    if not addresses:
        raise Failed(f"no broker of cluster {flags.cluster_name} has a master now")
    return addresses


async def in_cluster(admin: Admin, cluster: str) -> list[Place]:
    """Return the brokers of a cluster, each master before its slaves.

    Raises:
        Failed: there is no such cluster; the text names those there are.
        Unavailable: no name server answered.
    """
    found = await everywhere(admin)
    chosen = [one for one in found if one.cluster == cluster]
    if not chosen:
        known = ", ".join(sorted({one.cluster for one in found})) or "none"
        raise Failed(
            "Make sure the specified clusterName exists or the name server connected "
            f"to is correct: {cluster!r} is unknown; known: {known}"
        )
    return chosen


async def everywhere(admin: Admin) -> list[Place]:
    """Return all brokers that a name server knows, sorted.

    Raises:
        Unavailable: no name server answered.
    """
    info = await admin.cluster()
    return sorted(
        Place(cluster, name, broker_id, address)
        for cluster, names in info.clusters.items()
        for name in names
        if name in info.brokers
        for broker_id, address in info.brokers[name].broker_addrs.items()
    )
