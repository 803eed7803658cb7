"""The hosts of a cluster in Docker: a network with the topology's own addresses.

    host1  192.168.157.128          host2  192.168.157.129       a network, a /24
    ├── namesrv1       :9876        ├── namesrv2       :9876     the hosts hold the
    ├── broker-a      :10911        ├── broker-b      :10911     addresses and names,
    └── broker-b-s    :11011        └── broker-a-s    :11011     the nodes join them

A host is a container that does nothing but being there.
"""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path

import docker
import psutil
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from rmqlab.classroom import confinement
from rmqlab.classroom.image import CLUSTER_LABEL, FOLDER_LABEL, network_of
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import Host, Topology

HOLD = ["sleep", "infinity"]
"""What a host does: it is there.  Its init ends it at once when it is told to stop."""
COMPOSE_PROJECT = "com.docker.compose.project"
PREFIX_LENGTH = 24
ROUTES = Path("/proc/net/route")


def subnet_of(topology: Topology) -> IPv4Network:
    """Return the network that the hosts' addresses lie in.

    Raises:
        ClusterError: they lie in more than one, or one is no IPv4 address.
    """
    try:
        found = {
            IPv4Network(f"{host.address}/{PREFIX_LENGTH}", strict=False)
            for host in topology.hosts
        }
    except ValueError as error:
        raise ClusterError(
            f"{topology.folder}/hosts: {error}: runtime docker gives each host the "
            "IPv4 address that stands there"
        ) from error
    if len(found) > 1:
        raise ClusterError(
            f"{topology.folder}/hosts: addresses in {', '.join(map(str, found))}: "
            "runtime docker needs all hosts in one such network"
        )
    return found.pop()


def gateway_of(topology: Topology) -> str:
    """Return the first address of the network that no host has."""
    taken = {host.address for host in topology.hosts}
    every = ip_network(subnet_of(topology)).hosts()
    return next(str(one) for one in every if str(one) not in taken)


def make_hosts(
    client: docker.DockerClient, topology: Topology, own: dict[str, str], image_id: str
) -> dict[str, str]:
    """Make the network and the hosts; return the hosts' container ids by name.

    Raises:
        ClusterError: somebody has these addresses; the text says who.
        DockerException: the daemon refused.
    """
    subnet = subnet_of(topology)
    if holder := _holder_of(client, subnet):
        raise ClusterError(
            f"{subnet}, which has the addresses of {topology.name}'s hosts, is held by "
            f"{holder}; --runtime local gives every cluster addresses of its own"
        )
    pool = IPAMPool(subnet=str(subnet), gateway=gateway_of(topology))
    name = network_of(own)
    client.networks.create(
        name,
        driver="bridge",
        ipam=IPAMConfig(pool_configs=[pool]),
        labels=own,
    )

    def make_one(host: Host) -> str:
        at = client.api.create_endpoint_config(ipv4_address=host.address)
        container: Container = client.containers.create(
            image_id,
            HOLD,
            name=f"{name}-{host.name}",
            hostname=host.name,
            labels=own | {"rmqlab.host": host.name},
            init=True,
            extra_hosts=topology.names,
            healthcheck={"test": ["NONE"]},
            network=name,
            networking_config={name: at},
            **confinement.HOST.for_sdk(),
        )
        container.start()
        return str(container.id)

    with ThreadPoolExecutor() as together:
        ids = list(together.map(make_one, topology.hosts))
    return dict(zip((host.name for host in topology.hosts), ids, strict=True))


def _holder_of(client: docker.DockerClient, subnet: IPv4Network) -> str:
    """Return who has a part of the subnet and what would end that; empty if nobody."""
    for network in client.networks.list():
        pools = (network.attrs.get("IPAM") or {}).get("Config") or []
        for pool in pools:
            there = ip_network(pool.get("Subnet") or "0.0.0.0/32")
            if isinstance(there, IPv4Network) and there.overlaps(subnet):
                return _describe(network)
    for name, addresses in psutil.net_if_addrs().items():
        for one in addresses:
            with contextlib.suppress(ValueError):
                if ip_address(one.address) in subnet:
                    return f"this machine's interface {name} ({one.address})"
    with contextlib.suppress(OSError):
        return _route_within(subnet, ROUTES.read_text())
    return ""


def _route_within(subnet: IPv4Network, routes: str) -> str:
    """Return which route of this machine leads to a part of the subnet alone.

    `routes` is the kernel's table: its addresses are words as the memory has them.
    """
    for line in routes.splitlines()[1:]:
        interface, target, *_, mask = line.split()[:8]
        address, prefix = (
            int.from_bytes(bytes.fromhex(word), sys.byteorder)
            for word in (target, mask)
        )
        there = IPv4Network((address, prefix.bit_count()))
        if there.subnet_of(subnet):
            return f"this machine's route to {there} by {interface} (`ip route`)"
    return ""


def _describe(network: Network) -> str:
    found = network.attrs.get("Labels") or {}
    if cluster := found.get(CLUSTER_LABEL):
        return (
            f"rmqlab cluster {cluster!r} in {found.get(FOLDER_LABEL)}: "
            f"`rmqlab down --name {cluster}` ends it, or, if that knows none, "
            f"`docker rm -f $(docker ps -aqf label={CLUSTER_LABEL}={cluster}); "
            f"docker network rm {network.name}`"
        )
    if project := found.get(COMPOSE_PROJECT):
        return (
            f"the Compose project {project!r}: `docker compose -p {project} down` "
            "ends it"
        )
    return (
        f"the Docker network {network.name!r}: `docker network rm {network.name}` "
        "removes it if nobody needs it"
    )
