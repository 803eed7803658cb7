"""What the store answers when something is put into it or asked of it.

Source: PutMessageStatus.java, GetMessageStatus.java, release 4.9.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from rmqlab.protocol.record import Record


class PutStatus(Enum):
    """How a put ended.  Only the first means that the message is in the log."""

    PUT_OK = auto()
    SERVICE_NOT_AVAILABLE = auto()
    MESSAGE_ILLEGAL = auto()


class Put(NamedTuple):
    """How a put ended, and the record with its offsets where it went well."""

    status: PutStatus
    record: Record | None = None

    @property
    def end(self) -> int:
        """The log offset after the record: what must be flushed or copied."""
        return self.record.physical_offset + self.record.size if self.record else 0


class GetStatus(Enum):
    """How a read ended; the name travels as the answer's remark."""

    FOUND = auto()
    NO_MATCHED_MESSAGE = auto()
    MESSAGE_WAS_REMOVING = auto()
    """Wanted ones are in the queue, but not, or not whole, in the log any more."""
    OFFSET_FOUND_NULL = auto()
    """The queue's file is not there."""
    OFFSET_OVERFLOW_BADLY = auto()
    OFFSET_OVERFLOW_ONE = auto()
    OFFSET_TOO_SMALL = auto()
    NO_MESSAGE_IN_QUEUE = auto()


@dataclass(frozen=True, slots=True)
class Got:
    """What a read found: records as they lie in the log, and where to read next."""

    status: GetStatus
    next_offset: int
    min_offset: int
    max_offset: int
    records: tuple[bytes, ...] = ()
    is_far_back: bool = False
    """Whether the last message looked at is likely on the disk only."""


class Arrival(NamedTuple):
    """A message that has just become readable."""

    topic: str
    queue_id: int
    end: int
    tags_code: int
    properties: dict[str, str]
