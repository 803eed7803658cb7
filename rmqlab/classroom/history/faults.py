"""What went wrong in a history, when, and whom it touched.

crash     a machine lost power: of its logs, what was not flushed may be gone
trouble   from a fault until it is over, and a while longer: a broker that comes
          back is registered after 30 s at most, routes are asked for every 30 s
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import NamedTuple

from rmqlab.classroom.history.facts import Facts
from rmqlab.classroom.history.verdict import Event

AFTERMATH_S = 65.0
"""30 s until a broker registers, 30 s until a client asks, and 5 s until it commits."""
SLOW_MS = 50.0
"""A link or a disk as slow as this is a trouble."""
TAKES = ("wipe", "flip")
"""Faults after which anything may be missing."""
DEATHS = ("kill", "killed", "stopped", "failed")
"""Of a process; the disk is as it was."""
_TAKES_MS = re.compile(r"(links|a flush) takes? ([0-9.e+-]+) ms")


class Trouble(NamedTuple):
    """A time in which somebody was not well; `is_death`: a process had ended."""

    who: str
    start_s: float
    end_s: float
    what: str
    is_death: bool = False


class Faults:
    """Crashes by node, and all troubles."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.crashes: dict[str, list[int]] = defaultdict(list)
        """By node: when its machine crashed, or files of it were damaged."""
        self.troubles: list[Trouble] = []
        self._open: dict[tuple[str, str], tuple[float, str]] = {}
        self._was_usable: set[str] = set()
        self._hosts = {one.host for one in facts.nodes.values()}
        for index, event in enumerate(facts.events):
            if event["kind"] == "fault":
                self._fault(index, event)
            elif event["kind"] == "node":
                self._node(event)
            elif event["kind"] == "client" and event["what"] != "started":
                self._client(event)
        for (who, _), (start_s, what) in self._open.items():
            self._trouble(who, start_s, facts.end_s, what)

    def _begin(self, who: str, why: str, at_s: float, what: str) -> None:
        self._open.setdefault((who, why), (at_s, what))

    def _end(self, who: str, why: str, at_s: float) -> None:
        if begun := self._open.pop((who, why), None):
            self._trouble(who, begun[0], at_s, begun[1])

    def _trouble(self, who: str, start_s: float, end_s: float, what: str) -> None:
        is_death = what.removeprefix(f"{who} ") in DEATHS
        self.troubles.append(Trouble(who, start_s, end_s, what, is_death))

    def _node(self, event: Event) -> None:
        name, at_s, state = event["node"], event["at"], event["state"]
        if state == "usable":
            self._was_usable.add(name)
            self._end(name, "state", at_s)
        elif name in self._was_usable:  # its first start is no trouble
            self._begin(name, "state", at_s, f"{name} {state}")

    def _client(self, event: Event) -> None:
        if event["what"] == "killed":
            self._trouble(event["client"], event["at"], event["at"], "killed")

    def _fault(self, index: int, event: Event) -> None:
        who, at_s = event.get("host") or event.get("node") or "", event["at"]
        what = str(event["what"])
        slow = _TAKES_MS.fullmatch(what)
        if what in ("crash", *TAKES):
            self._crash(index, who, event.get("path") or "")
            self._trouble(who, at_s, at_s, f"{who} {what}")
        elif what in ("cut", "pause"):
            self._begin(who, what, at_s, f"{who} {what}")
        elif what in ("heal", "resume"):
            self._end(who, "cut" if what == "heal" else "pause", at_s)
        elif slow and float(slow[2]) >= SLOW_MS:
            self._begin(who, slow[1], at_s, f"{who}: {what}")
        elif slow:
            self._end(who, slow[1], at_s)
        elif what != "boot":
            self._trouble(who, at_s, at_s, f"{who} {what}")

    def _crash(self, index: int, who: str, path: str) -> None:
        for node in self.facts.nodes.values():
            is_there = who in (node.host, node.name)
            if is_there and (not path or any(_meet(path, at) for at in node.folders)):
                self.crashes[node.name].append(index)

    def crash_after(self, node: str, index: int) -> int | None:
        """Return when a node's machine crashed next."""
        return next((one for one in self.crashes[node] if one > index), None)

    def damage_after(self, node: str, index: int) -> bool:
        """Whether files of a node were damaged or removed later."""
        later = (one for one in self.crashes[node] if one > index)
        return any(self.facts.events[one]["what"] in TAKES for one in later)

    def crash_between(self, broker: str, first: int, last: int) -> int | None:
        """Return when a machine of a broker's pair crashed, from one index to another.

        A message may still be on its way to a consumer while its log is gone.
        """
        for node in self.facts.pair(broker):
            for crash in self.crashes[node.name]:
                if first <= crash <= last:
                    return crash
        return None

    def around(
        self,
        start_s: float,
        end_s: float,
        whom: set[str] | None = None,
        *,
        latest_death_s: float = math.inf,
    ) -> Trouble | None:
        """Return a trouble that may show between two times; of some, or of anybody.

        A process's death after `latest_death_s` counts for nothing.
        """
        for trouble in self.troubles:
            over_s = trouble.end_s + AFTERMATH_S
            is_near = trouble.start_s <= end_s and start_s <= over_s
            is_late = trouble.is_death and trouble.start_s > latest_death_s
            if is_near and not is_late and (whom is None or trouble.who in whom):
                return trouble
        return None

    def reach(self, broker: str) -> set[str]:
        """Return whose troubles a broker's pair may show.

        Its nodes, their hosts, and hosts that have no node: those are the clients'.
        """
        pair = self.facts.pair(broker)
        hosts = {one.host for one in pair}
        strangers = {
            one.who
            for one in self.troubles
            if one.who not in self._hosts and one.who not in self.facts.nodes
        }
        clients = set(self.facts.groups)
        return {one.name for one in pair} | hosts | (strangers - clients)


def _meet(path: str, folder: str) -> bool:
    """Whether one of the two is, or lies in, the other."""
    ends = f"{path.rstrip('/')}/", f"{folder.rstrip('/')}/"
    return ends[0].startswith(ends[1]) or ends[1].startswith(ends[0])
