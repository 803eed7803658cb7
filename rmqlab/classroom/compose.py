"""A topology as a Compose file: its hosts, and each node in its host's network.

What runtime docker and that file have in common is here and in `docker_hosts`.  The
nodes' own `.properties` files are used as they are.

    python -m rmqlab.classroom.compose      writes compose/MODE/docker-compose.yml anew
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from rmqlab.classroom.docker_hosts import HOLD, gateway_of, subnet_of
from rmqlab.classroom.image import BASE_VARIABLE, default_base
from rmqlab.classroom.image import NAME as IMAGE
from rmqlab.classroom.topology import MODES, ROOTS_HOME, SHIPPED, Host, Node, Topology
from rmqlab.classroom.topology import load as load_topology

CONF = "/usr/local/rocketmq/conf"
"""Where a node's file is in its container: beside the article's store."""
LOGS = f"{ROOTS_HOME}/logs/rocketmqlogs"
COMPOSE_FILE = "docker-compose.yml"


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
        source, target = file_of(node, topology), f"{CONF}/{node.name}.properties"
        volumes = [f"./{source}:{target}:ro", *volumes]
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
