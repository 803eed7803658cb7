"""What a console looks at: name servers, and a cluster of ours if they are its own."""

from __future__ import annotations

from typing import NamedTuple

from rmqlab.classroom import registry
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.runtime import ClusterError

NOT_OURS = (
    "Nodes can be killed, paused and cut off here where `rmqlab up` has started them, "
    "on this machine and for this user. Of this cluster only the name servers are "
    "known ({}): it is only looked at."
)


class Source(NamedTuple):
    """The name servers to ask, and whose nodes one may break."""

    name_servers: str
    cluster: Cluster | None

    @property
    def why_no_buttons(self) -> str:
        """Why nothing can be done to the nodes; empty where it can."""
        return "" if self.cluster else NOT_OURS.format(self.name_servers)


def find(name: str | None, name_servers: str | None) -> Source:
    """Return what is meant: these name servers, or a running cluster of this user.

    Raises:
        ClusterError: there is no such cluster, or it is unclear which.
    """
    if name_servers is None:
        cluster = Cluster.attach(name)
        return Source(cluster.name_servers, cluster)
    return Source(name_servers, _owner_of(name_servers))


def _owner_of(name_servers: str) -> Cluster | None:
    """Return the cluster of ours that has one of these name servers."""
    wanted = addresses(name_servers)
    for name in registry.running():
        try:
            cluster = Cluster.attach(name)
        except ClusterError:  # it has just ended
            continue
        if wanted & addresses(cluster.name_servers):
            return cluster
    return None


def addresses(name_servers: str) -> set[str]:
    """Return the parts of ``host:port;host:port``."""
    return {one.strip() for one in name_servers.split(";")} - {""}
