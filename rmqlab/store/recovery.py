"""Where the log really ends after a stop or a crash.

After a clean stop the queues know every message: reading starts at the newest that they
have, and the end is where no further record stands.  Where that message is not there,
somebody had his hands in the files, and the last three are read through, as RocketMQ
always does.  After a crash reading starts at the newest file that the checkpoint
vouches for; from there on the consume queues are cut, too, and made anew.  Then queues
that know of more than the log has are cut.

Where anything then says that a queue is not what it was (the checkpoint counts its
messages, a message's queue offset does not follow the one before), all queues are made
anew from the whole log.

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
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

from rmqlab.errors import CorruptRecord
from rmqlab.protocol.record import Record
from rmqlab.store.checkpoint import NOTHING_QUEUED, Checkpoint
from rmqlab.store.commit_log import CommitLog, portions
from rmqlab.store.consume_queue import QueueEntry
from rmqlab.store.damage import Damage, find_damage, readable
from rmqlab.store.queues import ConsumeQueues

log = logging.getLogger(__name__)

Offer = Callable[[list[Record]], object]

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
    queues: ConsumeQueues,
    *,
    was_crash: bool,
    check_crc: bool,
    offer: Offer,
) -> Recovered:
    """Cut the log at its true end, and make the queues fit it.

    `offer` gets the records that a queue may lack.
    """
    known = max(checkpoint.queued.log_end, queues.log_end)
    found = _end_log(
        commit_log, checkpoint, queues, offer,
        was_crash=was_crash, check_crc=check_crc,
    )  # fmt: skip
    if known > found.end and not found.damage:
        log.warning("log ends at %d, messages up to %d were known", found.end, known)
    queues.log_start = commit_log.start
    has_cut = queues.cut_log(commit_log.end)
    if (has_cut and not was_crash) or not _are_whole(queues, commit_log, checkpoint):
        log.warning("consume queues are made anew from the log")
        queues.cut_log(commit_log.start)
        for portion in portions(readable(commit_log, commit_log.start)):
            offer(portion)
    return found


def _end_log(
    commit_log: CommitLog,
    checkpoint: Checkpoint,
    queues: ConsumeQueues,
    offer: Offer,
    *,
    was_crash: bool,
    check_crc: bool,
) -> Recovered:
    files = commit_log.files
    if files.is_empty:
        return Recovered(0, 0, was_crash)
    if was_crash:
        start = _newest_safe_file(commit_log, checkpoint)
        queues.cut_log(start)
        # What is entered again has to be flushed again before it is vouched for.
        checkpoint.queues_ms = min(checkpoint.queues_ms, checkpoint.safe_ms)
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
    end = commit_log.after_blank(end)
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


def _are_whole(
    queues: ConsumeQueues, commit_log: CommitLog, checkpoint: Checkpoint
) -> bool:
    """Whether nothing speaks against it."""
    if checkpoint.queued.log_end > commit_log.end:
        checkpoint.queued = NOTHING_QUEUED  # a part of those is lost
    log_end, count = checkpoint.queued
    return (
        (log_end == 0 or queues.count_before(log_end) == count)
        and not any(queue.is_odd for queue in queues)
        and not (commit_log.start == 0 and any(queue.files.start for queue in queues))
        and (queues.last is None or _is_there(commit_log, queues.last))
    )


def _is_there(commit_log: CommitLog, entry: QueueEntry) -> bool:
    """Whether a queue's entry is that of a message in the log."""
    try:
        found = commit_log.record_at(entry.log_offset, check_crc=True)
    except CorruptRecord as error:
        log.warning("the queues know a message that is not there: %s", error)
        return False
    return found.size == entry.size


def _newest_message(commit_log: CommitLog, queues: ConsumeQueues) -> int:
    """Return where the newest message that a queue has lies, if it does lie there."""
    if queues.last and _is_there(commit_log, queues.last):
        return queues.last.log_offset
    return commit_log.files.file_starts[-FILES_WHERE_IN_DOUBT:][0]


def _newest_safe_file(commit_log: CommitLog, checkpoint: Checkpoint) -> int:
    starts = commit_log.files.file_starts
    queued_to = checkpoint.queued.log_end or commit_log.end  # RocketMQ does not say it
    for start in reversed(starts):
        try:
            first = commit_log.record_at(start)
        except CorruptRecord:
            continue
        if 0 < first.store_timestamp <= checkpoint.safe_ms and start <= queued_to:
            return start
    return starts[0]
