"""What a history shows: promises kept and broken, and the numbers beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]

PROMISES = {
    "lost": "what was acknowledged is kept, as far as the mode promises",
    "early": "SEND_OK is told once the message is as safe as the mode promises",
    "lied": "what was refused is in no log and given to nobody",
    "unsent": "what is stored or given was sent, with this key",
    "misplaced": "a message is where its sender was told",
    "vanished": "what was given to a consumer is in a log, unless a crash took it",
    "reused": "a place in a queue belongs to one message, unless a crash shortened it",
    "repeated": "a message is stored once, unless an attempt stayed without an answer",
    "doubled": "a message is given once, unless an offset was not yet kept",
    "disorder": "a consumer is given a queue's messages in their order",
    "skipped": "a group is given every message of a queue, unless a crash freed one",
    "overcommitted": "an offset is committed once all before it was given",
    "unconsumed": "a message is consumed in the end, however often it is put off",
    "overtaken": "a turn of an orderly group begins once all before it is consumed",
    "overlapped": "a queue of an orderly group is consumed by one member at a time",
    "diverged": "a slave's log is the beginning of its master's",
    "behind": "a slave that was left in peace has all that its master has",
    "overreported": "a slave reports what it has written, no more",
    "opaque": "an answer finds its request: no connection uses a number twice",
}
"""By kind of finding: what should have held."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise that did not hold, or that did not have to.

    `event` is the first that shows it; `index` is its place in the history.
    """

    kind: str
    is_broken: bool
    index: int
    event: Event
    key: str
    why: str

    @property
    def promise(self) -> str:
        """What should have held."""
        return PROMISES[self.kind]

    @property
    def at_s(self) -> float:
        """When, in seconds since the beginning."""
        return float(self.event.get("at", 0.0))

    def __str__(self) -> str:
        """One line: when, what kind, which message, why."""
        what = "broken" if self.is_broken else "allowed"
        key = f" {self.key}" if self.key else ""
        return f"{self.at_s:.6f} s  {self.kind}{key} ({what}): {self.why}"

    def to_json(self) -> dict[str, Any]:
        """Return it with its event."""
        return {
            "at": self.at_s,
            "kind": self.kind,
            "promise": self.promise,
            "is_broken": self.is_broken,
            "key": self.key,
            "why": self.why,
            "event": dict(self.event),
        }


@dataclass
class Verdict:
    """All findings, in the order of their events, and counts."""

    findings: list[Finding] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    """How many sends were told what."""
    given: int = 0
    """Messages handed to consumers, doubles too."""
    early_given: int = 0
    """Given before log or copy was as safe as the mode promises: no broken promise."""
    waiting: int = 0
    """In a master's log at the end, and not yet given to a group that consumes."""
    silence_s: float = 0.0
    """The longest time without an acknowledgement, from the first send to the last."""

    @property
    def broken(self) -> list[Finding]:
        """The promises that were broken, the first one first."""
        return [one for one in self.findings if one.is_broken]

    @property
    def first(self) -> Finding | None:
        """The first event that broke a promise."""
        return next(iter(self.broken), None)

    @property
    def acknowledged(self) -> int:
        """How many messages a broker said it has."""
        failed = self.outcomes["refused"] + self.outcomes["unanswered"]
        return self.outcomes.total() - failed

    def count(self, kind: str, *, broken: bool | None = None) -> int:
        """Return how many findings there are of a kind; of allowed ones, or broken."""
        wanted = (True, False) if broken is None else (broken,)
        return sum(
            one.kind == kind and one.is_broken in wanted for one in self.findings
        )

    @property
    def passed_over(self) -> int:
        """Messages that a group was not given, for what a crash did: see `reuse`."""
        return self.count("skipped", broken=False)

    @property
    def skipped(self) -> int:
        """Messages that a group was not given, and nothing explains it."""
        return self.count("skipped", broken=True)

    def to_json(self) -> dict[str, Any]:
        """Return counts, and what was broken."""
        return {
            "acknowledged": self.acknowledged,
            "outcomes": dict(sorted(self.outcomes.items())),
            "given": self.given,
            "lost_allowed": self.count("lost", broken=False),
            "lost": self.count("lost", broken=True),
            "doubled": self.count("doubled"),
            "repeated": self.count("repeated"),
            "passed_over": self.passed_over,
            "skipped": self.skipped,
            "early_given": self.early_given,
            "waiting": self.waiting,
            "silence_s": round(self.silence_s, 3),
            "broken": [one.to_json() for one in self.broken],
        }

    def __str__(self) -> str:
        """A few lines: the counts, and each broken promise."""
        allowed, broken = (self.count("lost", broken=one) for one in (False, True))
        again, twice = self.count("doubled"), self.count("repeated")
        never = f"{self.passed_over} passed over for a crash, {self.skipped} skipped"
        lines = (
            f"{self.acknowledged} acknowledged; {allowed} lost as the mode allows",
            f"{broken} lost against its promise",
            f"{self.given} given, {again} of them again, {twice} stored twice",
            f"{never}, {self.waiting} still waiting",
            f"nothing acknowledged for {self.silence_s:.1f} s at most",
        )
        return "\n".join([*lines, *map(str, self.broken)])


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by their events, and one event's by kind and key."""
    return sorted(findings, key=lambda one: (one.index, one.kind, one.key))
