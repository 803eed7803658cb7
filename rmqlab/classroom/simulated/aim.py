"""Which node, client or host a scenario means by `a master` or `a host`.

Only those to which it can be done: what lives is killed, what is dead is started.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from rmqlab.classroom.simulated.crew import Crew
from rmqlab.classroom.simulated.node import SimNode
from rmqlab.classroom.simulated.scenario import BREAKS, Action
from rmqlab.classroom.simulated.traffic import SimTraffic


class Aim:
    """Chooses among the parts of one cluster, by dice."""

    def __init__(
        self, crew: Crew, traffics: Iterable[SimTraffic], dice: Random
    ) -> None:
        self._crew, self._traffics, self._dice = crew, list(traffics), dice

    def at(self, action: Action) -> str | None:
        """Return the name of what it is done to; None where nothing fits."""
        article, _, wanted = action.target.partition(" ")
        if not wanted:
            return article
        fitting = {"node": self._nodes, "client": self._clients, "host": self._hosts}
        names = fitting[action.kind](wanted, action.verb)
        found = [name for name in names if name != action.other]
        return self._dice.choice(found) if found else None

    def _nodes(self, wanted: str, verb: str) -> list[str]:
        nodes = self._crew.nodes.values()
        return [one.name for one in nodes if _is_a(wanted, one) and _fits(one, verb)]

    def _clients(self, wanted: str, verb: str) -> list[str]:
        return [
            name
            for traffic in self._traffics
            for name in traffic.names
            if wanted == "client" or f"-{wanted}" in name.removeprefix(traffic.topic)
            if _can(traffic, name, verb)
        ]

    def _hosts(self, wanted: str, verb: str) -> list[str]:
        is_up = verb != "boot"
        machines = self._crew.machines.items()
        return [name for name, one in machines if one.host.is_up == is_up]


def _is_a(wanted: str, node: SimNode) -> bool:
    if wanted == "node":
        return True
    if wanted == "nameserver":
        return node.node.is_namesrv
    is_wanted = {"broker": True, "slave": node.is_slave, "master": not node.is_slave}
    return not node.node.is_namesrv and is_wanted[wanted]


def _fits(node: SimNode, verb: str) -> bool:
    is_paused = node.state == "paused"
    if verb in BREAKS["node"]:
        is_wanted = verb != "promote" or node.is_slave
        return is_wanted and node.is_alive and not is_paused
    return is_paused if verb == "resume" else not node.is_alive


def _can(traffic: SimTraffic, name: str, verb: str) -> bool:
    if name not in traffic.running:
        return verb == "start"
    is_paused = traffic.process(name).is_paused
    return verb == "resume" if is_paused else verb in BREAKS["client"]
