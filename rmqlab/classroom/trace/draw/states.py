"""Events → lanes of a time line: how every node fared, and how sends did meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rmqlab.classroom.trace import Event
from rmqlab.classroom.trace.draw.words import FAILED, words
from rmqlab.protocol.codes import RequestCode, ResponseCode

SENDS = frozenset(
    code.name
    for code in (
        RequestCode.SEND_MESSAGE,
        RequestCode.SEND_MESSAGE_V2,
        RequestCode.SEND_BATCH_MESSAGE,
    )
)
STORED = frozenset(
    code.name
    for code in (
        ResponseCode.SUCCESS,
        ResponseCode.FLUSH_DISK_TIMEOUT,
        ResponseCode.FLUSH_SLAVE_TIMEOUT,
        ResponseCode.SLAVE_NOT_AVAILABLE,
    )
)
"""Answers to a send that acknowledge it."""


@dataclass(frozen=True)
class Span:
    """A state and how long it lasted; states are those of `runtime`."""

    state: str
    from_s: float
    to_s: float


@dataclass(frozen=True)
class Mark:
    """A fault: when, to whom, what."""

    at_s: float
    where: str
    what: str


@dataclass
class Lanes:
    """A time line."""

    from_s: float = 0.0
    to_s: float = 0.0
    spans: dict[str, list[Span]] = field(default_factory=dict)
    """By node, each to the next one's beginning."""
    marks: list[Mark] = field(default_factory=list)
    acknowledged: Counter[int] = field(default_factory=Counter)
    """Sends by the second in which they were acknowledged."""
    failed: Counter[int] = field(default_factory=Counter)
    """Sends by the second in which they were refused or given up."""

    def columns(self, count: int) -> Iterator[tuple[float, float]]:
        """Yield the bounds of so many equal parts of it."""
        step_s = (self.to_s - self.from_s) / count
        for number in range(count):
            yield self.from_s + number * step_s, self.from_s + (number + 1) * step_s

    def rates(self, count: int, counts: Counter[int]) -> list[float]:
        """Return sends a second in each of so many equal parts."""
        step_s = max((self.to_s - self.from_s) / count, 1e-9)
        found = [0.0] * count
        for second, number in counts.items():
            first = (second - self.from_s) / step_s
            last = (second + 1 - self.from_s) / step_s
            for at in range(max(0, int(first)), min(count, int(last) + 1)):
                share = min(at + 1, last) - max(at, first)
                found[at] += number * max(0.0, share)
        return found


def states(
    events: Iterable[Event],
    nodes: Iterable[str] = (),
    from_s: float = 0.0,
    to_s: float = float("inf"),
) -> Lanes:
    """Return the time line of a trace between two moments.

    Acknowledged is what producers were told; where nobody noted that, what brokers
    answered.
    """
    lanes = Lanes(from_s, from_s, {name: [] for name in nodes})
    begun: dict[str, tuple[str, float]] = {}
    answered: Counter[int] = Counter()
    for event in events:
        at_s, kind = event["at"], event["kind"]
        if at_s > to_s:
            break
        lanes.to_s = max(lanes.to_s, at_s)
        if kind == "node":
            _change(lanes, begun, str(event["node"]), str(event.get("state")), at_s)
        if at_s < from_s:
            continue
        if kind == "fault":
            where = str(event.get("node", event.get("host", "")))
            lanes.marks.append(Mark(at_s, where, words(event)))
        elif kind == "told":
            is_failed = event.get("outcome") in FAILED
            (lanes.failed if is_failed else lanes.acknowledged)[int(at_s)] += 1
        elif kind == "frame" and event["code"] in SENDS:
            answered[int(at_s)] += event.get("response") in STORED
    for name in begun:
        _change(lanes, begun, name, "", lanes.to_s)
    if not lanes.acknowledged and not lanes.failed:
        lanes.acknowledged = +answered
    return lanes


def _change(
    lanes: Lanes,
    begun: dict[str, tuple[str, float]],
    name: str,
    state: str,
    at_s: float,
) -> None:
    """End the span of a node's last state, begin the next."""
    before, since_s = begun.get(name, ("", 0.0))
    spans = lanes.spans.setdefault(name, [])
    since_s = max(since_s, lanes.from_s)
    if before and at_s > since_s:
        spans.append(Span(before, since_s, at_s))
    begun[name] = (state, at_s)
