"""Rules of what consumers were given.

At least once: a message comes again where its offset was not yet kept when its queue
changed hands.  That is allowed after

    a consumer that joined or was killed, or one that left while others swapped queues
    a fault of the broker, which keeps offsets in memory for five seconds, and whose
    slave has them ten seconds later and never gives any back
    a fault of a link

A consumer's clean end is no reason: it tells its offsets first.  And once an offset was
told to the master, only a fault of that pair explains that it was forgotten; the death
of a process only if it follows soon.

A message is never passed over, but where `reuse` says why.

Source: RebalancePushImpl.java, ConsumerOffsetManager.java, release 4.9.7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from rmqlab.classroom.history.facts import Committed, Facts, Given, Place, Stored
from rmqlab.classroom.history.faults import AFTERMATH_S, Faults
from rmqlab.classroom.history.reuse import Reuse
from rmqlab.classroom.history.verdict import Finding

KEPT_S = 25.0
"""After so long an offset is on the master's disk, which saves every 5 s, and at first
after 10, and in its slave's table, which asks every 10 s."""
ON_ITS_WAY_S = 1.0
Line = tuple[str, str, int]


def given(facts: Facts, faults: Faults) -> Iterator[Finding]:
    """Yield the findings of all rules of this module."""
    rules = Rules(facts, faults)
    yield from rules.doubled()
    yield from rules.disorder()
    yield from rules.skipped()
    yield from rules.overcommitted()


class Rules:
    """What they share: what each group was given, and what it committed."""

    def __init__(self, facts: Facts, faults: Faults) -> None:
        self.facts, self.faults = facts, faults
        self.reuse = Reuse(facts, faults)
        self.times: dict[tuple[str, Place, str], list[Given]] = defaultdict(list)
        self.lines: dict[tuple[str, Line], list[Given]] = defaultdict(list)
        for one in facts.given:
            self.times[one.group, one.place, one.key].append(one)
            self.lines[one.group, one.place.line].append(one)
        self.commits: dict[tuple[str, Line], list[Committed]] = defaultdict(list)
        for commit in facts.committed:
            if group := facts.groups.get(commit.client):
                self.commits[group, commit.place.line].append(commit)

    # ── again ─────────────────────────────────────────────────────────────────

    def doubled(self) -> Iterator[Finding]:
        """Look for messages that a group was given again."""
        for times in self.times.values():
            for before, after in pairwise(times):
                reason = self._reason(before, after)
                why = f"{after.place}: {before.client} had it at {_at(before):.3f} s"
                why += f"; {reason}" if reason else ", and nothing explains it"
                found = after.index, after.event, after.key
                yield Finding("doubled", not reason, *found, why)

    def _reason(self, before: Given, after: Given) -> str:
        pair = self.faults.reach(after.place.broker)
        commit = self._commit_between(before, after)
        if commit is not None:
            # It was told: only who keeps it, or a consumer that was stopped in its
            # tracks with the message in hand, can be to blame.
            told_s = float(commit.event["at"])
            trouble = self.faults.around(
                told_s - KEPT_S,
                _at(after),
                pair | {after.client},
                latest_death_s=told_s + KEPT_S,
            )
            return trouble.what if trouble else ""
        trouble = self.faults.around(_at(before), _at(after))
        return trouble.what if trouble else self._regrouped(before, after)

    def _commit_between(self, before: Given, after: Given) -> Committed | None:
        """Return since when the master knew that the group was past the message."""
        found = None
        for commit in self.commits[after.group, after.place.line]:
            is_old = float(commit.event["at"]) + ON_ITS_WAY_S <= _at(after)
            if not (before.index < commit.index < after.index and is_old):
                continue
            is_past = commit.place.offset > after.place.offset
            asked = self.facts.master(commit.place.broker, commit.index)
            if not is_past or asked is None or asked.name != commit.node:
                found = None  # the group went back, or told one who is not asked
            else:
                found = found or commit
        return found

    def _regrouped(self, before: Given, after: Given) -> str:
        """Say whose coming or going moved queues from one consumer to another."""
        if before.client == after.client and not self._started(before, after):
            start_s = _at(before)
        else:
            start_s = _at(before) - AFTERMATH_S
        for index, event in self.facts.client_events:
            client, what = event["client"], event["what"]
            is_ours = self.facts.groups.get(client) == after.group
            is_near = start_s <= event["at"] and index < after.index
            is_clean = what == "closed" and client == before.client
            if is_ours and is_near and not is_clean:
                return f"{client} {what}"
        return ""

    def _started(self, before: Given, after: Given) -> bool:
        return any(
            before.index < index < after.index
            for index, event in self.facts.client_events
            if event["client"] == after.client and event["what"] == "started"
        )

    # ── order ─────────────────────────────────────────────────────────────────

    def disorder(self) -> Iterator[Finding]:
        """Look for messages that one consumer was given after later ones."""
        starts = defaultdict(list)
        for index, event in self.facts.client_events:
            if event["what"] == "started":
                starts[event["client"]].append(index)
        furthest: dict[tuple[str, int, Line], Given] = {}
        for one in self.facts.given:
            life = sum(start < one.index for start in starts[one.client])
            who = one.client, life, one.place.line
            before = furthest.get(who)
            if before is None or one.place.offset > before.place.offset:
                furthest[who] = one
                continue
            if self.times[one.group, one.place, one.key][0] is not one:
                continue  # it comes again: see `doubled`
            why = self._out_of_turn(before, one)
            text = f"{one.client} had {before.place} before {one.place}"
            text += f": {why}" if why else ""
            yield Finding("disorder", not why, one.index, one.event, one.key, text)

    def _out_of_turn(self, before: Given, one: Given) -> str:
        """Say why a message may come after one that lies further in the queue."""
        if self.reuse.is_taken(before, one.index):
            return "a crash had shortened the queue"
        return self.reuse.excuse(one.group, one.place, one.key, one.index)

    # ── never ─────────────────────────────────────────────────────────────────

    def skipped(self) -> Iterator[Finding]:
        """Look for messages in masters' logs that a group was not given."""
        for group, stored in self._not_given():
            sent = self.facts.sent.get(stored.key, 0)
            had = self.lines[group, stored.place.line]
            further = [one for one in had if one.place.offset >= stored.place.offset]
            later = next((one for one in further if one.index > sent), None)
            if later is None and not self._is_withheld(group, stored):
                continue
            last = len(self.facts.events) - 1
            index, why = last, f"{group} was never given {stored.place}"
            if later is not None:
                index, why = later.index, f"{why}, but {later.place}"
            excuse = self.reuse.excuse(group, stored.place, stored.key, last)
            why += f": {excuse}" if excuse else ""
            found = index, self.facts.events[index], stored.key, why
            yield Finding("skipped", not excuse, *found)

    def _not_given(self) -> Iterator[tuple[str, Stored]]:
        topics: dict[str, set[str]] = defaultdict(set)
        for one in self.facts.given:
            topics[one.group].add(one.place.topic)
        for group, theirs in topics.items():
            for stored in self.facts.kept:
                is_had = (group, stored.place, stored.key) in self.times
                if stored.place.topic in theirs and not is_had:
                    yield group, stored

    def waiting(self) -> int:
        """Count what lies in a master's log and was not given to a group."""
        return sum(1 for _ in self._not_given())

    def _is_withheld(self, group: str, stored: Stored) -> bool:
        until_s = self._until_s(group)
        sent = self.facts.sent.get(stored.key)
        if sent is None or self.facts.at_s(sent) + AFTERMATH_S > until_s:
            return False
        return self.faults.around(until_s, until_s) is None

    def _until_s(self, group: str) -> float:
        """Return until when a group had a member, of at least a minute's standing."""
        alive: dict[str, float] = {}
        until_s = 0.0
        for _, event in self.facts.client_events:
            if self.facts.groups.get(event["client"]) != group:
                continue
            if event["what"] == "started":
                alive[event["client"]] = event["at"]
                continue
            began_s = alive.pop(event["client"], event["at"])
            if event["at"] - began_s >= AFTERMATH_S:
                until_s = max(until_s, event["at"])
        if any(self.facts.end_s - at_s >= AFTERMATH_S for at_s in alive.values()):
            return self.facts.end_s
        return until_s

    # ── committed ─────────────────────────────────────────────────────────────

    def overcommitted(self) -> Iterator[Finding]:
        """Look for offsets that were committed past what was given."""
        there: dict[Line, list[Stored]] = defaultdict(list)
        for stored in self.facts.kept:
            there[stored.place.line].append(stored)
        for (group, line), commits in self.commits.items():
            held = sorted(there[line], key=lambda one: one.place.offset)
            if found := self._past(group, held, commits):
                yield found

    def _may_be_later(self, stored: Stored, commit: Committed) -> bool:
        """Whether a message was sent, or tried again after a crash, since a commit."""
        broker, written = stored.place.broker, self.reuse.told(stored)
        crash = self.faults.crash_between(broker, commit.index, written)
        return crash is not None or self.facts.sent.get(stored.key, 0) > commit.index

    def _past(
        self, group: str, stored: list[Stored], commits: list[Committed]
    ) -> Finding | None:
        """Return the first commit past a message that was not given before it."""
        at = 0
        for commit in commits:
            while at < len(stored) and stored[at].place.offset < commit.place.offset:
                one = stored[at]
                if self._may_be_later(one, commit):
                    break  # the place was another message's, which a crash took
                where = group, one.place, one.key
                times = self.times.get(where)
                is_given = times and times[0].index < commit.index
                if not is_given and not self.reuse.excuse(*where, commit.index):
                    return _overcommitted(one, commit)
                at += 1
        return None


def _overcommitted(stored: Stored, commit: Committed) -> Finding:
    place, client = commit.place, commit.client
    why = f"{client} committed {place.offset} and {stored.place} was not given before"
    found = commit.index, commit.event, stored.key, why
    return Finding("overcommitted", True, *found)


def _at(one: Given) -> float:
    return float(one.event["at"])
