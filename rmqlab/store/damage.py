"""What lies behind a log's end: nothing, a torn message, or messages that are lost.

Recovery ends at the first record that is none, and what is behind it is cut off, for a
log has no holes.  Mostly that is nothing, or one message that was being written when
the machine died.  Where whole messages follow, the disk lost or changed something in
the middle of the log, and the cut takes sound messages with it: that is said loudly.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from rmqlab.errors import CorruptRecord
from rmqlab.protocol.record import MAGIC, SIZE_AND_MAGIC, Record, is_sound
from rmqlab.store.commit_log import CommitLog
from rmqlab.store.layout import file_name

log = logging.getLogger(__name__)

WINDOW_BYTES = 1 << 20
MOST_ZEROES = 16 << 20
"""As many bytes of zeroes in a row are taken for the unwritten rest of the log."""

_MAGIC_AT = SIZE_AND_MAGIC.size // 2
_MAGIC = SIZE_AND_MAGIC.pack(0, MAGIC)[_MAGIC_AT:]


@dataclass(frozen=True)
class Damage:
    """Where a log was cut, and what was cut off."""

    file: str
    offset: int
    sound_after: int
    """Whole messages that lay behind the place; 0 where only the last one was torn."""

    def __str__(self) -> str:
        """One line with the facts."""
        return (
            f"file={self.file} offset={self.offset} "
            f"sound_messages_behind={self.sound_after}"
        )


def find_damage(commit_log: CommitLog, end: int) -> Damage | None:
    """Return what lies behind `end`; None where only zeroes do."""
    has_any, sound, at, zeroes = False, 0, end, 0
    while zeroes < MOST_ZEROES:
        window = commit_log.read(at, WINDOW_BYTES + SIZE_AND_MAGIC.size)
        if not window:
            break
        if window == bytes(len(window)):
            zeroes += len(window)
        else:
            has_any, zeroes = True, 0
            found = _messages_in(commit_log, at, window)
            sound += sum(offset > end for offset in found)
        at += min(len(window), WINDOW_BYTES)
    name = file_name(commit_log.files.file_start(end))
    return Damage(name, end, sound) if has_any else None


def readable(commit_log: CommitLog, offset: int) -> Iterator[Record]:
    """Yield the records from `offset` on; pass over what is damaged, and say so."""
    while offset < commit_log.end:
        try:
            for record in commit_log.scan(offset):
                yield record
                offset = record.physical_offset + record.size
        except CorruptRecord as error:
            following = _next_message(commit_log, offset + 1)
            told = "log passed over from=%d to=%d: %s"
            log.error(told, offset, following, error)  # noqa: TRY400
            offset = following
        else:
            return


def _next_message(commit_log: CommitLog, at: int) -> int:
    """Return where the next whole message starts; the log's end where none does."""
    while at < commit_log.end:
        window = commit_log.read(at, WINDOW_BYTES + SIZE_AND_MAGIC.size)
        for found in _messages_in(commit_log, at, window):
            return found
        at += min(len(window), WINDOW_BYTES)
    return commit_log.end


def _messages_in(commit_log: CommitLog, at: int, window: bytes) -> Iterator[int]:
    """Yield where the messages of this log start whose magic number is in a window."""
    found = window.find(_MAGIC)
    while found >= 0:
        start = found - _MAGIC_AT
        size = int.from_bytes(window[max(0, start) : found], signed=True)
        is_here = 0 <= start < WINDOW_BYTES and size > 0
        if is_here and is_sound(commit_log.read(at + start, size), at + start):
            yield at + start
        found = window.find(_MAGIC, found + 1)
