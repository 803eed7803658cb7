"""What became of traffic, counted from what its clients were told and given.

    sent ──► acknowledged (SEND_OK, FLUSH_…_TIMEOUT, SLAVE_NOT_AVAILABLE)
        └──► refused: certainly stored nowhere       └──► unanswered: who knows
    consumed once, twice or never

What was acknowledged and never consumed is missing.  It is counted from the events
`send`, `told` and `consumed` of a trace, on whatever runtime.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NOT_STORED = ("refused", "unanswered")
"""Outcomes of a send that are no acknowledgement."""


@dataclass(frozen=True)
class Sent:
    """One message: when it was sent, how long the answer took, what it was.

    `outcome` is a SendStatus's name, ``refused`` or ``unanswered``; times are seconds
    since the traffic began.
    """

    key: str
    at_s: float
    took_s: float
    outcome: str


@dataclass
class Report:
    """What became of the traffic so far."""

    sent: list[Sent] = field(default_factory=list)
    consumed: Counter[str] = field(default_factory=Counter)
    untold: dict[str, float] = field(default_factory=dict, compare=False)
    """When what was sent whose sender was not told anything yet, or not any more."""
    awaited: set[str] = field(default_factory=set, compare=False, repr=False)
    """As `missing`, kept up to date by `note`."""
    acknowledged_count: int = field(default=0, compare=False, repr=False)
    """As many as are `acknowledged`, kept up to date by `note`."""

    def note(self, at_s: float, kind: str, facts: Mapping[str, Any]) -> None:
        """Count one event of a trace; those of other kinds are passed over."""
        if kind == "send":
            self.untold[facts["key"]] = at_s
        elif kind == "told":
            self._told(at_s, facts)
        elif kind == "consumed":
            self.consumed[facts["key"]] += 1
            self.awaited.discard(facts["key"])

    def _told(self, at_s: float, facts: Mapping[str, Any]) -> None:
        key, took_s, outcome = facts["key"], facts["took_s"], facts["outcome"]
        self.untold.pop(key, None)
        self.sent.append(Sent(key, at_s - took_s, took_s, outcome))
        if outcome in NOT_STORED:
            return
        self.acknowledged_count += 1
        if key not in self.consumed:
            self.awaited.add(key)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many messages ended how."""
        return dict(Counter(one.outcome for one in self.sent))

    @property
    def acknowledged(self) -> set[str]:
        """The keys that a broker said it has."""
        return {one.key for one in self.sent if one.outcome not in NOT_STORED}

    @property
    def missing(self) -> set[str]:
        """Acknowledged and not consumed."""
        return self.acknowledged - self.consumed.keys()

    @property
    def doubled(self) -> set[str]:
        """Consumed more than once."""
        consumed = list(self.consumed.items())  # it may grow meanwhile
        return {key for key, times in consumed if times > 1}

    @property
    def surprising(self) -> set[str]:
        """Consumed although no broker ever acknowledged them."""
        return self.consumed.keys() - self.acknowledged

    @property
    def longest_pause_s(self) -> float:
        """The longest time in which nothing was acknowledged, from first to last send.

        That the traffic ended before somebody answered again counts, too.
        """
        sent, acknowledged = list(self.sent), self.acknowledged
        tried = [one.at_s for one in sent]
        answered = [one.at_s + one.took_s for one in sent if one.key in acknowledged]
        times = [min(tried, default=0.0), *sorted(answered)]
        times.append(max([*times, *tried]))
        pauses = (after - before for before, after in itertools.pairwise(times))
        return max(pauses, default=0.0)

    def to_json(self) -> dict[str, object]:
        """Return the counts."""
        return {
            "sent": len(self.sent),
            "outcomes": self.outcomes,
            "acknowledged": len(self.acknowledged),
            "consumed": len(self.consumed),
            "missing": len(self.missing),
            "doubled": len(self.doubled),
            "surprising": len(self.surprising),
            "longest_pause_s": round(self.longest_pause_s, 2),
        }
