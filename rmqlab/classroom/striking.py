"""What somebody asks to go wrong, checked, and as it is told.

    {"do": "cut", "node": "host1", "inward": true, "outward": false}
    {"do": "heal", "node": "host1"}
    {"do": "slow", "node": "broker-a", "ms": 200, "disk": true}

A trace has the words of the simulation's traces.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from rmqlab.classroom.faults import Faults
from rmqlab.classroom.runtime import ClusterError, NodeState

VERBS = ("cut", "heal", "slow")
MAX_MS = 600_000.0


@dataclass(frozen=True)
class Struck:
    """A fault of a host or a node: the table with it, and what a trace says of it."""

    name: str
    is_host: bool
    faults: Faults
    what: str
    ways: dict[str, bool] = field(default_factory=dict)
    """Of a cut: whether it is inward, whether it is outward."""

    @property
    def text(self) -> str:
        """What a person is told."""
        now = str(self.faults.of(self.name)) or "as it should be"
        return f"{self.what}: {now}" if self.what in VERBS else self.what


def struck(
    faults: Faults, asked: Mapping[str, Any], nodes: Collection[NodeState]
) -> Struck:
    """Return the fault that somebody asks for, with those that there are.

    Raises:
        ClusterError: there is nobody of that name, or the fault cannot be had.
        KeyError, ValueError: something is missing, or is no number.
    """
    verb, name = str(asked["do"]), str(asked["node"])
    hosts = list(dict.fromkeys(node.host for node in nodes))
    if verb == "slow":
        return _slow(faults, asked, hosts, [*hosts, *(node.name for node in nodes)])
    if name not in hosts:
        there = ", ".join(hosts)
        raise ClusterError(f"no host {name!r} in this cluster: it has {there}")
    if verb == "heal":
        return Struck(name, True, faults.healed(name), verb)
    ways = {one: bool(asked.get(one, True)) for one in ("inward", "outward")}
    if not any(ways.values()):
        raise ClusterError("a cut is inward, outward, or both")
    return Struck(name, True, faults.with_cut(name, **ways), verb, ways)


def _slow(
    faults: Faults, asked: Mapping[str, Any], hosts: list[str], known: list[str]
) -> Struck:
    name, ms, is_disk = str(asked["node"]), float(asked["ms"]), bool(asked.get("disk"))
    if name not in known:
        there = ", ".join(known)
        raise ClusterError(f"no host or node {name!r} in this cluster: it has {there}")
    if not 0 <= ms <= MAX_MS:
        raise ClusterError(f"{ms:g} ms cannot be had: 0 to {MAX_MS:g} can")
    what = f"a flush takes {ms:g} ms" if is_disk else f"links take {ms:g} ms"
    slower = faults.with_slow(name, ms, is_disk=is_disk)
    return Struck(name, name in hosts, slower, what)
