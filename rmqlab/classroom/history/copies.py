"""Rules of masters and slaves: who had what when, and whether two logs agree.

SEND_OK is told once the flush (SYNC_FLUSH) and a slave's report (SYNC_MASTER) have
passed the message.  Where in the log it lies is not known of every message: what was
appended next after it was sent is a lower bound, and enough.

A crash may leave a master shorter than its slave.  Release 4.9.7 believes that slave's
first report all the same, and its log then goes astray: such a pair is forgiven.

Source: HAConnection.ReadSocketService, CommitLog.GroupCommitService, release 4.9.7.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from rmqlab.classroom.history.facts import Facts, Growth, Node, Stored, Told
from rmqlab.classroom.history.faults import Faults
from rmqlab.classroom.history.verdict import Finding


def copies(facts: Facts, faults: Faults) -> Iterator[Finding]:
    """Yield the findings of all rules of this module."""
    yield from early(facts, faults)
    yield from overreported(facts)
    for broker in facts.brokers:
        master = facts.master(broker)
        for slave in facts.slaves(broker):
            if master and {master.name, slave.name} <= facts.logs.keys():
                yield from _compared(facts, faults, master, slave)


def stray_since(facts: Facts, faults: Faults, broker: str) -> int | None:
    """Return since when a slave had what its master's crash took.

    It may be ahead still, or its master has written as much anew in the meantime.
    """
    pair = facts.pair(broker)
    reports = [(*one, node) for node in pair for one in _reports(facts, node)]
    for index, offset, slave in sorted(reports, key=lambda one: one[0]):
        master = facts.master(broker, index)
        if master is None:
            return None
        earlier = (one for one in faults.crashes[master.name] if one < index)
        crash = max(earlier, default=None)
        growth = facts.growth[master.name]
        if crash is None:
            continue
        copied = facts.growth[slave.name].first_index_after(crash)
        until = index if copied is not None and copied < index else crash
        if offset > _end_since(growth, crash, until):
            return index
    return None


def _reports(facts: Facts, slave: Node) -> list[tuple[int, int]]:
    return facts.growth[slave.name].reports


def _end_since(growth: Growth, crash: int, index: int) -> int:
    """Return where a log ended at an index, after a crash.

    Before it grew again that is where it grew on; 0 where it never did.
    """
    at = bisect_left(growth.appends, (crash + 1, 0, 0))
    if at < len(growth.appends) and growth.appends[at][0] < index:
        return growth.end_at(index)
    return growth.first_start_after(crash) or 0


# ── told too early ────────────────────────────────────────────────────────────


def early(facts: Facts, faults: Faults) -> Iterator[Finding]:
    """Look for SEND_OK before flush or report."""
    stray = {one: stray_since(facts, faults, one) for one in facts.brokers}
    for told in facts.told:
        if told.outcome != "SEND_OK" or told.place is None:
            continue
        master = facts.master(told.place.broker, told.index)
        if master is None or not facts.growth[master.name].appends:
            continue
        if master != facts.master(told.place.broker, facts.sent[told.key]):
            continue  # nobody knows which of the two told it
        since = stray[master.broker]
        is_stray = since is not None and since < told.index
        why = _too_early(facts, master, told, is_stray=is_stray)
        if why:
            yield Finding("early", True, told.index, told.event, told.key, why)


def _too_early(facts: Facts, master: Node, told: Told, *, is_stray: bool) -> str:
    growth = facts.growth[master.name]
    begin = facts.sent[told.key]
    end = growth.first_end_after(begin)
    if end is None:
        return f"{master.name} appended nothing after it was sent"
    span = begin, told.index
    if master.flush == "SYNC_FLUSH" and not _reached(growth.flushes, span, end):
        return f"no flush of {master.name} had reached byte {end}"
    if master.role == "SYNC_MASTER" and not is_stray:
        slaves = facts.slaves(master.broker, told.index)
        if not any(_reached(_reports(facts, slave), span, end) for slave in slaves):
            return f"no slave of {master.name} had reported byte {end}"
    return ""


def _reached(marks: list[tuple[int, int]], span: tuple[int, int], end: int) -> bool:
    """Whether a mark between two places in the history has come as far as `end`."""
    begin, before = (bisect_left(marks, (index, 0)) for index in (span[0] + 1, span[1]))
    return any(marks[at][1] >= end for at in range(begin, before))


def overreported(facts: Facts) -> Iterator[Finding]:
    """Look for slaves that report more than they wrote."""
    for node in facts.nodes.values():
        growth = facts.growth[node.name]
        if not growth.reports or not growth.appends:
            continue
        first_index, _, _ = growth.appends[0]
        # A history may begin with a log that is there: its first reports say how long.
        ends = {
            0: 0,
            **{one: upto for one, upto in growth.reports if one < first_index},
        }
        marks = sorted([*ends.items(), *((at, end) for at, _, end in growth.appends)])
        written, place = 0, 0
        for index, upto in growth.reports:
            while place < len(marks) and marks[place][0] <= index:
                written = max(written, marks[place][1])
                place += 1
            if upto > written:
                why = f"{node.name} reported byte {upto} and had written {written}"
                yield Finding("overreported", True, index, facts.events[index], "", why)
                break


# ── two logs at the end ───────────────────────────────────────────────────────


def _compared(
    facts: Facts, faults: Faults, master: Node, slave: Node
) -> Iterator[Finding]:
    theirs, ours = facts.logs[master.name], facts.logs[slave.name]
    last = max(i for i, one in enumerate(facts.events) if one["kind"] == "log")
    event = facts.events[last]
    has_crashed = bool(faults.crashes[master.name])
    if ours:
        first, end = ours[0].log_offset, ours[-1].log_offset
        there = [one for one in theirs if first <= one.log_offset <= end]
        if difference := _difference(there, ours):
            where, key = difference
            why = f"{slave.name} and {master.name} differ from byte {where} on"
            why += ", since a crash" if has_crashed else ", and no machine crashed"
            yield Finding("diverged", not has_crashed, last, event, key, why)
            return
    lacks = [one for one in theirs if not ours or one.log_offset > ours[-1].log_offset]
    at_s = event["at"]
    if not lacks or has_crashed or faults.around(at_s, at_s):
        return
    why = f"{slave.name} lacks {len(lacks)} messages from byte {lacks[0].log_offset} on"
    yield Finding("behind", True, last, event, lacks[0].key, why)


def _difference(theirs: list[Stored], ours: list[Stored]) -> tuple[int, str] | None:
    for one, other in zip(theirs, ours, strict=False):
        if one != other:
            return min(one.log_offset, other.log_offset), other.key
    if len(theirs) != len(ours):
        longer = max(theirs, ours, key=len)[min(len(theirs), len(ours))]
        return longer.log_offset, longer.key
    return None


def given_early(facts: Facts) -> int:
    """Count what was given to a consumer before it was as safe as the mode promises.

    A master's queues show a message as soon as it is in the log, as RocketMQ's do.
    """
    offsets = {
        (node.name, stored.place): stored.log_offset
        for node in facts.nodes.values()
        for stored in facts.logs.get(node.name, ())
    }
    count = 0
    for one in facts.given:
        master = facts.master(one.place.broker, one.index)
        offset = offsets.get((master.name, one.place)) if master else None
        if master is None or offset is None:
            continue
        span = facts.sent.get(one.key, 0), one.index
        is_flushed = master.flush != "SYNC_FLUSH" or _reached(
            facts.growth[master.name].flushes, span, offset + 1
        )
        is_copied = master.role != "SYNC_MASTER" or any(
            _reached(_reports(facts, slave), span, offset + 1)
            for slave in facts.slaves(master.broker, one.index)
        )
        count += not (is_flushed and is_copied)
    return count
