"""A topology as a Compose file: its hosts, and each node in its host's network.

The nodes' own `.properties` files are used as they are; what runs by them is a `kinds`.

    docker-compose.yml             our nodes
    docker-compose.rocketmq.yml    the real RocketMQ's

What runtime docker and these files have in common is here and in `docker_hosts`.

    python -m rmqlab.classroom.compose      writes them all, in compose/MODE, anew
"""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from rmqlab.classroom import attached, confinement, lab_image
from rmqlab.classroom.docker_hosts import HOLD, gateway_of, subnet_of
from rmqlab.classroom.kinds import BIN, CONF, SLOW_HEALTH, Kind, Ours, base_for_compose
from rmqlab.classroom.official import Official
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import MODES, ROOTS_HOME, SHIPPED, Host, Node, Topology
from rmqlab.classroom.topology import load as load_topology
from rmqlab.settings import BrokerRole

DISKS = ("/usr/local/rocketmq", ROOTS_HOME)
"""What a host keeps, a volume each: there the image's user may write."""
MERGE = "<<"
SYNC = BrokerRole.SYNC_MASTER.name
COMPOSE_FILE = "docker-compose.yml"
DASHBOARD, DASHBOARD_PORT = "apacherocketmq/rocketmq-dashboard:1.0.0", 8080
LAB_PORT, CONSOLE_PORT = 8888, 8889
LAB_HOME = "/home/learner"
OURS, OFFICIAL = Ours(), Official()
KINDS: tuple[Kind, ...] = (OURS, OFFICIAL)


def compose_file(kind: Kind) -> str:
    """Return the name of a topology's Compose file with this kind of nodes."""
    return f"docker-compose.{kind.name}.yml" if kind.name else COMPOSE_FILE


def project_of(name: str, kind: Kind) -> str:
    """Return what Compose calls a topology with this kind of nodes."""
    return f"rmqlab-{name}-{kind.name}" if kind.name else f"rmqlab-{name}"


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


def render(topology: Topology, kind: Kind = OURS) -> str:
    """Return the topology's Compose file with this kind of nodes."""
    services = {host.name: _host(host) for host in topology.hosts}
    services |= {node.name: _node(node, topology, kind) for node in topology.nodes}
    services |= {"dashboard": _dashboard(topology), "lab": _lab(topology)}
    own = (kind.volumes(node).values() for node in topology.nodes)
    disks = (_volume(host, disk) for host in topology.hosts for disk in DISKS)
    subnet = {"subnet": str(subnet_of(topology)), "gateway": gateway_of(topology)}
    whole = {
        "name": project_of(topology.name, kind),
        "x-host": _every_host(topology, kind),
        "x-node": _every_node(kind),
        "services": services,
        "networks": {"hosts": {"ipam": {"config": [subnet]}}},
        "volumes": {one: {} for one in (*disks, *chain.from_iterable(own), "learner")},
    }
    path = f"compose/{topology.name}/{compose_file(kind)}"
    head = [
        f"# The topology {topology.name} as containers, from its folder's files by",
        "# python -m rmqlab.classroom.compose: change those, not this.",
        "#",
        *(f"#   {step}" for step in kind.before_compose),
        f"#   docker compose -f {path} up -d --wait",
        f"#   docker compose -f {path} --profile dashboard up -d --wait",
        "#",
        "#   make labimage              # JupyterLab on http://127.0.0.1:8888/lab?token=…",
        f"#   RMQLAB_TOKEN=… docker compose -f {path} --profile lab up -d --wait",
        "#",
        f'#   docker compose -f {path} --profile "*" down      # -v: its disks, too',
    ]
    return "\n".join([*head, *_yaml(whole)]) + "\n"


def _every_host(topology: Topology, kind: Kind) -> dict[str, Any]:
    return {
        **kind.image_for_compose(),
        "init": True,
        "command": HOLD,
        "healthcheck": {"test": ["CMD", "true"], "interval": "5s"},
        "extra_hosts": _names(topology),
        **confinement.HOST.for_compose(),
    }


def _every_node(kind: Kind) -> dict[str, Any]:
    image = kind.image_for_compose()["image"]
    return {
        "image": image,
        **kind.nodes_for_compose(),
        **kind.limits.for_compose(),
    }


def _host(host: Host) -> dict[str, Any]:
    network = {"hosts": {"ipv4_address": host.address}}
    return {MERGE: "*host", "hostname": host.name, "networks": network}


def _node(node: Node, topology: Topology, kind: Kind) -> dict[str, Any]:
    _check_stores(node)
    named = {disk: _volume(node.host, disk) for disk in DISKS} | kind.volumes(node)
    volumes = [f"{name}:{place}" for place, name in named.items()]
    if kind.scripts is not None:
        volumes.append(f"../{kind.scripts.name}:{BIN}:ro")
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
        "command": kind.command(node),
        **kind.node_for_compose(node, topology),
        "volumes": volumes,
        **({"depends_on": before} if before else {}),
    }


def _dashboard(topology: Topology) -> dict[str, Any]:
    """Return RocketMQ's own dashboard; it is as well off with nodes of either kind."""
    # Its home is where it logs.
    servers = _name_servers(topology)
    options = f"-Xmx256m -Duser.home=/tmp -Drocketmq.namesrv.addr={servers}"
    return {
        "image": DASHBOARD,
        "profiles": ["dashboard"],
        "environment": [f"JAVA_OPTS={options}"],
        "extra_hosts": _names(topology),
        "networks": ["hosts"],
        "ports": [f"127.0.0.1:{DASHBOARD_PORT}:{DASHBOARD_PORT}"],
        "healthcheck": {"test": ["CMD-SHELL", _listens(DASHBOARD_PORT)], **SLOW_HEALTH},
        **confinement.DASHBOARD.for_compose(),
    }


def _lab(topology: Topology) -> dict[str, Any]:
    """Return JupyterLab with the course; what the learner has done is in a volume.

    Without a token Jupyter makes one, and logs it.
    """
    return {
        "image": lab_image.NAME,
        "build": {
            "context": "../../build/lab",
            "dockerfile": f"../../compose/{lab_image.DOCKERFILE.name}",
            "args": {"BASE_IMAGE": base_for_compose()},
        },
        "profiles": ["lab"],
        "init": True,
        "environment": [
            "JUPYTER_TOKEN=${RMQLAB_TOKEN:-}",
            f"{attached.VARIABLE}={_name_servers(topology)}",
        ],
        "extra_hosts": _names(topology),
        "networks": ["hosts"],
        "ports": [f"127.0.0.1:{one}:{one}" for one in (LAB_PORT, CONSOLE_PORT)],
        "healthcheck": {"test": ["CMD-SHELL", _listens(LAB_PORT)], **SLOW_HEALTH},
        "volumes": [f"learner:{LAB_HOME}"],
        **confinement.LAB.for_compose(),
    }


def _name_servers(topology: Topology) -> str:
    servers = (node for node in topology.nodes if node.is_namesrv)
    return ";".join(f"{one.host.name}:{one.listen_port}" for one in servers)


def _listens(port: int) -> str:
    """Return a shell command: the kernel knows, and every image has grep."""
    return f"grep -q ':{port:04X} [0-9A-F]*:0000 0A ' /proc/net/tcp /proc/net/tcp6"


def _names(topology: Topology) -> list[str]:
    return [f"{name}:{address}" for name, address in topology.names.items()]


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
        SHIPPED / mode / compose_file(kind): render(load_topology(mode), kind)
        for mode in MODES
        for kind in KINDS
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
