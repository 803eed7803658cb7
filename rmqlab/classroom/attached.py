"""A cluster that somebody else runs: clients for it and a look at it, but no buttons.

In the lab's container that is the composed cluster beside it, whose name servers
RMQLAB_NAMESRV has.  Its buttons are in a terminal of the machine that runs it:
`docker compose kill broker-a`, and `start`, `pause`, `unpause`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NoReturn, Self

from rmqlab.classroom.console import brokers
from rmqlab.classroom.real_verbs import RealVerbs
from rmqlab.classroom.runtime import ClusterError, NodeState, Status, compare
from rmqlab.classroom.traffic import ATTENTIVE
from rmqlab.client.admin import Admin
from rmqlab.client.blocking import BlockingAdmin, run
from rmqlab.errors import Unavailable

VARIABLE = "RMQLAB_NAMESRV"
BY_HAND = (
    "others run its nodes, so there are no buttons here: where it is Compose, type "
    "`docker compose kill {}` in a terminal of its machine, or start, pause, unpause"
)


class AttachedCluster(RealVerbs):
    """A cluster of which nothing but its name servers is known beforehand."""

    client_config = ATTENTIVE

    def __init__(self, name_servers: str) -> None:
        super().__init__()
        self.name_servers = self.topology = name_servers

    @classmethod
    def find(cls, name_servers: str | None) -> Self:
        """Return the cluster with these name servers, or those of the environment.

        Raises:
            ClusterError: none was named, or none of them answers.
        """
        named = name_servers or os.environ.get(VARIABLE)
        if not named:
            raise ClusterError(
                f"{VARIABLE} is set in the lab's container only: elsewhere name the "
                'name servers, attached("host1:9876;host2:9876")'
            )
        found = cls(named)
        if not any(one.is_alive for one in found.status().nodes):
            raise ClusterError(f"no name server of {named} answers: is it up?")
        return found

    def status(self) -> Status:
        """Return its name servers, and the brokers that they know.

        Of the hosts only the addresses are known; roles are MASTER and SLAVE.
        """
        with BlockingAdmin(self.name_servers, self.client_config) as admin:
            nodes = [*run(_name_servers(admin.inner)), *run(_brokers(admin.inner))]
        compare(nodes)
        asked = self.name_servers
        return Status("attached", "attached", asked, asked, nodes, events=[])

    def node(self, name: str) -> NodeState:
        """Return one node's state."""
        return self.status().node(name)

    def kill(self, node: str) -> NoReturn:
        """Say who can.

        Raises:
            ClusterError: always.
        """
        raise ClusterError(BY_HAND.format(node))

    def __repr__(self) -> str:
        """A fixed text: outputs of different runs can be compared."""
        return f"a cluster of {len(self.status().nodes)} nodes that others run"


async def _name_servers(admin: Admin) -> list[NodeState]:
    return [
        NodeState(
            name=f"namesrv{number}",
            host=_host_of(one.address),
            role="NAMESRV",
            address=one.address,
            state="failed" if one.why else "usable",
            why=one.why,
        )
        for number, one in enumerate(await brokers.name_servers(admin), start=1)
    ]


async def _brokers(admin: Admin) -> list[NodeState]:
    with suppress(Unavailable):
        return [_broker(one) for one in await brokers.brokers(admin)]
    return []


def _broker(seen: brokers.BrokerSeen) -> NodeState:
    place = seen.place
    return NodeState(
        name=place.broker if seen.is_master else f"{place.broker}-s",
        host=_host_of(place.address),
        role="MASTER" if seen.is_master else "SLAVE",
        address=place.address,
        broker_name=place.broker,
        state="failed" if seen.why else "usable",
        why=seen.why,
        log_end=seen.log_end,
    )


def _host_of(address: str) -> str:
    return address.rpartition(":")[0]
