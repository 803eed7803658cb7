"""Rules for groups whose listeners take their time, and do not always succeed.

A turn is one call of a member's listener, and a message has as many as it needs:

    begun ──▶ consumed | later         later: sent back, or tried again in its place
      └─────▶ nothing, who had it was killed

A member is one life of a client: who starts again is another.  Promised to each group:

    unconsumed      a message is consumed in the end, by somebody
    overcommitted   an offset is committed once all before it had their turns; of an
                    orderly group: once all before it are consumed
    overtaken       orderly: a turn begins once all before it in its queue is consumed
    overlapped      orderly: a queue has one turn at a time

A lock is what makes turns exclusive: a member begins one only where it was granted the
lock within 30 s, and the broker keeps it for 60 s.  So two members' turns may overlap
if the first one's has gone on for 30 s without the lock being renewed; and if the
broker ended, since no disk has the locks.  RocketMQ promises no more.

For histories in which no machine crashes: then nothing stored is ever lost.

Source: ProcessQueue.java, RebalanceLockManager.java, release 4.9.7.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rmqlab.classroom.history.facts import NOT_STORED, Committed, Facts, Place, Stored
from rmqlab.classroom.history.faults import DEATHS
from rmqlab.classroom.history.verdict import Event, Finding, in_order

RELIED_ON_S = 30.0
"""How long a lock is good for a member that cannot renew it; to its broker, as long
again."""
OUTCOMES = ("consumed", "later")
NEVER = 1 << 62
Line = tuple[str, str, int]


@dataclass(eq=False)
class Turn:
    """One call of a listener; one that is under way at the end ends `NEVER`."""

    index: int
    event: Event
    member: tuple[str, int]
    """The client, and which of its lives."""
    place: Place
    end: int = NEVER
    outcome: str = ""

    @property
    def at_s(self) -> float:
        """When it began."""
        return float(self.event["at"])

    def __str__(self) -> str:
        return f"{self.member[0]}'s turn with {self.place} at {self.at_s:.3f} s"


class Turns:
    """The turns of one group, in the order in which they began."""

    def __init__(self, facts: Facts, group: str) -> None:
        self.all: list[Turn] = []
        self.clients: set[str] = set()
        self._lives: dict[str, int] = defaultdict(int)
        self._open: dict[str, list[Turn]] = defaultdict(list)
        for index, event in enumerate(facts.events):
            if event["kind"] == "client":
                self._lived(index, event)
            elif event.get("group") == group and event["kind"] == "begun":
                self._begun(index, event)
            elif event.get("group") == group and event["kind"] in OUTCOMES:
                self._ended(index, event)

    def _lived(self, index: int, event: Event) -> None:
        """Whoever starts or ends has no turn any more."""
        self._lives[event["client"]] += 1
        for turn in self._open.pop(event["client"], ()):
            turn.end = index

    def _begun(self, index: int, event: Event) -> None:
        client = event["client"]
        turn = Turn(index, event, (client, self._lives[client]), _place(event))
        self.clients.add(client)
        self.all.append(turn)
        self._open[client].append(turn)

    def _ended(self, index: int, event: Event) -> None:
        ours, place = self._open[event["client"]], _place(event)
        turn = next(one for one in ours if one.place == place)
        turn.end, turn.outcome = index, event["kind"]
        ours.remove(turn)


def _place(event: Event) -> Place:
    return Place(event["broker"], event["topic"], event["queue"], event["offset"])


class Progress:
    """Since when everything before an offset of a queue has been settled."""

    def __init__(
        self, kept: Iterable[Stored], turns: Iterable[Turn], outcomes: tuple[str, ...]
    ) -> None:
        settled: dict[Place, int] = {}
        for turn in turns:
            if turn.outcome in outcomes:
                first = settled.get(turn.place, NEVER)
                settled[turn.place] = min(first, turn.end)
        self._stored: dict[Line, list[Stored]] = defaultdict(list)
        for one in sorted(kept, key=lambda one: one.place):
            self._stored[one.place.line].append(one)
        self._settled = {
            line: [settled.get(one.place, NEVER) for one in stored]
            for line, stored in self._stored.items()
        }
        self._since = {
            line: list(itertools.accumulate(ends, max))
            for line, ends in self._settled.items()
        }

    def left_before(self, place: Place, index: int) -> Stored | None:
        """Return the first message before a place that was not settled by then."""
        stored = self._stored.get(place.line, [])
        before = bisect_left(stored, place.offset, key=lambda one: one.place.offset)
        if not before or self._since[place.line][before - 1] < index:
            return None
        ends = self._settled[place.line]
        return next(one for one, end in zip(stored, ends, strict=True) if end >= index)


def judge(events: Iterable[Event], group: str, *, is_orderly: bool) -> list[Finding]:
    """Return which promises to a group were broken, the first one first."""
    facts = Facts(events)
    rules = _Rules(facts, group, is_orderly=is_orderly)
    found = [rules.unconsumed(), rules.overcommitted()]
    if is_orderly:
        found += [rules.overtaken(), rules.overlapped()]
    return in_order(itertools.chain(*found))


class _Rules:
    def __init__(self, facts: Facts, group: str, *, is_orderly: bool) -> None:
        self._facts, self._turns = facts, Turns(facts, group)
        settled = OUTCOMES[:1] if is_orderly else OUTCOMES
        self._progress = Progress(facts.kept, self._turns.all, settled)
        self._deaths: dict[str, list[float]] = defaultdict(list)
        for event in facts.events:
            if event["kind"] == "node" and event["state"] in DEATHS:
                node = facts.nodes[event["node"]]
                self._deaths[node.broker].append(event["at"])

    def unconsumed(self) -> Iterator[Finding]:
        """Look for messages that nobody consumed."""
        consumed = {
            turn.event["key"] for turn in self._turns.all if turn.outcome == OUTCOMES[0]
        }
        stored = {one.key for one in self._facts.kept}
        told = self._facts.told
        kept = stored | {one.key for one in told if one.outcome not in NOT_STORED}
        last = len(self._facts.events) - 1
        for key in sorted(kept & self._facts.sent.keys() - consumed):
            yield self._finding("unconsumed", last, key, "nobody has consumed it")

    def overcommitted(self) -> Iterator[Finding]:
        """Look for offsets that were committed past a message."""
        for one in self._facts.committed:
            if one.client not in self._turns.clients:
                continue
            if left := self._progress.left_before(one.place, one.index):
                yield self._finding("overcommitted", one.index, left.key, _past(one))

    def overtaken(self) -> Iterator[Finding]:
        """Look for turns before which something was left."""
        for turn in self._turns.all:
            if left := self._progress.left_before(turn.place, turn.index):
                why = f"{turn} began, and {left.place} was not consumed"
                yield self._finding("overtaken", turn.index, left.key, why)

    def overlapped(self) -> Iterator[Finding]:
        """Look for two turns with a queue at once."""
        under_way: dict[Line, list[Turn]] = defaultdict(list)
        for turn in self._turns.all:
            left = [one for one in under_way[turn.place.line] if one.end > turn.index]
            for other in left:
                if not self._may_overlap(other, turn):
                    why = f"{turn} began during {other}"
                    key = turn.event["key"]
                    yield self._finding("overlapped", turn.index, key, why)
            under_way[turn.place.line] = [*left, turn]

    def _may_overlap(self, first: Turn, second: Turn) -> bool:
        if first.member == second.member:
            return False
        deaths = self._deaths[second.place.broker]
        since_s = first.at_s - RELIED_ON_S
        is_forgotten = any(since_s <= at_s <= second.at_s for at_s in deaths)
        return is_forgotten or second.at_s - first.at_s >= RELIED_ON_S

    def _finding(self, kind: str, index: int, key: str, why: str) -> Finding:
        return Finding(kind, True, index, self._facts.events[index], key, why)


def _past(one: Committed) -> str:
    return f"{one.client} committed {one.place}, and it had had no turn that counts"
