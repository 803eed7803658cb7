"""Bugs planted in the system: the checker finds each, and names the seed that shows it.

Each is tried on a schedule under which it shows; with the bug out again, the seed that
found it finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count

import pytest

from rmqlab.broker.dispatch import Dispatch
from rmqlab.broker.handlers.send import SendHandler
from rmqlab.broker.tables.offsets import Offsets
from rmqlab.classroom.history import Finding
from rmqlab.classroom.simulated.campaign import play
from rmqlab.client import delivery, puller
from rmqlab.client.concurrently import Concurrently
from rmqlab.client.delivery import Delivery
from rmqlab.client.offsets import GroupOffsets
from rmqlab.client.sent import SendStatus
from rmqlab.client.share import Share
from rmqlab.errors import Refused
from rmqlab.ha.session import REPORT, SlaveSession
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import KEYS, join_properties, split_properties
from rmqlab.remoting import RemotingClient
from rmqlab.store import recovery
from rmqlab.store.file_queue import FileQueue
from rmqlab.store.queues import ConsumeQueues
from rmqlab.store.reading import Reading
from rmqlab.store.results import GetStatus, Got
from rmqlab.store.store import MessageStore

MOST_SEEDS = 200
Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


@dataclass
class Bug:
    """One bug: how it is planted, what it breaks, and when that shows."""

    plant: Plant
    breaks: set[str]
    faults: tuple[str, ...] = ()
    topology: str = "2m-2s-sync"
    flush: str = "SYNC_FLUSH"
    settings: tuple[str, ...] = ()
    until: int = 20
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.text = "\n".join(
            [
                f"topology {self.topology}",
                f"set flushDiskType={self.flush}",
                *(f"set {one}" for one in self.settings),
                "clients rebalanceInterval=1000",
                "clients persistConsumerOffsetInterval=1000",
                "traffic orders 10/s with 2 consumers",
                *(f"at {one}" for one in self.faults),
                f"until {self.until}s",
                "then heal and wait 70s",
                "hold every promise is kept\n",
            ]
        )


BUGS: dict[str, Bug] = {}


def bug(*breaks: str, **options) -> Callable[[Plant], Plant]:
    """Note a function that plants a bug."""

    def noted(plant: Plant) -> Plant:
        BUGS[plant.__name__] = Bug(plant, set(breaks), **options)
        return plant

    return noted


def every(number: int) -> Callable[[], bool]:
    """Return something that is true once in so many times."""
    calls = count(1)
    return lambda: next(calls) % number == 0


# ── the broker ────────────────────────────────────────────────────────────────


def settings_of(patch: Patch, **changes: object) -> None:
    before = Dispatch.__init__

    def built(self, *arguments):
        before(self, *arguments)
        for name, value in changes.items():
            setattr(self, name, value)

    patch.setattr(Dispatch, "__init__", built)


@bug("early")
def acknowledge_before_flush(patch):
    settings_of(patch, _flushes=False)


@bug("early", flush="ASYNC_FLUSH")
def acknowledge_before_the_slave_has_it(patch):
    settings_of(patch, _copies=False)


@bug("early", "lost", faults=("15s crash a host for 2s",), topology="1m")
def a_flush_that_reaches_no_disk(patch):
    async def flush(self):
        self.flushed = self.end
        return self.end

    patch.setattr(FileQueue, "flush", flush)


@bug("lied")
def refused_but_stored(patch):
    is_due, before = every(20), SendHandler.send

    def send(self, asked, call):
        answer = before(self, asked, call)
        if is_due():
            raise Refused(ResponseCode.MESSAGE_ILLEGAL, "no")
        return answer

    patch.setattr(SendHandler, "send", send)


@bug("lost", "vanished", "skipped")
def acknowledged_but_not_stored(patch):
    is_due, before = every(20), MessageStore.put

    def put(self, record):
        found = before(self, record)
        if is_due():
            self.log.files.end = record.physical_offset
        return found

    patch.setattr(MessageStore, "put", put)


@bug("reused")
def two_messages_in_one_place(patch):
    is_due, before = every(20), MessageStore.put

    def put(self, record):
        found = before(self, record)
        if is_due():
            self._next[record.topic, record.queue_id] -= 1
        return found

    patch.setattr(MessageStore, "put", put)


@bug("skipped")
def an_entry_lost_in_dispatch(patch):
    is_due, before = every(49), ConsumeQueues.put

    def put(self, topic, queue_id, placed):
        return before(self, topic, queue_id, [one for one in placed if not is_due()])

    patch.setattr(ConsumeQueues, "put", put)


@bug("vanished")
def a_pull_serves_what_is_not_there(patch):
    is_due, before = every(20), Reading.get

    def get(self, topic, queue_id, offset, limit, *wants):
        found = before(self, topic, queue_id, offset, limit, *wants)
        if found.status is GetStatus.OFFSET_OVERFLOW_ONE and offset and is_due():
            (last,) = before(self, topic, queue_id, offset - 1, 1, *wants).records
            ahead = last[:20] + offset.to_bytes(8) + last[28:]
            more = (offset + 1, found.min_offset, found.max_offset, (ahead,))
            return Got(GetStatus.FOUND, *more)
        return found

    patch.setattr(Reading, "get", get)


@bug(
    "doubled",
    faults=("40s kill a broker for 2s", "40.5s kill a consumer for 10s"),
    topology="2m-noslave",
    until=45,
)
def offsets_forgotten_at_a_restart(patch):
    patch.setattr(Offsets, "load", lambda self, found: None)


@bug("doubled", faults=("8s close a consumer for 3s", "14s kill a consumer for 3s"))
def a_committed_offset_forgotten(patch):
    is_due, before = every(3), Offsets.commit

    def commit(self, group, topic, queue_id, offset):
        return before(self, group, topic, queue_id, 0 if is_due() else offset)

    patch.setattr(Offsets, "commit", commit)


# ── store and replication ─────────────────────────────────────────────────────


@bug(
    "lost",
    faults=("15s kill a master for 2s",),
    topology="2m-noslave",
    settings=("mappedFileSizeCommitLog=8192",),
)
def the_last_file_skipped_in_recovery(patch):
    before = recovery._sound_records

    def sound(commit_log, start, *, check_crc) -> Iterator:
        last = commit_log.files.file_starts[-1]
        for record in before(commit_log, start, check_crc=check_crc):
            if record.physical_offset >= last > 0:
                return
            yield record

    patch.setattr(recovery, "_sound_records", sound)


@bug("behind", "diverged", topology="2m-2s-async")
def a_message_of_a_piece_dropped_on_the_slave(patch):
    is_due, before = every(20), MessageStore.copy

    def copy(self, offset, data):
        before(self, offset, bytes(len(data)) if is_due() else data)

    patch.setattr(MessageStore, "copy", copy)


@bug("early", "overreported")
def a_slave_reports_more_than_it_wrote(patch):
    def report(self):
        return REPORT.pack(self._end + 1000)

    patch.setattr(SlaveSession, "report", report)


# ── the client ────────────────────────────────────────────────────────────────


@bug("opaque")
def an_opaque_used_again(patch):
    before = RemotingClient._request

    def request(self, header, body):
        frame = before(self, header, body)
        frame.opaque %= 4
        return frame

    patch.setattr(RemotingClient, "_request", request)


@bug("doubled")
def delivered_twice_silently(patch):
    is_due, before = every(20), Concurrently.take

    def take(self, messages, window):
        for message in messages:
            before(self, [message] * (2 if is_due() else 1), window)

    patch.setattr(Concurrently, "take", take)


@bug("disorder", faults=("5s pause a consumer for 5s",))
def a_batch_delivered_backwards(patch):
    before = puller.pull

    async def pull(*arguments, **options):
        found = await before(*arguments, **options)
        return found._replace(messages=found.messages[::-1])

    patch.setattr(puller, "pull", pull)


@bug("skipped", "overcommitted", faults=("8s close a consumer for 3s",))
def an_offset_committed_past_what_was_consumed(patch):
    before = GroupOffsets.update

    def update(self, queue, offset):
        before(self, queue, offset + 1)

    patch.setattr(GroupOffsets, "update", update)


@bug("doubled", faults=("75s close a consumer for 3s",), until=80)
def offsets_not_told_at_a_clean_end(patch):
    before = Share.close

    async def close(self):
        self._offsets._offsets.clear()
        await before(self)

    patch.setattr(Share, "close", close)


@bug("unsent", faults=("8s kill a master for 5s",), topology="2m-noslave")
def a_retry_that_changes_the_key(patch):
    before, seen = Delivery._send, set()

    async def send(self, outgoing, queue, timeout_s):
        properties = split_properties(outgoing.properties)
        if outgoing.msg_id in seen:
            properties[KEYS] += "-again"
        seen.add(outgoing.msg_id)
        changed = replace(outgoing, properties=join_properties(properties))
        return await before(self, changed, queue, timeout_s)

    patch.setattr(Delivery, "_send", send)


@bug("early", faults=("8s kill a slave for 5s",))
def every_status_told_as_send_ok(patch):
    before = delivery.result_of

    def result_of(*arguments):
        return replace(before(*arguments), status=SendStatus.SEND_OK)

    patch.setattr(delivery, "result_of", result_of)


@bug("misplaced")
def a_sender_told_another_place(patch):
    is_due, before = every(20), delivery.result_of

    def result_of(*arguments):
        found = before(*arguments)
        return replace(found, queue_offset=found.queue_offset + 1000 * is_due())

    patch.setattr(delivery, "result_of", result_of)


# ── the tests ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found_and_its_seed_is_clean_without_it(name):
    planted = BUGS[name]
    seed, first = found_by(planted)
    assert first.kind in planted.breaks, f"seed {seed}: {first}"
    assert problems(seed, planted.text) == [], f"seed {seed}, without the bug"


@pytest.mark.parametrize("name", ["refused_but_stored", "a_retry_that_changes_the_key"])
def test_the_seed_that_shows_a_bug_repeats_it_to_the_letter(name):
    seed, first = found_by(BUGS[name])
    assert str(broken(BUGS[name], seed)[0]) == str(first)


def found_by(planted: Bug) -> tuple[int, Finding]:
    """Return the first seed that finds it, and what was broken first."""
    for seed in range(MOST_SEEDS):
        if found := broken(planted, seed):
            return seed, found[0]
    raise AssertionError(f"not found in {MOST_SEEDS} seeds")


def broken(planted: Bug, seed: int) -> list[Finding]:
    """Return the promises that are broken with the bug."""
    with pytest.MonkeyPatch.context() as patch:
        planted.plant(patch)
        return play(seed, planted.text).broken


@cache
def problems(seed: int, text: str) -> list[str]:
    """Return what is wrong without any bug; many bugs share a schedule."""
    return play(seed, text).problems
