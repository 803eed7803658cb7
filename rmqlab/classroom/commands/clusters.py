"""`rmqlab up` and everything that one does to a running cluster."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from rmqlab.classroom import registry, runtimes
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.runtime import ClusterError, NodeState, Status

REFRESH_S = 1.0

name_option = click.option(
    "--name", help="Which cluster; not needed while only one is up."
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")
runtime_option = click.option(
    "--runtime", default=runtimes.default, show_default="RMQLAB_RUNTIME, else local",
    help="local, docker, or rocketmq, the real one; a simulated one: `rmqlab sim`.",
)  # fmt: skip

COLOURS = {
    "usable": "green",
    "starting": "cyan",
    "waiting": "yellow",
    "paused": "yellow",
    "stopped": "dim",
    "killed": "red",
    "failed": "red",
}


@click.command("up")
@click.argument("topology")
@runtime_option
@click.option("--name", help="The cluster's name; without it, the topology's.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE",
    help="A setting changed on every broker.",
)  # fmt: skip
@click.option(
    "--trace", type=click.Path(dir_okay=False), metavar="FILE",
    help="Write down what happens; `rmqlab trace` or `down` makes the file.",
)  # fmt: skip
@json_option
def up_command(
    topology: str,
    runtime: str,
    name: str | None,
    settings: tuple[str, ...],
    trace: str | None,
    as_json: bool,
) -> None:
    """Start a cluster: 1m, 2m-noslave, 2m-2s-async, 2m-2s-sync, or a FOLDER.

    Exit code 1 if a node is not usable; the others run on.

    \b
    rmqlab up 2m-2s-sync
    rmqlab up ./my-cluster --name mine --json
    """
    console = Console(stderr=True)

    def progress(node: str, what: str) -> None:
        if not as_json:
            console.print(f"  {node}: {what}", highlight=False, markup=False)

    cluster = Cluster.up(
        topology,
        runtime=runtime,
        name=name,
        settings=dict(_pair(one) for one in settings),
        detached=True,
        progress=progress,
        trace=trace,
    )
    status = cluster.status()
    if as_json:
        print(json.dumps(_up_json(cluster, status)))
    else:
        _tell(cluster, status, topology)
    sys.exit(0 if status.is_usable else 1)


def _tell(cluster: Cluster, status: Status, topology: str) -> None:
    """Print what came up, and what did not."""
    from rmqlab.classroom.lint import lint  # noqa: PLC0415

    console = Console()
    console.print(_table(status))
    if status.is_usable:
        console.print(f"up in {cluster.startup_s:.2f} s; `rmqlab down` ends it")
        return
    if lint([Path(topology)]):
        console.print(f"`rmqlab lint {topology}` says what is to be mended.")
    console.print("`rmqlab down` ends what runs.")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--set {text!r}: write KEY=VALUE")
    return key, value


def _up_json(cluster: Cluster, status: Status) -> dict[str, Any]:
    return {
        "name": status.name,
        "runtime": status.runtime,
        "name_servers": status.name_servers,
        "startup_s": round(cluster.startup_s or 0, 3),
        "nodes": [_place_json(node) for node in status.nodes],
    }


def _place_json(node: NodeState) -> dict[str, Any]:
    """Return who a node is and where it runs; of one that is not usable also why."""
    keys = ["name", "host", "role", "address", "container" if node.container else "pid"]
    if node.state != "usable":
        keys += ["state", "why"]
    return {key: getattr(node, key) for key in keys}


def _node_json(node: NodeState) -> dict[str, Any]:
    return {key: value for key, value in node.to_json().items() if value != ""}


def _table(status: Status) -> Group:
    """Return a cluster's nodes, and below them what is wrong with which."""
    title = f"{status.name} ({status.topology}, {status.runtime})"
    caption = f"name servers {status.name_servers}"
    table = Table(title=title, caption=caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("host", "node", "role", "address", "pid", "state", "log", "behind"):
        table.add_column(heading, no_wrap=heading != "pid")  # a container's is long
    for node in status.nodes:
        colour = COLOURS[node.state]
        table.add_row(
            node.host,
            node.name,
            node.role,
            node.address,
            str(node.pid or node.container or ""),
            f"[{colour}]{node.state}[/]",
            "" if node.log_end is None else f"{node.log_end:,}",
            "" if node.behind is None else f"{node.behind:,}",
        )
    told = (
        f"[{COLOURS[node.state]}]{node.name} {node.state}:[/] {escape(node.why)}"
        for node in status.nodes
        if node.why
    )
    faults = (
        f"[red]{escape(name)}:[/] {escape(words)}"
        for name, words in status.faults.items()
    )
    return Group(table, *told, *faults)


@click.command("down")
@name_option
@click.option("--all", "everything", is_flag=True, help="All clusters of this user.")
def down_command(name: str | None, everything: bool) -> None:
    """End a cluster, and what one left behind whose owner was killed.

    \b
    rmqlab down
    rmqlab down --all
    """
    known = registry.names()
    if name is None and not everything and len(known) > 1:
        raise ClusterError(
            f"which cluster? There are {', '.join(known)}: --name or --all"
        )
    chosen = known if everything else [name] if name else known
    if not chosen:
        print("no cluster is up")
    for one in chosen:
        print(_end(one))


def _end(name: str) -> str:
    state = registry.read_state(name)
    if state is None:
        raise ClusterError(
            f"cluster {name!r} is not up: `rmqlab status --all` lists them"
        )
    if registry.is_running(state):
        Cluster.attach(name).down()
        return f"{name}: down"
    ended = registry.end_leftovers(state)
    (registry.folder_of(name) / registry.STATE_FILE).unlink(missing_ok=True)
    return f"{name}: its owner was gone already; ended {', '.join(ended) or 'nothing'}"


@click.command("status")
@name_option
@click.option("--watch", is_flag=True, help="Keep looking, once a second.")
@click.option("--all", "everything", is_flag=True, help="All clusters of this user.")
@json_option
def status_command(
    name: str | None, watch: bool, everything: bool, as_json: bool
) -> None:
    """Show a cluster's nodes: their states, logs, and how far slaves are behind.

    \b
    rmqlab status --watch
    """
    clusters = (
        [Cluster.attach(one) for one in registry.running()]
        if everything
        else [Cluster.attach(name)]
    )
    if as_json:
        found = [_status_json(one.status()) for one in clusters]
        print(json.dumps(found if everything else found[0]))
        return
    console = Console()
    if not clusters:
        console.print("no cluster is up: `rmqlab up 2m-2s-sync` starts one")
    elif watch:
        _watch(clusters, console)
    else:
        console.print(_tables(clusters))


def _watch(clusters: list[Cluster], console: Console) -> None:
    """Show clusters again and again, until Ctrl-C."""
    with (
        contextlib.suppress(KeyboardInterrupt),
        Live(console=console, auto_refresh=False) as live,
    ):
        while True:
            live.update(_tables(clusters), refresh=True)
            time.sleep(REFRESH_S)


def _tables(clusters: list[Cluster]) -> Group:
    return Group(*(_table(one.status()) for one in clusters))


def _status_json(status: Status) -> dict[str, Any]:
    return {
        "name": status.name,
        "runtime": status.runtime,
        "topology": status.topology,
        "name_servers": status.name_servers,
        "nodes": [_node_json(node) for node in status.nodes],
        "faults": status.faults,
    }


def _verb(verb: str, text: str) -> click.Command:
    @click.command(verb, help=f"{text}\n\n\b\nrmqlab {verb} broker-a")
    @click.argument("node")
    @name_option
    def command(node: str, name: str | None) -> None:
        state: NodeState = getattr(Cluster.attach(name), verb)(node)
        print(f"{node}: {state.state}{f' ({state.why})' if state.why else ''}")

    return command


kill_command = _verb("kill", "End a node at once, without a goodbye (SIGKILL).")


@click.command("promote")
@click.argument("node")
@click.option("--force", is_flag=True, help="End its master, if that still lives.")
@name_option
def promote_command(node: str, force: bool, name: str | None) -> None:
    """Make a slave the master of its name, by hand; say what that loses.

    Refused while its master lives: two masters of one name take turns in the routes.

    \b
    rmqlab kill broker-a
    rmqlab promote broker-a-s
    """
    Cluster.attach(name).promote(node, force=force, tell=print)


stop_command = _verb("stop", "Ask a node to end in good order (SIGTERM).")
pause_command = _verb("pause", "Stop a node in its tracks; connections stay open.")
resume_command = _verb("resume", "Let a paused node go on.")
restart_command = _verb("restart", "Start a node, stopping it first if it runs.")
