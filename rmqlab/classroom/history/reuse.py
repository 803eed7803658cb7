"""Offsets that are used twice, and what a group passes over because of it.

    before the crash    … 51 52 53 54         the group was given all: goes on at 55
    the crash takes             53 54
    written anew        … 51 52 53' 54' 55'   53' and 54' are passed over

A broker is told of a group's progress, and does not compare it with its queue; only
who asks beyond the queue's end is sent back.  RocketMQ does the same.  So what has been
written before the group asks again is passed over, where it has the place of a message
that the group was given and a crash was allowed to take.  A group that goes back later
is given it then.

One other way there is: a slave that was ahead of its crashed master goes on copying
where it was, and lacks what the master wrote before that.  Who reads from it passes
over what it lacks.

Source: PullMessageProcessor.java, ConsumerOffsetManager.java, release 4.9.7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rmqlab.classroom.history.copies import stray_since
from rmqlab.classroom.history.facts import Facts, Given, Node, Place, Stored
from rmqlab.classroom.history.faults import Faults
from rmqlab.classroom.history.losses import Losses


class Reuse:
    """Asked about one message that a group was not given in its turn."""

    def __init__(self, facts: Facts, faults: Faults) -> None:
        self._facts, self._faults = facts, faults
        self._losses = Losses(facts, faults)
        self._given: dict[tuple[str, Place], list[Given]] = defaultdict(list)
        for one in facts.given:
            self._given[one.group, one.place].append(one)
        self._stray = {one: stray_since(facts, faults, one) for one in facts.brokers}
        self._told = {(one.key, one.place): one.index for one in facts.told}
        nodes = facts.nodes.values()
        self._kept = _places(facts, (one for one in nodes if not one.is_slave))
        self._copied = _places(facts, (one for one in nodes if one.is_slave))

    def excuse(self, group: str, place: Place, key: str, index: int) -> str:
        """Say why a group was allowed to pass a message over until then; "": it is not.

        `index` is when it was seen to have done so.
        """
        written = min(index, self._told.get((key, place), index))
        for one in self._given[group, place]:
            if one.key != key and self.is_taken(one, written):
                return f"{group} had {one.key} there, which a crash took"
        stray = self._stray[place.broker]
        if stray is not None and stray < index and (key, place) not in self._copied:
            return "a slave lacks it, which was ahead of its master since a crash"
        return ""

    def told(self, stored: Stored) -> int:
        """Return when a message's sender was told its place; if never, the end."""
        end = len(self._facts.events)
        return self._told.get((stored.key, stored.place), end)

    def is_taken(self, one: Given, before: int) -> bool:
        """Whether a crash could take what a group was given, before something else."""
        began = self._facts.sent.get(one.key)
        master = self._facts.master(one.place.broker, began)
        if master is None or began is None:
            return False
        is_last = master == self._facts.master(one.place.broker)
        if is_last and (one.key, one.place) in self._kept:
            return False
        return any(
            began < crash < before and not self._losses.forbidden(one, master, crash)
            for crash in self._faults.crashes[master.name]
        )


def _places(facts: Facts, nodes: Iterable[Node]) -> set[tuple[str, Place]]:
    logs = (facts.logs.get(node.name, ()) for node in nodes)
    return {(stored.key, stored.place) for log in logs for stored in log}
