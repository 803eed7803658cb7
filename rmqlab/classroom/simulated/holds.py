"""What must hold at the end of a scenario: read from its words, held against counts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from rmqlab.classroom.report import NOT_STORED, Report
from rmqlab.classroom.simulated.scenario import Hold
from rmqlab.classroom.simulated.words import Words
from rmqlab.client.sent import SendStatus

OUTCOMES = (*(status.name for status in SendStatus), *NOT_STORED)
COUNTS = (
    "sent",
    "acknowledged",
    "consumed",
    "lost",
    "missing",
    "doubled",
    "surprising",
)
"""Of messages: lost ones are acknowledged and in no log at the end, missing ones
acknowledged and never consumed, surprising ones consumed and never acknowledged."""
STATES = ("lost", "missing", "doubled", "surprising", *NOT_STORED)
SILENCE = "silence"
"""The longest time without an acknowledgement, in seconds."""
PROMISED = "promised"
BROKEN = "broken"
UNUSABLE = "unusable"
COMPARES: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class Finding(NamedTuple):
    """Whether one thing held, and what was found."""

    text: str
    held: bool
    found: str

    def __str__(self) -> str:
        """``holds: silence < 1s (0.2 s)``."""
        mark = "holds" if self.held else "DOES NOT HOLD"
        return f"{mark}: {self.text} ({self.found})"


def parse_hold(words: Words) -> Hold:
    """Return what must hold, as the words say.

    Raises:
        ScenarioError: they say nothing that can be looked at.
    """
    firsts = ("nothing", "something", "every", "only", SILENCE, *COUNTS, *OUTCOMES)
    first = words.one_of(firsts, "what must hold")
    if first == "every" and words.follows("node", "is", "usable"):
        return Hold("every node is usable", UNUSABLE)
    if first == "every":
        words.must("promise", "is", "kept")
        return Hold("every promise is kept", BROKEN)
    if first == "nothing" and words.follows("promised", "is", "lost"):
        return Hold("nothing promised is lost", PROMISED)
    if first in ("nothing", "something"):
        words.must("is")
        count = words.one_of(STATES, "what it is")
        compare = "=" if first == "nothing" else ">"
        return Hold(f"{first} is {count}", count, compare)
    if first == "only":
        outcomes = [words.one_of(OUTCOMES, "an outcome")]
        while words.next:
            outcomes.append(words.one_of(OUTCOMES, "an outcome"))
        return Hold(f"only {', '.join(outcomes)}", " ".join(outcomes), "only")
    compare = words.one_of(COMPARES, "a comparison")
    is_time = first == SILENCE
    number = words.duration_s("a time") if is_time else words.number("how many")
    unit = "s" if is_time else ""
    return Hold(f"{first} {compare} {number:g}{unit}", first, compare, number)


def counts_of(report: Report, stored: AbstractSet[str]) -> dict[str, float]:
    """Return numbers by name; `stored` is what lies in some log at the end."""
    outcomes, acknowledged = report.outcomes, report.acknowledged
    return {
        **{name: outcomes.get(name, 0) for name in OUTCOMES},
        "sent": len(report.sent) + len(report.untold),
        "acknowledged": len(acknowledged),
        "consumed": len(report.consumed),
        "lost": len(acknowledged - stored),
        "missing": len(report.missing),
        "doubled": len(report.doubled),
        "surprising": len(report.surprising),
        SILENCE: report.longest_pause_s,
    }


def look(hold: Hold, counts: Mapping[str, float]) -> Finding:
    """Hold one thing against the counts."""
    if hold.compare == "only":
        others = set(OUTCOMES) - set(hold.count.split())
        found = {name: counts[name] for name in OUTCOMES if counts[name]}
        text = ", ".join(f"{name} {number:g}" for name, number in found.items())
        return Finding(hold.text, not others & found.keys(), text or "nothing was sent")
    number = counts[hold.count]
    unit = " s" if hold.count == SILENCE else ""
    held = COMPARES[hold.compare](number, hold.number)
    return Finding(hold.text, held, f"{round(number, 3):g}{unit}")
