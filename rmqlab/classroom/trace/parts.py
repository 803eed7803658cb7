"""What each process of a cluster wrote → one trace.

A node notes all that goes over the connections that it accepted, in both directions:
so every connection is noted once, by the node that listens.  Who called is an address
at first.  `socket` lines say which node called from which address; who is none of them
is `client`, all clients together, for a socket does not say more.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from rmqlab.classroom.trace import BadTrace, Event
from rmqlab.classroom.trace.reader import Trace

CLIENT = "client"
SOCKET = "socket"
"""Of a part only: node, own; the node called from this address."""

Callers = dict[str, list[tuple[float, str]]]


def merge(parts: Iterable[Path]) -> Iterator[Event]:
    """Yield the events of all parts in the order of their time, with all named."""
    paths = list(parts)
    callers = _callers(paths)
    numbers = count(1)
    streams = [_named(_whole(path), callers, numbers) for path in paths]
    yield from heapq.merge(*streams, key=lambda one: float(one["at"]))


def _callers(paths: list[Path]) -> Callers:
    found: Callers = {}
    for path in paths:
        for event in _whole(path):
            if event["kind"] == SOCKET:
                called = (event["at"], str(event["node"]))
                found.setdefault(str(event["own"]), []).append(called)
    return found


def _whole(path: Path) -> Iterator[Event]:
    """Yield a part's events up to where it was cut off, with its process."""
    try:
        yield from Trace(path)
    except BadTrace:
        return


def _named(
    events: Iterator[Event], callers: Callers, numbers: Iterator[int]
) -> Iterator[Event]:
    """Yield a part's events with names for addresses, and numbers that are nobody's."""
    lines: dict[object, _Line] = {}
    for event in events:
        own = event.get("connection")
        if event["kind"] == "connected":
            caller = str(event["node"])
            name = _who(callers, caller, event["at"])
            lines[own] = _Line(next(numbers), caller, name)
        if event["kind"] != SOCKET:
            yield lines[own].named(event) if own in lines else event


class _Line(NamedTuple):
    """A connection of a part: its number in the whole, who called and who that is."""

    number: int
    address: str
    caller: str

    def named(self, event: Event) -> Event:
        """Return an event of this connection as the whole has it."""
        ends = {
            end: self.caller
            for end in ("node", "peer")
            if event.get(end) == self.address
        }
        return {**event, "connection": self.number, **ends}


def _who(callers: Callers, address: str, at_s: float) -> str:
    """Return who called from an address, of several the one nearest in time."""
    called = callers.get(address, ())
    return min(called, key=lambda one: abs(one[0] - at_s), default=(0.0, CLIENT))[1]
