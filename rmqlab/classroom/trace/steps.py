"""What happens next, one event at a time: for who stops time and looks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from rmqlab.classroom.trace import Event
from rmqlab.classroom.trace.quiet import Murmur
from rmqlab.classroom.trace.tap import DECIMALS, Tap

LetPass = Callable[[Callable[[], object]], None]
"""Lets time pass until a condition holds."""


class Steps:
    """The next event that a learner would look at, again and again."""

    def __init__(self, tap: Tap, now_s: Callable[[], float]) -> None:
        self._tap, self._now_s = tap, now_s
        self._seen: deque[Event] = deque()
        self._murmur = Murmur()

    def next(self, let_pass: LetPass, kinds: tuple[str, ...]) -> Event:
        """Let time pass until something has happened, and return it.

        `kinds` are those that count; with none, all but the steady murmur.  What
        happens at the same moment is returned by the calls that follow.
        """

        def see(event: Event) -> None:
            is_wanted = event["kind"] in kinds if kinds else not self._murmur.has(event)
            if is_wanted:
                self._seen.append(event)

        now_s = round(self._now_s(), DECIMALS)
        while self._seen and self._seen[0]["at"] < now_s:
            self._seen.popleft()  # time went on without us
        if not self._seen:
            self._tap.add(see)
            try:
                let_pass(lambda: self._seen)
            finally:
                self._tap.remove(see)
        return self._seen.popleft()
