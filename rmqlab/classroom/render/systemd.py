"""A topology as systemd's unit files: a folder a host, with all that it needs.

    HOST/hosts                 lines for /etc/hosts
    HOST/NODE.properties       → /etc/rocketmq
    HOST/rocketmq-NODE.service → /etc/systemd/system
    README.md                  the commands that do that, and the firewall's openings

Nodes run as a user of their own, not as root; their stores are made and given to it at
every start, but never below a folder whose disk is missing.  A broker whose file does
not say its address is told: with two networks, be the second one Docker's, it guesses.
"""

from __future__ import annotations

import shlex

from rmqlab.classroom.compose import stores_of
from rmqlab.classroom.render.firewall import table
from rmqlab.classroom.render.program import STOP_S, Program
from rmqlab.classroom.render.text import hosts_file, properties_of
from rmqlab.classroom.topology import Host, Node, Topology

USER, CONF = "rocketmq", "/etc/rocketmq"
FILES = 655_350
"""Open ones: a connection is one, a queue's file is one, a commit log's file is one."""
JVM_ENDED = 143
"""A JVM's exit code after SIGTERM."""


def render(topology: Topology, program: Program) -> dict[str, str]:
    """Return the files, by path."""
    files = {"README.md": _readme(topology, program)}
    for host in topology.hosts:
        files[f"{host.name}/hosts"] = hosts_file(topology)
    for node in topology.nodes:
        at = node.host.name
        files[f"{at}/{node.name}.properties"] = properties_of(node, _own_address(node))
        files[f"{at}/{unit_of(node)}"] = _unit(node, topology, program)
    return files


def unit_of(node: Node) -> str:
    """Return the name of a node's unit."""
    return f"rocketmq-{node.name}.service"


def _own_address(node: Node) -> dict[str, str]:
    """Return what a node must be told that its file does not say."""
    says = any(one.key == "brokerIP1" for one in node.properties)
    return {} if node.is_namesrv or says else {"brokerIP1": node.host.address}


def _unit(node: Node, topology: Topology, program: Program) -> str:
    first = [one for one in topology.nodes if one.is_namesrv and one.host == node.host]
    after = ["network-online.target"]
    after += [] if node.is_namesrv else map(unit_of, first)
    stores = stores_of(node)
    command = program.command(node, f"{CONF}/{node.name}.properties", program.home)
    return "\n".join(
        [
            "[Unit]",
            f"Description=RocketMQ {node.name} ({node.role}) of {topology.name}",
            "Wants=network-online.target",
            f"After={' '.join(after)}",
            *(f"RequiresMountsFor={store}" for store in stores),
            "",
            "[Service]",
            f"User={USER}",
            *(
                f'Environment="{key}={value}"'
                for key, value in program.environment(program.home).items()
            ),
            *(
                f"ExecStartPre=+/usr/bin/install -d -o {USER} -g {USER} {store}"
                for store in stores
            ),
            f"ExecStart=/usr/bin/env {shlex.join(command)}",
            f"SuccessExitStatus={JVM_ENDED}",
            "Restart=on-failure",
            "RestartSec=5",
            "# Killed before it has written all down, a broker recovers at its start.",
            f"TimeoutStopSec={STOP_S}",
            f"LimitNOFILE={FILES}",
            "LimitMEMLOCK=infinity",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def _readme(topology: Topology, program: Program) -> str:
    hosts = "\n".join(_install(host, topology) for host in topology.hosts)
    return f"""\
# {topology.name}, for systemd

The program lies in `{program.home}` on every host, and is started as the user `{USER}`:

```sh
useradd --system --create-home {USER}
```
{hosts}
Name servers first, then masters, then slaves; to stop, the other way round. Upgrade one
node at a time, slaves before their masters.

## The firewall

{table(topology)}

And nobody else: whoever reaches these ports may read, send and delete everything.
"""


def _install(host: Host, topology: Topology) -> str:
    nodes = [one for one in topology.nodes if one.host == host]
    units = " ".join(map(unit_of, nodes))
    return f"""
## {host.name}, {host.address}

```sh
cat {host.name}/hosts >> /etc/hosts
install -D -t {CONF} {host.name}/*.properties
install -m 644 -t /etc/systemd/system {host.name}/*.service
systemctl daemon-reload
systemctl enable --now {units}
```
"""
