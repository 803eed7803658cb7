"""Where the log really ends after a stop or a crash.

After a clean stop the queues know every message: reading starts at the newest that they
have, and the end is where no further record stands.  Where that message is not there,
somebody had his hands in the files, and the last three are read through, as RocketMQ
always does.  After a crash reading starts at the newest file that the checkpoint
vouches for; from there on the consume queues are cut, too, and made anew.  Then queues
that know of more than the log has are cut.

A torn record is cut off with everything behind it; see `damage` for what is said of
that.  Its CRC is made of the body alone: zeroes at an end of its properties, or a disk
sector of them, show that those were torn.

A process that died leaves its last pages in the page cache, flushed by nobody, or not
to be flushed any more (see `unflushed`): after a crash only what the checkpoint vouches
for is taken for flushed.  The rest of the log is written again with the first flush, as
the queues are by entering their messages.  (RocketMQ takes all that it finds for
flushed, and the next power failure may take it.)

Source: CommitLog.recoverNormally and recoverAbnormally, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from typing import NamedTuple

from rmqlab.errors import CorruptRecord
from rmqlab.protocol.record import BLANK_MAGIC, Record
from rmqlab.store.checkpoint import Checkpoint
from rmqlab.store.commit_log import BLANK, CommitLog, portions
from rmqlab.store.consume_queue import ConsumeQueue
from rmqlab.store.damage import Damage, find_damage

log = logging.getLogger(__name__)

FILES_WHERE_IN_DOUBT = 3
SECTOR = bytes(512)


class Recovered(NamedTuple):
    """What recovery found: the log's end, and the records it read on the way."""

    end: int
    records: int
    was_crash: bool
    damage: Damage | None = None
    """What was cut off where it is more than nothing."""


def recover(
    commit_log: CommitLog,
    checkpoint: Checkpoint,
    queues: Iterable[ConsumeQueue],
    *,
    was_crash: bool,
    check_crc: bool,
    offer: Callable[[list[Record]], object],
) -> Recovered:
    """Cut the log at its true end; `offer` gets what is read after a crash."""
    files = commit_log.files
    if files.is_empty:
        return Recovered(0, 0, was_crash)
    if was_crash:
        start = _newest_safe_file(commit_log, checkpoint)
        for queue in queues:
            queue.cut_log(start)
    else:
        start = _newest_message(commit_log, queues)
    end, count = start, 0
    records = _sound_records(commit_log, start, check_crc=check_crc)
    if was_crash:
        records = takewhile(_is_whole, records)
    unsafe: int | None = None
    for portion in portions(records):
        if unsafe is None:
            unsafe = _first_unsafe(portion, checkpoint)
        end = portion[-1].physical_offset + portion[-1].size
        commit_log.last_stored_at = portion[-1].store_timestamp
        count += len(portion)
        if was_crash:
            offer(portion)
    end = _after_blank(commit_log, end)
    damage = find_damage(commit_log, end)
    files.truncate(end)
    if was_crash:
        files.doubt(end if unsafe is None else unsafe)
    return Recovered(end, count, was_crash, damage)


def _sound_records(
    commit_log: CommitLog, start: int, *, check_crc: bool
) -> Iterator[Record]:
    try:
        yield from commit_log.scan(start, check_crc=check_crc)
    except CorruptRecord as error:
        log.info("log ends because %s", error)


def _first_unsafe(portion: list[Record], checkpoint: Checkpoint) -> int | None:
    """Return where the first record starts that the checkpoint does not vouch for."""
    safe_ms = checkpoint.safe_ms
    unsafe = (one for one in portion if one.store_timestamp > safe_ms)
    return next((one.physical_offset for one in unsafe), None)


def _is_whole(record: Record) -> bool:
    """Whether the record's properties are not torn, as far as zeroes tell."""
    text = record.properties
    if b"\0" not in text:
        return True
    is_torn = text.startswith(b"\0") or text.endswith(b"\0") or SECTOR in text
    if is_torn:
        log.info("log ends because of torn properties at %d", record.physical_offset)
    return not is_torn


def cut_queues(queues: Iterable[ConsumeQueue], commit_log: CommitLog) -> None:
    """Make the queues end and begin where the log does."""
    for queue in queues:
        if queue.log_end > commit_log.end:
            queue.cut_log(commit_log.end)
        queue.find_min(commit_log.start)


def _newest_message(commit_log: CommitLog, queues: Iterable[ConsumeQueue]) -> int:
    """Return where the newest message that a queue has lies, if it does lie there."""
    last = max((queue.last for queue in queues if queue.last), default=None)
    try:
        if last and commit_log.record_at(last.log_offset, check_crc=True):
            return last.log_offset
    except CorruptRecord as error:
        log.warning("the queues know a message that is not there: %s", error)
    return commit_log.files.file_starts[-FILES_WHERE_IN_DOUBT:][0]


def _newest_safe_file(commit_log: CommitLog, checkpoint: Checkpoint) -> int:
    starts = commit_log.files.file_starts
    for start in reversed(starts):
        try:
            first = commit_log.record_at(start)
        except CorruptRecord:
            continue
        if 0 < first.store_timestamp <= checkpoint.safe_ms:
            return start
    return starts[0]


def _after_blank(commit_log: CommitLog, end: int) -> int:
    """Return the file's end where its blank follows: it is content, slaves have it."""
    left = commit_log.files.left_in_file(end)
    blank = BLANK.pack(left, BLANK_MAGIC)
    return end + left if commit_log.read(end, BLANK.size) == blank else end
