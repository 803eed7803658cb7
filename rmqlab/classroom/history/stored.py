"""Rules of what the logs hold at the end, against what senders were told.

An acknowledged message is in its master's log, and

    kill, stop, pause, cut    take nothing: the page cache outlives a process
    crash of the machine      takes what no flush had reached; SEND_OK under SYNC_FLUSH
                              means that one had
    both machines' crashes    take what neither had flushed; until then SEND_OK under
                              SYNC_MASTER means that master or slave has it
    loss of the master's disk takes all but what its slave has: under SYNC_MASTER that
                              is all that was SEND_OK
    promotion of a slave      takes what it had not: its master's disk is given up

FLUSH_DISK_TIMEOUT, FLUSH_SLAVE_TIMEOUT and SLAVE_NOT_AVAILABLE promise what an
asynchronous master does: the slave's failure hides the disk's.  `refused` is definite,
`unanswered` is not: such a message may be there, or not, or twice after a retry.

Source: CommitLog.asyncPutMessage, HAConnection.java, release 4.9.7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from rmqlab.classroom.history.copies import stray_since
from rmqlab.classroom.history.facts import NOT_STORED, Facts, Node, Place, Told
from rmqlab.classroom.history.faults import Faults
from rmqlab.classroom.history.losses import Losses
from rmqlab.classroom.history.verdict import Finding


def stored(facts: Facts, faults: Faults) -> Iterator[Finding]:
    """Yield the findings of all rules of this module."""
    rules = Rules(facts, faults)
    yield from rules.lost()
    yield from rules.lied()
    yield from rules.unsent()
    yield from rules.vanished()
    yield from rules.reused()
    yield from rules.repeated()


class Rules:
    """What they share: where each message lies."""

    def __init__(self, facts: Facts, faults: Faults) -> None:
        self.facts, self.faults = facts, faults
        nodes = facts.nodes.values()
        self._in_masters = facts.places(one for one in nodes if not one.is_slave)
        self._anywhere = facts.places(nodes)
        self._told = {one.key: one for one in facts.told}
        self._losses = Losses(facts, faults)
        self._ours = set(facts.topics.values())
        """Topics that were sent to; others have messages of their own."""

    # ── lost, or elsewhere ────────────────────────────────────────────────────

    def lost(self) -> Iterator[Finding]:
        """Look for everything that was acknowledged."""
        for told in self.facts.told:
            if told.outcome in NOT_STORED or told.place is None:
                continue
            begin, broker = self.facts.sent[told.key], told.place.broker
            master, last = self.facts.master(broker, begin), self.facts.master(broker)
            if master is None or last is None or last.name not in self.facts.logs:
                continue
            found = self._in_masters.get(told.key, [])
            if told.place in found:
                continue
            crash = self.faults.crash_after(master.name, begin)
            if found and crash is None:
                why = f"told {told.place}, it lies in {found[0]}"
                yield _finding("misplaced", told, why)
            elif not found:
                yield from self._lost(told, master, crash)

    def _lost(self, told: Told, master: Node, crash: int | None) -> Iterator[Finding]:
        is_kept = told.key in self._anywhere
        broken, why = self._judge(told, master, crash, is_kept=is_kept)
        if is_kept and not broken:
            return
        index = told.index if crash is None else crash
        event = self.facts.events[index]
        yield Finding("lost", broken, index, event, told.key, f"{told.outcome}: {why}")

    def _judge(
        self, told: Told, master: Node, crash: int | None, *, is_kept: bool
    ) -> tuple[bool, str]:
        """Say whether a promise was broken, and why so or why not."""
        if crash is None:
            return True, f"{master.name}'s machine never crashed after it was sent"
        if why := self._losses.forbidden(told, master, crash):
            return True, why
        if told.outcome == "SEND_OK" and master.role == "SYNC_MASTER" and not is_kept:
            return self._judge_copies(told, master)
        if why := self._inherited(told, master, crash):
            return True, why
        if self._losses.is_damaged(told, master):
            return False, f"files of {master.name} were damaged or removed"
        return False, f"no flush had reached it when {master.name}'s machine crashed"

    def _inherited(self, told: Told, master: Node, lost: int) -> str:
        """Say why who was promoted after a message must have it; "": it need not.

        After `lost`, the master's first crash, its log's bytes are others.
        """
        facts, began = self.facts, self.facts.sent[told.key]
        heirs = [one for one in facts.reigns[master.broker] if one.since > began]
        stray = stray_since(facts, self.faults, master.broker)
        if not heirs or stray is not None:
            return ""
        since, heir = heirs[0]
        end = facts.growth[master.name].end_at(told.index)
        reports = facts.growth[heir.name].reports
        crash = self.faults.crash_after(heir.name, began)
        is_had = any(
            began < at < min(since, lost) and upto >= end > 0 for at, upto in reports
        )
        if is_had and (crash is None or self._losses.was_flushed(told, heir, crash)):
            return f"{heir.name} had it when it was promoted"
        return ""

    def _judge_copies(self, told: Told, master: Node) -> tuple[bool, str]:
        stray = stray_since(self.facts, self.faults, master.broker)
        if stray is not None and stray < told.index:
            # Release 4.9.7 takes the first report of a slave that is ahead, and with
            # it every send as copied: an operator has to empty that slave.
            return False, f"{master.name}'s slave was ahead of it since a crash"
        for slave in self.facts.slaves(master.broker, self.facts.sent[told.key]):
            crash = self.faults.crash_after(slave.name, self.facts.sent[told.key])
            if crash is None:
                return True, f"SYNC_MASTER, and {slave.name}'s machine never crashed"
            if self._losses.is_damaged(told, slave):
                continue
            if self._losses.was_flushed(told, slave, crash):
                return True, f"{slave.name} had flushed it before its machine crashed"
        return (
            False,
            f"{master.name} lost it, and so did its slave, by faults of their own",
        )

    # ── what should not be there ──────────────────────────────────────────────

    def lied(self) -> Iterator[Finding]:
        """Look for what was refused."""
        given = {one.key: one for one in self.facts.given}
        for told in self.facts.told:
            if told.outcome != "refused":
                continue
            if told.key in self._anywhere:
                where = self._anywhere[told.key][0]
                yield _finding("lied", told, f"it was refused and lies in {where}")
            elif told.key in given:
                client = given[told.key].client
                yield _finding("lied", told, f"it was refused and given to {client}")

    def unsent(self) -> Iterator[Finding]:
        """Look for what nobody sent."""
        told: set[str] = set()
        for one in self.facts.given:
            began = self.facts.sent.get(one.key)
            is_unsent = began is None or began > one.index
            if one.place.topic in self._ours and is_unsent and one.key not in told:
                told.add(one.key)
                why = f"{one.client} was given it from {one.place}, nobody had sent it"
                yield Finding("unsent", True, one.index, one.event, one.key, why)
        last = len(self.facts.events) - 1
        for key, places in self._anywhere.items():
            is_known = key in self.facts.sent or key in told
            if not is_known and places[0].topic in self._ours:
                why = f"it lies in {places[0]}, nobody sent it"
                yield Finding("unsent", True, last, self.facts.events[last], key, why)

    def vanished(self) -> Iterator[Finding]:
        """Look for what consumers were given and no log has."""
        told: set[str] = set()
        for one in self.facts.given:
            found = self._anywhere.get(one.key, [])
            outcome = self._told[one.key].outcome if one.key in self._told else ""
            is_judged = not found and outcome not in ("", *NOT_STORED)  # by `lost`
            pair = self.facts.pair(one.place.broker)
            is_known = all(node.name in self.facts.logs for node in pair)
            if is_judged or one.place in found or one.key in told or not is_known:
                continue
            told.add(one.key)
            began = self.facts.sent.get(one.key, one.index)
            last = len(self.facts.events)
            crash = self.faults.crash_between(one.place.broker, began, last)
            why = f"{one.client} was given it from {one.place}, and no log has it there"
            is_broken = crash is None
            yield Finding("vanished", is_broken, one.index, one.event, one.key, why)

    # ── places ────────────────────────────────────────────────────────────────

    def reused(self) -> Iterator[Finding]:
        """Look for two messages in one place."""
        sights: dict[Place, dict[str, int]] = defaultdict(dict)
        for told in self.facts.told:
            if told.place is not None:
                sights[told.place].setdefault(told.key, told.index)
        for one in self.facts.given:
            sights[one.place].setdefault(one.key, one.index)
        last = len(self.facts.events) - 1
        for key, places in self._in_masters.items():
            for place in places:
                sights[place].setdefault(key, last)
        for place, keys in sights.items():
            if len(keys) > 1:
                yield from self._reused(place, keys)

    def _reused(self, place: Place, keys: dict[str, int]) -> Iterator[Finding]:
        (first, _), (second, seen), *_ = sorted(keys.items(), key=lambda one: one[1])
        # What was under way to a consumer may be seen long after its place was freed.
        begin = min(self.facts.sent.get(key, 0) for key in (first, second))
        crash = self.faults.crash_between(place.broker, begin, seen)
        why = f"{place} was {first}'s, and no machine crashed"
        if crash is not None:
            why = f"{place} was {first}'s before a crash shortened the queue"
        event = self.facts.events[seen]
        yield Finding("reused", crash is None, seen, event, second, why)

    def repeated(self) -> Iterator[Finding]:
        """Look for messages that are stored twice."""
        closed: dict[str, list[int]] = defaultdict(list)
        for index, event in enumerate(self.facts.events):
            if event["kind"] == "closed":
                closed[event["node"]].append(index)
        for key, places in self._in_masters.items():
            if len(places) > 1 and key in self.facts.sent:
                yield self._repeated(key, places, closed)

    def _repeated(
        self, key: str, places: list[Place], closed: dict[str, list[int]]
    ) -> Finding:
        begin = self.facts.sent[key]
        told = self._told.get(key)
        end = told.index if told else len(self.facts.events) - 1
        client = self.facts.events[begin]["client"]
        trouble = self.faults.around(self.facts.at_s(begin), self.facts.at_s(end))
        why, broken = f"it lies in {places[0]} and in {places[1]}", False
        if any(begin < one < end for one in closed[client]):
            why = f"{why}: a connection broke before the answer came"
        elif told and told.outcome not in (*NOT_STORED, "SEND_OK"):
            why = f"{why}: {told.outcome} may be tried again elsewhere"
        elif trouble:
            why = f"{why}: {trouble.what}"
        else:
            why, broken = f"{why}, and every attempt was answered", True
        return Finding("repeated", broken, end, self.facts.events[end], key, why)


def _finding(kind: str, told: Told, why: str) -> Finding:
    return Finding(kind, True, told.index, told.event, told.key, why)
