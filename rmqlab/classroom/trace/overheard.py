"""What a network carried, with the bytes of each frame: to be read by eye.

In a lab `cluster.listen()` gives a wire: as a recorder it is drawn by `sequence`, by
itself it shows a line for each frame, and `request` and `answer` have their bytes.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.trace import Event
from rmqlab.classroom.trace.draw.words import words
from rmqlab.classroom.trace.recorder import Recorder
from rmqlab.classroom.trace.tap import Tap
from rmqlab.classroom.verbs import Table

MOST_FRAMES = 10_000
HEADINGS = ("ms", "from", "to", "frame", "bytes")


class Overheard(NamedTuple):
    """One frame: the event that it is in a trace, and its bytes, length word first."""

    event: Event
    data: bytes


class Wire(Recorder):
    """A recorder that keeps the last frames' bytes, too."""

    def __init__(self, tap: Tap) -> None:
        super().__init__()
        self.frames: deque[Overheard] = deque(maxlen=MOST_FRAMES)
        tap.listeners.append(self._heard)
        self._ended.append(lambda: tap.listeners.remove(self._heard))

    def _heard(self, event: Event, data: bytes) -> None:
        if event["kind"] == "frame":
            self.frames.append(Overheard(event, data))

    def request(self, code: str, topic: str = "") -> bytes:
        """Return the first request of this name, for this topic if one is given.

        Raises:
            ClusterError: nobody sent one.
        """
        return self._first(code, topic, is_answer=False)

    def answer(self, code: str, topic: str = "") -> bytes:
        """Return the first answer to a request of this name.

        Raises:
            ClusterError: nobody sent one.
        """
        return self._first(code, topic, is_answer=True)

    def _first(self, code: str, topic: str, *, is_answer: bool) -> bytes:
        for event, data in self.frames:
            is_wanted = event["code"] == code and topic in ("", event.get("topic"))
            if is_wanted and ("response" in event) == is_answer:
                return data
        what = f"answer to {code}" if is_answer else code
        raise ClusterError(f"no {what} was overheard: look at what was")

    def table(self) -> Table:
        """Return a line for each frame; times count from the first one."""
        began_s = self.frames[0].event["at"] if self.frames else 0.0
        return Table(
            HEADINGS,
            (
                (
                    f"{(event['at'] - began_s) * 1000:.1f}",
                    event["node"],
                    event["peer"],
                    words(event),
                    len(data),
                )
                for event, data in self.frames
            ),
        )

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def __repr__(self) -> str:
        """The same as aligned text."""
        return repr(self.table())
