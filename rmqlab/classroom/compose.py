"""A topology as a Compose file: its hosts, and each node in its host's network.

What runtime docker and that file have in common is here and in `docker_hosts`.  The
nodes' own `.properties` files are used as they are.

    python -m rmqlab.classroom.compose      writes compose/MODE/docker-compose.yml anew
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from rmqlab.boot import LOG_DIR_VARIABLE
from rmqlab.classroom import confinement
from rmqlab.classroom.docker_hosts import HOLD, gateway_of, subnet_of
from rmqlab.classroom.image import BASE_VARIABLE, default_base
from rmqlab.classroom.image import NAME as IMAGE
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import MODES, ROOTS_HOME, SHIPPED, Host, Node, Topology
from rmqlab.classroom.topology import load as load_topology
from rmqlab.settings import BrokerRole

CONF = "/usr/local/rocketmq/conf"
"""Where a node's file is in its container: beside the article's store."""
LOGS_BELOW_HOME = "logs/rocketmqlogs"
LOGS = f"{ROOTS_HOME}/{LOGS_BELOW_HOME}"
DISKS = ("/usr/local/rocketmq", ROOTS_HOME)
"""What a host keeps, a volume each: there the image's user may write."""
MERGE = "<<"
SYNC = BrokerRole.SYNC_MASTER.name
COMPOSE_FILE = "docker-compose.yml"
HEALTH = {"interval": "2s", "start_period": "60s", "retries": 5}
"""A master may wait for its slave at first; later 10 s without one are worth a word."""


def command_of(node: Node) -> list[str]:
    """Return the command that starts a node, as one would type it on its host."""
    program = "mqnamesrv" if node.is_namesrv else "mqbroker"
    if node.text is None:
        return [program]
    return [program, "-c", f"{CONF}/{node.name}.properties"]


def file_of(node: Node, topology: Topology) -> str:
    """Return where a node's file is in the topology's folder."""
    file = f"{node.name}.properties"
    is_flat = not (topology.folder / node.host.name / file).exists()
    return file if is_flat else f"{node.host.name}/{file}"


def stores_of(node: Node) -> list[str]:
    """Return the folders on its host that a broker stores in, none below another."""
    if node.is_namesrv:
        return []
    store, log = PurePosixPath(node.store_folder), PurePosixPath(node.log_folder)
    return [str(store)] if log.is_relative_to(store) else [str(store), str(log)]


def render(topology: Topology) -> str:
    """Return the topology's Compose file."""
    services = {host.name: _host(host) for host in topology.hosts}
    services |= {node.name: _node(node, topology) for node in topology.nodes}
    volumes: dict[str, Any] = {
        _volume(host, disk): {} for host in topology.hosts for disk in DISKS
    }
    subnet = {"subnet": str(subnet_of(topology)), "gateway": gateway_of(topology)}
    whole = {
        "name": f"rmqlab-{topology.name}",
        "x-host": _every_host(topology),
        "x-node": _every_node(),
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


def _every_host(topology: Topology) -> dict[str, Any]:
    return {
        "image": IMAGE,
        "build": {
            "context": "../../dist",
            "dockerfile": "../compose/Dockerfile",
            "args": {"BASE_IMAGE": f"${{{BASE_VARIABLE}:-{default_base()}}}"},
        },
        "init": True,
        "command": HOLD,
        "healthcheck": {"test": ["CMD", "true"], "interval": "5s"},
        "extra_hosts": [f"{name}:{at}" for name, at in topology.names.items()],
        **confinement.HOST.for_compose(),
    }


def _every_node() -> dict[str, Any]:
    return {"image": IMAGE, "healthcheck": HEALTH, **confinement.NODE.for_compose()}


def _host(host: Host) -> dict[str, Any]:
    network = {"hosts": {"ipv4_address": host.address}}
    return {MERGE: "*host", "hostname": host.name, "networks": network}


def _node(node: Node, topology: Topology) -> dict[str, Any]:
    _check_stores(node)
    volumes = [f"{_volume(node.host, disk)}:{disk}" for disk in DISKS]
    if node.text is not None:
        source, target = file_of(node, topology), f"{CONF}/{node.name}.properties"
        volumes.append(f"./{source}:{target}:ro")
    # Nobody can wait for a SYNC_MASTER's health: that waits for the slave.
    before = {
        one.name: {
            "condition": f"service_{'started' if one.role == SYNC else 'healthy'}"
        }
        for one in topology.nodes
        if one.start_order < node.start_order
    }
    return {
        MERGE: "*node",
        "network_mode": f"service:{node.host.name}",
        "command": command_of(node),
        "environment": {LOG_DIR_VARIABLE: f"{LOGS_BELOW_HOME}/{node.name}"},
        "volumes": volumes,
        **({"depends_on": before} if before else {}),
    }


def _check_stores(node: Node) -> None:
    """See that a node's stores lie on its host's disks.

    Raises:
        ClusterError: one does not; nobody could write to it.
    """
    for store in stores_of(node):
        if not any(PurePosixPath(store).is_relative_to(disk) for disk in DISKS):
            raise ClusterError(
                f"{node.name} stores in {store}: in a container, whose user is not "
                f"root, it can store below {' or '.join(DISKS)} only"
            )


def _volume(host: Host, disk: str) -> str:
    """Return the volume for a path on a host: its nodes share it."""
    return f"{host.name}{disk.replace('/', '-')}"


def _yaml(value: dict[str, Any], indent: str = "") -> list[str]:
    """Return the lines of a mapping; what is not one stands in JSON, which is YAML.

    What all services of a kind say stands once, below x-KIND, and is merged into each.
    """
    lines = []
    for key, one in value.items():
        head = f"{indent}{key}:"
        if key.startswith("x-"):
            head += f" &{key.removeprefix('x-')}"
        if isinstance(one, dict) and one:
            lines += [head, *_yaml(one, indent + "  ")]
        elif isinstance(one, list) and key in {"extra_hosts", "volumes"}:
            lines += [head, *(f"{indent}  - {item}" for item in one)]
        else:
            lines.append(f"{head} {one if key == MERGE else json.dumps(one)}")
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
