"""Half messages: which are settled, and which their senders are to be asked about.

    half messages    0   1   2   3   4   5
                    done │       ╰─ open: asked about, or waited for
    op messages      0:0 │ 1:2  2:1  3:4        each names the half message it settles

One round of checks goes through the half messages in their order.  What it has dealt
with becomes the consumer offset of a group of its own, on both topics: nothing else is
remembered, and after a crash a round begins where the last saved one ended.

Source: TransactionalMessageServiceImpl.check, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from rmqlab.protocol.half_message import CHECK_TIMES, IMMUNITY_S
from rmqlab.protocol.record import Record


class HalfLedger:
    """What one round knows.  It grows by what was settled since the last one.

    `half_offset`: the first half message that is not dealt with.  `op_end`: the first
    op message that was not read.
    """

    def __init__(self, half_offset: int, op_offset: int) -> None:
        self.half_offset, self.op_end = half_offset, op_offset
        self._op_offset = op_offset
        self._settled_by: dict[int, int] = {}
        self._done_ops: set[int] = set()

    def settle(self, op_offset: int, half_offset: int | None) -> None:
        """Read an op message: it settles a half message, or says nothing."""
        self.op_end = op_offset + 1
        if half_offset is None:
            self._done_ops.add(op_offset)
            return
        before = self._settled_by.get(half_offset, op_offset)
        self._settled_by[half_offset] = op_offset
        if before != op_offset:
            self._done_ops.add(before)
        if half_offset < self.half_offset:
            self._done_ops.add(op_offset)

    def is_settled(self, half_offset: int) -> bool:
        """Whether an op message that was read settles this half message."""
        return half_offset in self._settled_by

    def pass_settled(self) -> None:
        """Go on to the first half message that is not known to be settled."""
        while (op_offset := self._settled_by.get(self.half_offset)) is not None:
            self._done_ops.add(op_offset)
            self.half_offset += 1

    def pass_ops(self, op_offset: int) -> None:
        """Go on to this op message: those before it are no longer there."""
        self.op_end = self._op_offset = op_offset

    @property
    def op_offset(self) -> int:
        """The first op message that a later round still needs."""
        while self._op_offset in self._done_ops:
            self._done_ops.remove(self._op_offset)
            self._op_offset += 1
        return self._op_offset


class Step(Enum):
    """What happens to a half message that nobody has settled."""

    WAIT = auto()
    """It is too young; the round ends, for those behind it are younger."""
    POSTPONE = auto()
    """Its sender asked for more time: write it anew, without a question."""
    ASK = auto()
    GIVE_UP = auto()


@dataclass(frozen=True)
class CheckRules:
    """When to ask, in ms, and how often at most."""

    timeout_ms: int
    most_times: int
    reserved_ms: int
    """Nobody is asked about what is older: its record may be gone any moment."""

    def step(
        self,
        half: Record,
        properties: Mapping[str, str],
        started_ms: int,
        now_ms: int,
    ) -> Step:
        """Return what to do, in a round that began at `started_ms`."""
        age_ms = now_ms - half.born_timestamp
        if times_asked(properties) >= self.most_times or age_ms > self.reserved_ms:
            return Step.GIVE_UP
        if half.store_timestamp >= started_ms:
            return Step.WAIT
        if IMMUNITY_S in properties:
            is_immune = age_ms < self._immunity_ms(properties[IMMUNITY_S])
            return Step.POSTPONE if is_immune else Step.ASK
        # Born in what is the future here: its age says nothing.
        return Step.WAIT if 0 <= age_ms < self.timeout_ms else Step.ASK

    def _immunity_ms(self, text: str) -> int:
        seconds = _number(text)
        return self.timeout_ms if seconds == -1 else seconds * 1000


def times_asked(properties: Mapping[str, str]) -> int:
    """Return how often a half message's sender was asked about it."""
    return max(0, _number(properties.get(CHECK_TIMES, "0")))


def _number(text: str) -> int:
    """Return the number that a property spells, -1 where it spells none."""
    try:
        return int(text)
    except ValueError:
        return -1
