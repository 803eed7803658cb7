"""A second network between the hosts of a cluster in Docker: as machines often have.

    clients, this machine ──── outer ───┬───────────┐
                                      host1       host2
                                        └── inner ──┘

Nobody but the hosts has an address in the inner one.  It is removed with the cluster.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import docker
from docker.models.containers import Container

from rmqlab.classroom import image
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.image import network_of

NO_ADDRESS_HERE = {"com.docker.network.bridge.inhibit_ipv4": "true"}


def join(cluster: Cluster) -> None:
    """Connect a cluster's hosts by a second network; it becomes their way to elsewhere.

    A node that does not say its address takes it from there at its next start.

    Raises:
        ClusterError: no Docker daemon answers.
    """
    with contextlib.closing(image.connect()) as client:
        own = image.labels(cluster.name, str(cluster.folder))
        name = _inner(own)
        client.networks.create(name, options=NO_ADDRESS_HERE, labels=own)
        for host in _hosts(client, own):
            client.networks.get(name).connect(host)


def addresses(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Return the ``outer`` and the ``inner`` address of every host, by its name.

    Raises:
        ClusterError: no Docker daemon answers.
    """
    with contextlib.closing(image.connect()) as client:
        own = image.labels(cluster.name, str(cluster.folder))
        names = {"outer": network_of(own), "inner": _inner(own)}
        found = {
            host.labels["rmqlab.host"]: {
                kind: host.attrs["NetworkSettings"]["Networks"][name]["IPAddress"]
                for kind, name in names.items()
            }
            for host in _hosts(client, own)
        }
    return dict(sorted(found.items()))


def _inner(own: dict[str, str]) -> str:
    """Return the network's name: the way out is by the first one in the alphabet."""
    return f"inner-{network_of(own)}"


def _hosts(client: docker.DockerClient, own: dict[str, str]) -> Iterator[Container]:
    wanted = [f"{key}={value}" for key, value in own.items()]
    for one in client.containers.list(filters={"label": [*wanted, "rmqlab.host"]}):
        if "rmqlab.node" not in one.labels:
            yield one
