"""A history's events, taken apart once: who was told what, and what lies where.

Places in the history (`index`) tell before from after, for many events share a time.

Not here: what follows from it (`faults`, and the rules).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from rmqlab.classroom.history.verdict import Event

NOT_STORED = ("refused", "unanswered")
FOLDERS = ("store", "commit_log")


class Place(NamedTuple):
    """Where a message lies: a queue of a broker's topic, and its offset there."""

    broker: str
    topic: str
    queue: int
    offset: int

    @property
    def line(self) -> tuple[str, str, int]:
        """Its queue."""
        return self[:3]

    def __str__(self) -> str:
        """``orders/broker-a/0 at 17``."""
        return f"{self.topic}/{self.broker}/{self.queue} at {self.offset}"


@dataclass(frozen=True)
class Node:
    """A node as the trace's first line has it."""

    name: str
    host: str = ""
    role: str = ""
    broker: str = ""
    flush: str = ""
    folders: tuple[str, ...] = ()
    """Where its files are, where that is known."""

    @property
    def is_slave(self) -> bool:
        """Whether it follows a master."""
        return self.role == "SLAVE"


class Reign(NamedTuple):
    """Who is master of a broker's name, and since which index."""

    since: int
    master: Node


@dataclass(frozen=True, slots=True)
class Told:
    """What a sender was told of its message."""

    index: int
    event: Event
    key: str
    outcome: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Given:
    """A message handed to a consumer."""

    index: int
    event: Event
    client: str
    group: str
    key: str
    place: Place


@dataclass(frozen=True, slots=True)
class Committed:
    """A consumer tells a broker how far it is; `node` is who was told."""

    index: int
    event: Event
    client: str
    node: str
    place: Place


class Stored(NamedTuple):
    """A message in a log at the end."""

    log_offset: int
    key: str
    place: Place


@dataclass
class Growth:
    """How a node's log grew, was flushed and reported, by index."""

    appends: list[tuple[int, int, int]] = field(default_factory=list)
    """Index, first byte, end."""
    flushes: list[tuple[int, int]] = field(default_factory=list)
    """Index, and up to where the log was safe then."""
    reports: list[tuple[int, int]] = field(default_factory=list)
    """Index, and how far this node said it is."""

    def first_index_after(self, index: int) -> int | None:
        """Return when something was appended next."""
        at = bisect_left(self.appends, (index, 0, 0))
        return self.appends[at][0] if at < len(self.appends) else None

    def first_end_after(self, index: int) -> int | None:
        """Return the end of what was appended next."""
        at = bisect_left(self.appends, (index, 0, 0))
        return self.appends[at][2] if at < len(self.appends) else None

    def first_start_after(self, index: int) -> int | None:
        """Return where was appended next."""
        at = bisect_left(self.appends, (index, 0, 0))
        return self.appends[at][1] if at < len(self.appends) else None

    def end_at(self, index: int) -> int:
        """Return the log's end then, as far as was seen."""
        at = bisect_right(self.appends, (index, 1 << 62, 0))
        return self.appends[at - 1][2] if at else 0


class Facts:
    """Everything that rules ask for."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = list(events)
        self.nodes: dict[str, Node] = {}
        """As they are at the end: a slave may have been promoted."""
        self.reigns: dict[str, list[Reign]] = defaultdict(list)
        """By broker's name, the first one first."""
        self.sent: dict[str, int] = {}
        """Index by key."""
        self.topics: dict[str, str] = {}
        self.told: list[Told] = []
        self.given: list[Given] = []
        self.committed: list[Committed] = []
        self.growth: dict[str, Growth] = defaultdict(Growth)
        self.logs: dict[str, list[Stored]] = {}
        """What lies in each node's log at the end, in its order."""
        self.groups: dict[str, str] = {}
        """Of each client that consumes."""
        self.requests: list[tuple[int, Event]] = []
        """Frames that are no answers."""
        self.client_events: list[tuple[int, Event]] = []
        take: dict[str, Callable[[int, Event], None]] = {
            "trace": self._header,
            "send": self._sent,
            "told": self._told,
            "consumed": self._given,
            "append": self._append,
            "flush": self._flush,
            "report": self._report,
            "frame": self._frame,
            "log": self._log,
            "client": self._client,
            "fault": self._fault,
        }
        for index, event in enumerate(self.events):
            if taken := take.get(event["kind"]):
                taken(index, event)

    def _header(self, index: int, event: Event) -> None:
        for found in event.get("nodes") or ():
            known = {key: found.get(key) or "" for key in ("name", "host", "role")}
            broker, flush = found.get("broker") or "", found.get("flush") or ""
            folders = tuple(found[one] for one in FOLDERS if one in found)
            node = Node(**known, broker=broker, flush=flush, folders=folders)
            self.nodes[node.name] = node
            if broker and not node.is_slave and not self.reigns[broker]:
                self.reigns[broker].append(Reign(index, node))

    def _sent(self, index: int, event: Event) -> None:
        self.sent.setdefault(event["key"], index)
        self.topics[event["key"]] = event.get("topic", "")

    def _told(self, index: int, event: Event) -> None:
        place = None
        if event.get("broker") is not None and event.get("offset") is not None:
            topic = self.topics.get(event["key"], "")
            place = Place(event["broker"], topic, event["queue"], event["offset"])
        told = Told(index, event, event["key"], event["outcome"], place)
        self.told.append(told)

    def _given(self, index: int, event: Event) -> None:
        place = Place(event["broker"], event["topic"], event["queue"], event["offset"])
        client, group = event["client"], event["group"]
        self.groups[client] = group
        self.given.append(Given(index, event, client, group, event["key"], place))

    def _append(self, index: int, event: Event) -> None:
        start = event["offset"]
        found = (index, start, start + event["size"])
        self.growth[event["node"]].appends.append(found)

    def _flush(self, index: int, event: Event) -> None:
        if event.get("end") is not None:
            self.growth[event["node"]].flushes.append((index, event["end"]))

    def _report(self, index: int, event: Event) -> None:
        self.growth[event["node"]].reports.append((index, event["offset"]))

    def _frame(self, index: int, event: Event) -> None:
        if event.get("response") is not None:
            return
        self.requests.append((index, event))
        if event.get("code") != "UPDATE_CONSUMER_OFFSET":
            return
        node = self.nodes.get(event.get("peer") or "")
        if node is not None and event.get("offset") is not None:
            place = Place(node.broker, event["topic"], event["queue"], event["offset"])
            found = Committed(index, event, event["node"], node.name, place)
            self.committed.append(found)

    def _log(self, index: int, event: Event) -> None:
        node = self.nodes.get(event["node"], Node(event["node"]))
        self.logs[event["node"]] = [
            Stored(log_offset, key, Place(node.broker, topic, queue, offset))
            for topic, queue, offset, key, log_offset in event["messages"]
        ]

    def _client(self, index: int, event: Event) -> None:
        self.client_events.append((index, event))

    def _fault(self, index: int, event: Event) -> None:
        if event["what"] != "promote":
            return
        heir, former = (self.nodes[event[key]] for key in ("node", "peer"))
        heir = replace(heir, role="ASYNC_MASTER")
        self.nodes |= {heir.name: heir, former.name: replace(former, role="SLAVE")}
        self.reigns[heir.broker].append(Reign(index, heir))

    # ── what lies where ───────────────────────────────────────────────────────

    def master(self, broker: str, index: int | None = None) -> Node | None:
        """Return the master of a broker's name, at the end or at a place before."""
        reigns = self.reigns[broker]
        found = [one.master for one in reigns if index is None or one.since <= index]
        return found[-1] if found else None

    def slaves(self, broker: str, index: int | None = None) -> list[Node]:
        """Return the slaves of a broker's name, at the end or at a place before."""
        master = self.master(broker, index)
        reigned = [one.master.name for one in self.reigns[broker]]
        return [
            one
            for one in self.pair(broker)
            if one.is_slave or one.name in reigned
            if master is None or one.name != master.name
        ]

    def pair(self, broker: str) -> list[Node]:
        """Return all nodes of a broker's name."""
        return [one for one in self.nodes.values() if broker and one.broker == broker]

    @property
    def brokers(self) -> list[str]:
        """The names that nodes go by, in the trace's order."""
        found = (one.broker for one in self.nodes.values() if one.broker)
        return list(dict.fromkeys(found))

    @property
    def kept(self) -> list[Stored]:
        """What lies in masters' logs at the end."""
        masters = (one.name for one in self.nodes.values() if not one.is_slave)
        return [stored for name in masters for stored in self.logs.get(name, ())]

    def places(self, nodes: Iterable[Node]) -> dict[str, list[Place]]:
        """Return where each message lies at the end, in the logs of some nodes."""
        found: dict[str, list[Place]] = defaultdict(list)
        for node in nodes:
            for stored in self.logs.get(node.name, ()):
                found[stored.key].append(stored.place)
        return found

    def at_s(self, index: int) -> float:
        """Return when something happened."""
        at: Any = self.events[index].get("at", 0.0)
        return float(at)

    @property
    def end_s(self) -> float:
        """When the history ends."""
        return self.at_s(-1) if self.events else 0.0
