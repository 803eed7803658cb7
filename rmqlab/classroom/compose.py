"""A topology as containers: one a host, and one a node in its host's network.

    host1  192.168.157.128          host2  192.168.157.129       a network, a /24
    ├── namesrv1       :9876        ├── namesrv2       :9876     the hosts hold the
    ├── broker-a      :10911        ├── broker-b      :10911     addresses and names,
    └── broker-b-s    :11011        └── broker-a-s    :11011     the nodes join them

Here is what runtime docker and a Compose file have in common, and that file: the
nodes' own `.properties` files are used as they are.

    python -m rmqlab.classroom.compose      writes compose/MODE/docker-compose.yml anew
"""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path, PurePosixPath
from typing import Any

import docker
import psutil
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from rmqlab.classroom.image import (
    BASE_VARIABLE,
    CLUSTER_LABEL,
    FOLDER_LABEL,
    default_base,
    network_of,
)
from rmqlab.classroom.image import NAME as IMAGE
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import MODES, ROOTS_HOME, SHIPPED, Host, Node, Topology
from rmqlab.classroom.topology import load as load_topology

CONF = "/usr/local/rocketmq/conf"
"""Where a node's file is in its container: beside the article's store."""
LOGS = f"{ROOTS_HOME}/logs/rocketmqlogs"
HOLD = ["sleep", "infinity"]
"""What a host does: it is there.  Its init ends it at once when it is told to stop."""
COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_FILE = "docker-compose.yml"
PREFIX_LENGTH = 24


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


def command_of(node: Node) -> list[str]:
    """Return the command that starts a node, as one would type it on its host."""
    program = "mqnamesrv" if node.is_namesrv else "mqbroker"
    if node.text is None:
        return [program]
    return [program, "-c", f"{CONF}/{node.name}.properties"]


def stores_of(node: Node) -> list[str]:
    """Return the folders on its host that a broker stores in, none below another."""
    if node.is_namesrv:
        return []
    store, log = PurePosixPath(node.store_folder), PurePosixPath(node.log_folder)
    return [str(store)] if log.is_relative_to(store) else [str(store), str(log)]


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


def render(topology: Topology) -> str:
    """Return the topology's Compose file."""
    services = {host.name: _host(host, topology) for host in topology.hosts}
    services |= {node.name: _node(node, topology) for node in topology.nodes}
    volumes: dict[str, Any] = {
        _volume(node, store): {} for node in topology.nodes for store in stores_of(node)
    }
    subnet = {"subnet": str(subnet_of(topology)), "gateway": gateway_of(topology)}
    whole = {
        "name": f"rmqlab-{topology.name}",
        "services": services,
        "networks": {"hosts": {"ipam": {"config": [subnet]}}},
        "volumes": volumes,
    }
    path = f"compose/{topology.name}/{COMPOSE_FILE}"
    head = [
        f"# The topology {topology.name} as containers, from its folder's files by",
        "# python -m rmqlab.classroom.compose: change those, not this.",
        "#",
        "#   make image",
        f"#   docker compose -f {path} up -d --wait",
        f"#   docker compose -f {path} down -v",
    ]
    return "\n".join([*head, *_yaml(whole)]) + "\n"


def _host(host: Host, topology: Topology) -> dict[str, Any]:
    names = [f"{name}:{address}" for name, address in topology.names.items()]
    return {
        "image": IMAGE,
        "build": {
            "context": "../../dist",
            "dockerfile": "../compose/Dockerfile",
            "args": {"BASE_IMAGE": f"${{{BASE_VARIABLE}:-{default_base()}}}"},
        },
        "hostname": host.name,
        "init": True,
        "command": HOLD,
        "healthcheck": {"test": ["CMD", "true"], "interval": "5s"},
        "extra_hosts": names,
        "networks": {"hosts": {"ipv4_address": host.address}},
    }


def _node(node: Node, topology: Topology) -> dict[str, Any]:
    volumes = [f"{_volume(node, store)}:{store}" for store in stores_of(node)]
    if node.text is not None:
        file = f"{node.name}.properties"
        is_flat = not (topology.folder / node.host.name / file).exists()
        source = file if is_flat else f"{node.host.name}/{file}"
        volumes = [f"./{source}:{CONF}/{file}:ro", *volumes]
    before = {
        one.name: {"condition": "service_healthy"}
        for one in topology.nodes
        if one.start_order == node.start_order - 1
    }
    return {
        "image": IMAGE,
        "network_mode": f"service:{node.host.name}",
        "command": command_of(node),
        "healthcheck": {"interval": "2s", "retries": 5},
        **({"volumes": volumes} if volumes else {}),
        **({"depends_on": before} if before else {}),
    }


def _volume(node: Node, store: str) -> str:
    """Return the volume for a path on a node's host: who names one path shares it."""
    return f"{node.host.name}{store.replace('/', '-')}"


def _yaml(value: dict[str, Any], indent: str = "") -> list[str]:
    """Return the lines of a mapping; what is not one stands in JSON, which is YAML."""
    lines = []
    for key, one in value.items():
        if isinstance(one, dict) and one:
            lines += [f"{indent}{key}:", *_yaml(one, indent + "  ")]
        elif isinstance(one, list) and key in {"extra_hosts", "volumes"}:
            lines += [f"{indent}{key}:", *(f"{indent}  - {item}" for item in one)]
        else:
            lines.append(f"{indent}{key}: {json.dumps(one)}")
    return lines


def drift() -> list[Path]:
    """Return the Compose files that are not what their topology renders to."""
    return [path for path, text in _files().items() if _text_of(path) != text]


def _files() -> dict[Path, str]:
    return {
        SHIPPED / mode / COMPOSE_FILE: render(load_topology(mode)) for mode in MODES
    }


def _text_of(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def main() -> None:
    """Write every mode's file."""
    for path, text in _files().items():
        path.write_text(text, "utf-8")
        print(path)


if __name__ == "__main__":
    main()
