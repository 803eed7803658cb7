"""`rmqlab logs` and `exec`: what a node writes down, a look around where it runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.commands.clusters import name_option
from rmqlab.classroom.runtime import ClusterError

LOGS = "logs/rocketmqlogs"
WRITTEN = ("console.txt", "*.log")
"""What a node prints, and what it logs."""


@click.command("logs")
@click.argument("node")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is added.")
@click.option("-n", "--lines", default=50, show_default=True, help="How many.")
@name_option
def logs_command(node: str, follow: bool, lines: int, name: str | None) -> None:
    """Show the end of a node's log, on whatever runtime; also of one that is dead.

    \b
    rmqlab logs broker-a --follow
    """
    state = Cluster.attach(name).node(node)
    folder = Path(state.folder) / LOGS / node
    files = [str(path) for kind in WRITTEN for path in sorted(folder.glob(kind))]
    if not files:
        raise ClusterError(f"{node} has logged nothing yet: {folder} has no log")
    # It also follows a log that is begun anew when it is full.
    more = ["-F"] if follow else []
    sys.exit(subprocess.call(["tail", "-n", str(lines), *more, *files]))


@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("node")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@name_option
def exec_command(node: str, command: tuple[str, ...], name: str | None) -> None:
    """Run a command in a node's container; exit code is the command's.

    It gets no input and no terminal: `docker exec -it CONTAINER sh` gives you those.

    \b
    rmqlab exec broker-a -- ls -l /usr/local/rocketmq/store/commitlog
    """
    state = Cluster.attach(name).node(node)
    if state.container is None:
        raise ClusterError(
            f"{node} is no container but a process of this machine (pid {state.pid}): "
            f"just run {' '.join(command)!r}; the files of its host {state.host} are "
            f"below {state.folder}"
        )
    if not state.is_alive:
        raise ClusterError(f"{node} is {state.state}: `rmqlab restart {node}` first")
    # Its library takes a third of a second to import: only who uses it waits.
    from rmqlab.classroom.inside import run_inside  # noqa: PLC0415

    sys.exit(run_inside(state.container, command))
