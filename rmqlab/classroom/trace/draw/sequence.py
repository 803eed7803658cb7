"""Events → the rows of a sequence diagram; a long trace is folded.

A row is kept if something happened that a learner looks for: a fault, a change of
state, a send that was not acknowledged; and a few rows before and after it.  What lies
between is one row that says how much it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from rmqlab.classroom.trace import Event
from rmqlab.classroom.trace.draw.words import SENT, Mood, mood, words
from rmqlab.classroom.trace.quiet import Murmur

AROUND = 3
"""Rows that are kept before and after what one looks for."""
AT_FIRST = 12
"""Rows that are kept of the beginning."""
NAMED = 3
"""Kinds that a folded row names."""
LANDMARKS = ("fault", "node", "lost")
LESSER = ("client", "log")


@dataclass(frozen=True)
class Choice:
    """What to draw of a trace.

    `nodes`: with one, what it takes part in; with more, what happens among them.
    `murmur`: polls, heartbeats and registrations, too.  `most`: rows, then it is
    folded.
    """

    nodes: Collection[str] = ()
    kinds: Collection[str] = ()
    from_s: float = 0.0
    to_s: float = float("inf")
    murmur: bool = False
    most: int = 200

    def has(self, event: Event) -> bool:
        """Whether an event is among what was chosen."""
        if not self.from_s <= event["at"] <= self.to_s:
            return False
        if self.kinds and event["kind"] not in self.kinds:
            return False
        ends = {event[key] for key in ("node", "peer", "client") if key in event}
        if not self.nodes or not ends:
            return True
        chosen = ends & set(self.nodes)
        return chosen == ends if len(self.nodes) > 1 else bool(chosen)


@dataclass(frozen=True)
class Row:
    """One event: an arrow where it has a target, else a mark on its source.

    A row without a source concerns a host, and so all.
    """

    at_s: float
    kind: str
    source: str
    target: str
    text: str
    mood: Mood = "plain"
    is_answer: bool = False
    state: str = ""
    """Of the source from here on; empty where it stays as it is."""


@dataclass(frozen=True)
class Fold:
    """Rows that are left out."""

    from_s: float
    to_s: float
    count: int
    text: str


@dataclass
class Sequence:
    """A sequence diagram: names from left to right, rows from top to bottom."""

    lifelines: list[str] = field(default_factory=list)
    rows: list[Row | Fold] = field(default_factory=list)


def rows(
    events: Iterable[Event],
    choice: Choice | None = None,
    nodes: Iterable[str] = (),
) -> Sequence:
    """Return the diagram of a trace; `nodes` are those of its first event, in order.

    Who is no node is a client, and stands at the left.
    """
    choice, murmur = choice or Choice(), Murmur()
    folding = _Folding(choice.most)
    for event in events:
        is_murmur = murmur.has(event)
        if choice.has(event) and (choice.murmur or choice.kinds or not is_murmur):
            folding.add(_row(event), _distance(event))
    found = folding.end()
    return Sequence(_lifelines(found, list(nodes)), found)


def _row(event: Event) -> Row:
    kind = event["kind"]
    return Row(
        at_s=event["at"],
        kind=kind,
        source=str(event.get("node", event.get("client", ""))),
        target=str(event.get("peer", "")),
        text=words(event),
        mood=mood(event),
        is_answer="response" in event or kind == "report",
        state=str(event["state"]) if kind == "node" and "state" in event else "",
    )


def _distance(event: Event) -> int:
    """Return 0 of a landmark, 1 of a lesser one, else more than is ever kept."""
    if event["kind"] in LANDMARKS:
        return 0
    is_bad = event["kind"] == "told" and event.get("outcome") != SENT
    return 1 if is_bad or event["kind"] in LESSER else AROUND + 1


def _lifelines(found: list[Row | Fold], nodes: list[str]) -> list[str]:
    named: dict[str, None] = {}
    for row in found:
        if isinstance(row, Row):
            named |= dict.fromkeys(filter(None, (row.source, row.target)))
    clients = sorted(name for name in named if name not in nodes)
    return [*clients, *(name for name in nodes if name in named)]


@dataclass
class _Kept:
    row: Row
    distance: int
    """Rows between it and the nearest landmark."""


@dataclass
class _Heap:
    from_s: float
    to_s: float
    counts: Counter[str] = field(default_factory=Counter)

    def fold(self) -> Fold:
        common = self.counts.most_common(NAMED)
        text = ", ".join(f"{count} {what}" for what, count in common)
        return Fold(self.from_s, self.to_s, self.counts.total(), text)


class _Folding:
    """Keeps all rows while they are few, then only those near a landmark.

    How near is decided anew, closer, whenever what is kept becomes too much; so the
    rows of a trace of any length take bounded room.
    """

    def __init__(self, most: int) -> None:
        self._most, self._around = most, AROUND
        self._items: list[_Kept | _Heap] = []
        self._since, self._count = AROUND, 0

    def add(self, row: Row, distance: int) -> None:
        self._count += 1
        if self._count <= AT_FIRST:
            distance = min(distance, 1)
        self._since = min(self._since + 1, distance)
        self._items.append(_Kept(row, self._since))
        self._approach(self._since)
        if len(self._items) > 2 * self._most:
            self._compact()

    def _approach(self, distance: int) -> None:
        """Note that the last few rows are as near to the last one's landmark."""
        for item in self._items[-2 : -AROUND - 2 : -1]:
            distance += 1
            if isinstance(item, _Kept):
                item.distance = min(item.distance, distance)

    def _compact(self) -> None:
        self._fold(len(self._items) - AROUND)
        while len(self._items) > self._most and self._around:
            self._around -= 1
            self._fold(len(self._items) - AROUND)
        if len(self._items) > self._most:
            self._fold(len(self._items), whole_from=self._most - 1)

    def _fold(self, end: int, whole_from: int | None = None) -> None:
        """Fold what is far from a landmark, or all from some place on."""
        items, self._items = self._items, []
        for index, item in enumerate(items):
            is_whole = whole_from is not None and index >= whole_from
            is_far = isinstance(item, _Kept) and item.distance > self._around
            if is_whole or isinstance(item, _Heap) or (is_far and index < end):
                self._leave_out(item)
            else:
                self._items.append(item)

    def _leave_out(self, item: _Kept | _Heap) -> None:
        last = self._items[-1] if self._items else None
        if not isinstance(last, _Heap):
            from_s = item.from_s if isinstance(item, _Heap) else item.row.at_s
            last = _Heap(from_s, from_s)
            self._items.append(last)
        if isinstance(item, _Heap):
            last.to_s = item.to_s
            last.counts += item.counts
        else:
            last.to_s = item.row.at_s
            last.counts[_sort(item.row)] += 1

    def end(self) -> list[Row | Fold]:
        """Return what is left."""
        if len(self._items) > self._most:
            self._compact()
        return [
            one.row if isinstance(one, _Kept) else one.fold() for one in self._items
        ]


def _sort(row: Row) -> str:
    """Return what a folded row counts it as."""
    if row.kind != "frame":
        return row.kind
    code = row.text.partition(" ")[0]
    return f"answers to {code}" if row.is_answer else code
