"""Keeps what happened: the last events in memory, all of them in a file if wanted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from rmqlab.classroom.trace import Event
from rmqlab.classroom.trace.writer import Writer, to_text

MOST = 200_000
"""Events that are kept in memory, if nothing else is said: some 100 MB."""


class Recorder:
    """A sink for a tap; `begin` it with the first event, `close` it at the end.

    with cluster.record("a-kill.jsonl") as recorder:
        cluster.kill("broker-a")
    recorder.events[-1]
    """

    def __init__(self, path: str | Path | None = None, most: int = MOST) -> None:
        self.events: deque[Event] = deque(maxlen=most)
        """The last ones, the first line of the trace not among them."""
        self.first: Event | None = None
        """The first line."""
        self.count = 0
        """Of all that happened, kept or not."""
        self._path = path
        self._writer: Writer | None = None
        self._ended: list[Callable[[], object]] = []

    def begin(self, first: Event, ended: Callable[[], object] = lambda: None) -> None:
        """Take the trace's first event; `ended` is called by `close`."""
        self.first = first
        self._ended.append(ended)
        if self._path is not None:
            self._writer = Writer(self._path, first)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self.count += 1
        self.events.append(event)
        if self._writer is not None:
            self._writer.write(event)

    def lines(self) -> Iterator[str]:
        """Yield the trace's lines as far as they are kept."""
        first = () if self.first is None else (self.first,)
        for event in (*first, *self.events):
            yield to_text(event)

    def close(self) -> None:
        """Record no more; the file is whole."""
        while self._ended:
            self._ended.pop()()
        if self._writer is not None:
            self._writer.close()

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        """``Recorder: 12 events``."""
        kept = "" if self.count == len(self) else f", the last {len(self)} are kept"
        return f"Recorder: {self.count} events{kept}"
