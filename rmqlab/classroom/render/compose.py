"""A topology as a Compose file, with the nodes' own files beside it.

It is the one in compose/MODE, but for this: nothing is built, so there is no container
with the course, and the image may be that of Apache RocketMQ, which then runs as root,
as in the article: only so it may write to the article's folders.
"""

from __future__ import annotations

from typing import Any

import yaml

from rmqlab.classroom import compose, kinds
from rmqlab.classroom.render.program import OWN, Program
from rmqlab.classroom.render.text import dump, hosts_file, properties_of
from rmqlab.classroom.topology import Node, Topology

SHARED = "x-"
"""Begins the names of what is only there to be merged into services."""
OF_A_HOST = "hostname init extra_hosts networks healthcheck".split()
OF_A_NODE = "network_mode volumes depends_on".split()
"""What is the same whatever program runs."""
CHECK_S, START_S = 5, 90
"""A JVM on a busy machine takes long to listen."""


def render(topology: Topology, program: Program) -> dict[str, str]:
    """Return the files, by path."""
    whole = yaml.safe_load(compose.render(topology))
    whole = {key: one for key, one in whole.items() if not key.startswith(SHARED)}
    services = whole["services"]
    del services["lab"], whole["volumes"]["learner"]
    for service in services.values():
        service.pop("build", None)
    if program is not OWN:
        for host in topology.hosts:
            before = services[host.name]
            does = _run(before["command"], program)
            services[host.name] = does | _kept(before, OF_A_HOST)
        for node in topology.nodes:
            services[node.name] = _node(node, services[node.name], program)
    files = {
        compose.file_of(node, topology): properties_of(node)
        for node in topology.nodes
        if node.text is not None
    }
    return {compose.COMPOSE_FILE: dump(whole), "hosts": hosts_file(topology), **files}


def _run(command: list[str], program: Program) -> dict[str, Any]:
    """Return what runs a command in the program's image, and nothing before it."""
    return {"image": program.image, "user": "root", "entrypoint": command}


def _kept(service: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    return {key: service[key] for key in keys if key in service}


def _node(node: Node, service: dict[str, Any], program: Program) -> dict[str, Any]:
    file = f"{kinds.CONF}/{node.name}.properties" if node.text is not None else None
    at = f"{node.host.address}/{node.listen_port}"
    return {
        **_run(program.command(node, file, program.image_home), program),
        **_kept(service, OF_A_NODE),
        "environment": program.environment(program.image_home),
        "healthcheck": {
            "test": ["CMD", "bash", "-c", f"</dev/tcp/{at}"],
            "interval": f"{CHECK_S}s",
            "start_period": f"{START_S}s",
        },
    }
