"""Who must be let in where: a topology's ports."""

from __future__ import annotations

from typing import NamedTuple

from rmqlab.classroom.topology import Node, Topology
from rmqlab.settings import BrokerRole

VIP, HA = -2, 1
"""From a broker's listenPort."""


class Opening(NamedTuple):
    """A port of a host, what listens there, and who connects to it."""

    host: str
    port: int
    node: str
    what: str
    who: str


def openings(topology: Topology) -> list[Opening]:
    """Return the ports that each host's firewall lets in, host by host."""
    return [
        Opening(host.name, node.listen_port + more, node.name, what, who)
        for host in topology.hosts
        for node in topology.nodes
        if node.host == host
        for more, what, who in _ports(node, topology)
    ]


def _ports(node: Node, topology: Topology) -> list[tuple[int, str, str]]:
    if node.is_namesrv:
        return [(0, "routes", "clients, every broker")]
    slaves = _slaves(node, topology)
    and_slaves = "".join(f", {one}" for one in slaves)
    ports = [
        (VIP, "the same again, but for pulls", f"clients of 4.4 and older{and_slaves}"),
        (0, "sends, pulls, tables", f"clients{and_slaves}"),
    ]
    return [*ports, (HA, "the commit log's bytes", ", ".join(slaves))][
        : 3 if slaves else 2
    ]


def _slaves(master: Node, topology: Topology) -> list[str]:
    """Return the names of the nodes that copy from a master; none from a slave."""
    if master.role == BrokerRole.SLAVE.name:
        return []
    return [
        one.name
        for one in topology.nodes
        if one.role == BrokerRole.SLAVE.name
        and one.broker.broker_name == master.broker.broker_name
    ]


def table(topology: Topology) -> str:
    """Return the openings as a Markdown table."""
    rows = [
        f"| {one.host} | {one.port} | {one.node} | {one.what} | {one.who} |"
        for one in openings(topology)
    ]
    head = "| host | port | of | carries | let in |", "| --- | --: | --- | --- | --- |"
    return "\n".join([*head, *rows])
