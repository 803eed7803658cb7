"""`rmqlab cut`, `heal` and `slow`: what goes wrong between hosts, and with disks."""

from __future__ import annotations

import click

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.commands.clusters import name_option


@click.command("cut")
@click.argument("host")
@click.option(
    "--one-way", type=click.Choice(["inward", "outward"]),
    help="Let nothing through to the host only, or from it only.",
)  # fmt: skip
@name_option
def cut_command(host: str, one_way: str | None, name: str | None) -> None:
    """Cut a host off from the others and from clients; nobody is told.

    \b
    rmqlab cut host1
    rmqlab cut host1 --one-way outward
    """
    ways = {way: one_way in (None, way) for way in ("inward", "outward")}
    cluster = Cluster.attach(name)
    cluster.cut(host, **ways)
    print(_said(cluster, host))


@click.command("heal")
@click.argument("host")
@name_option
def heal_command(host: str, name: str | None) -> None:
    """Let everything through again between a host and all others.

    \b
    rmqlab heal host1
    """
    cluster = Cluster.attach(name)
    cluster.heal(host)
    print(_said(cluster, host))


@click.command("slow")
@click.argument("host_or_node")
@click.option(
    "--ms", type=click.FloatRange(min=0), required=True,
    help="How much longer a way takes, or how long a flush; 0: as before.",
)  # fmt: skip
@click.option("--disk", is_flag=True, help="Its disk's flushes, not its links.")
@name_option
def slow_command(host_or_node: str, ms: float, disk: bool, name: str | None) -> None:
    """Let what comes to a host or node and goes from it take longer, or its flushes.

    \b
    rmqlab slow host1 --ms 200
    rmqlab slow broker-a --ms 1000 --disk
    rmqlab slow host1 --ms 0
    """
    cluster = Cluster.attach(name)
    (cluster.slow_disk if disk else cluster.slow_link)(host_or_node, ms)
    print(_said(cluster, host_or_node))


def _said(cluster: Cluster, name: str) -> str:
    """Return what is wrong with a host or a node now."""
    return f"{name}: {cluster.status().faults.get(name, 'as it should be')}"
