"""What came of a scenario: counts, what happened to whom, what held and what did not.

Numbers here are of virtual time: the same seed gives the same outcome everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rmqlab.classroom.history import Verdict
from rmqlab.classroom.report import Report
from rmqlab.classroom.runtime import NodeState
from rmqlab.classroom.simulated.holds import (
    BROKEN,
    PROMISED,
    UNUSABLE,
    Finding,
    counts_of,
    look,
)
from rmqlab.classroom.simulated.scenario import Hold

SCHEMA = 1
MOST_SHOWN = 3
WAYS = ("inward", "outward")


class Happening(NamedTuple):
    """Something that happened to a node, host or client, seconds after the start."""

    at_s: float
    who: str
    what: str


@dataclass
class Outcome:
    """All of it."""

    scenario: str
    about: str
    topology: str
    seed: int
    virtual_s: float = 0.0
    report: Report = field(default_factory=Report)
    findings: list[Finding] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    nodes: list[NodeState] = field(default_factory=list)
    """At the end."""
    stored: set[str] = field(default_factory=set, repr=False)
    """The keys of what lies in some log at the end."""
    verdict: Verdict | None = None
    """What the history's checker found, where it was asked."""

    @property
    def held(self) -> bool:
        """Whether everything did."""
        return all(one.held for one in self.findings)

    def observe(self, at_s: float, kind: str, facts: Mapping[str, Any]) -> None:
        """Count an event of the simulation, as the timeline tells it."""
        self.report.note(at_s, kind, facts)
        if kind == "log":
            self.stored.update(key for _, _, _, key, _ in facts["messages"])
        told = _HAPPENINGS.get(kind)
        if told is not None:
            who = facts.get("node") or facts.get("host") or facts.get("client")
            self.happenings.append(Happening(round(at_s, 6), str(who), told(facts)))

    @property
    def counts(self) -> dict[str, float]:
        """All that holds speak of, by name."""
        unusable = sum(one.state != "usable" for one in self.nodes)
        return {**counts_of(self.report, self.stored), UNUSABLE: unusable}

    def look_at(self, holds: Iterable[Hold]) -> None:
        """Find out what held."""
        counts = self.counts
        for hold in holds:
            if hold.count in (BROKEN, PROMISED):
                self.findings.append(self._promise(hold))
            else:
                self.findings.append(look(hold, counts))

    def _promise(self, hold: Hold) -> Finding:
        assert self.verdict is not None
        broken = self.verdict.broken
        if hold.count == PROMISED:
            broken = [one for one in broken if one.kind == "lost"]
        shown = "; ".join(map(str, broken[:MOST_SHOWN]))
        return Finding(hold.text, not broken, f"{len(broken)} broken {shown}".strip())

    def to_json(self) -> dict[str, Any]:
        """Return all of it; the schema is numbered."""
        return {
            "schema": SCHEMA,
            "scenario": self.scenario,
            "topology": self.topology,
            "seed": self.seed,
            "virtual_s": round(self.virtual_s, 6),
            "held": self.held,
            "findings": [one._asdict() for one in self.findings],
            "counts": {name: round(found, 3) for name, found in self.counts.items()},
            "happenings": [list(one) for one in self.happenings],
            "nodes": {one.name: one.state for one in self.nodes},
        }


def _fault(facts: Mapping[str, Any]) -> str:
    peer = f" from {facts['peer']}" if facts.get("peer") else ""
    told = facts.get("way", "")
    ways = [way for way in WAYS if facts.get(way) or way == told]
    way = f" {ways[0]}" if len(ways) == 1 else ""
    return f"{facts['what']}{peer}{way}"


_HAPPENINGS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "node": lambda facts: f"is {facts['state']} {facts['why']}".strip(),
    "fault": _fault,
    "client": lambda facts: str(facts["what"]),
    "skipped": lambda facts: f"no {facts['what']}: {facts['why']}",
}
