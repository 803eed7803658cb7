"""What sockets, disks and processes do, as told raw, becomes events of the trace.

    raw         facts                          becomes
    ─────────   ────────────────────────────   ───────────────────────────────
    connected   connection, node, peer, port   itself; its bytes can be read now
    sent        connection, node, data         frame, report, piece
    closed      connection, node, why          itself
    write       host, path, offset, size       append, in a commit log; not if again
    cut         host, path, offset             nothing: where the log ends is noted
    flushing    host, path                     nothing: what it will reach is noted
    flush       host, path, took_s             flush
    unflushed   host, path                     nothing: the disk refused
    lost        host, path, lost, torn         lost; pages by their offset in the file
    others of the schema                       themselves

A tap knows no runtime: whoever sees these things calls it with the time, the kind and
the facts, and it gives events to its sinks.  Without a sink it costs next to nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rmqlab.classroom.trace import LOG, Event, Sink
from rmqlab.classroom.trace.wire import Talk

CLIENTS = ("client", "send", "told", "begun", "consumed", "later")
AS_TOLD = ("node", "fault", "log", *CLIENTS)
HA_PORT = 1
"""How far a broker's port for replication is above its own."""
DECIMALS = 6

Facts = Mapping[str, Any]
Listener = Callable[[Event, bytes], None]
"""Given a frame, report or piece, and its bytes."""


@dataclass
class _File:
    """A file of a node's store; offsets are those of the log, where it is one."""

    node: str
    what: str
    start: int
    end: int | None = None
    flushing: deque[int | None] = field(default_factory=deque)
    """Where each flush that is under way will have come to."""

    @property
    def is_log(self) -> bool:
        return self.what == LOG


class Tap:
    """Call it with what is told; `add` says who is given the events."""

    def __init__(self, nodes: Iterable[Mapping[str, Any]], ends: int = 2) -> None:
        self._ends = ends
        """Of a connection: so many are told when they close."""
        self._nodes = [dict(node) for node in nodes]
        self._ha_ports = {
            node["name"]: int(node["address"].rpartition(":")[2]) + HA_PORT
            for node in self._nodes
            if node.get("commit_log")
        }
        self._sinks: tuple[Sink, ...] = ()
        self.listeners: list[Listener] = []
        """Given also the bytes of what is sent, as long as there is a sink."""
        self._talks: dict[object, Talk] = {}
        self._files: dict[tuple[str, str], _File | None] = {}
        self._known: dict[str, Callable[[float, Facts], None]] = {
            "connected": self._connected,
            "closed": self._closed,
            "sent": self._sent,
            "write": self._write,
            "cut": self._cut,
            "flushing": self._flushing,
            "flush": self._flush,
            "unflushed": self._unflushed,
            "lost": self._lost,
            "fault": self._fault,
        }
        self._as_told = frozenset(AS_TOLD)

    def add(self, sink: Sink) -> None:
        """Give every event from now on to one more."""
        if not self._sinks:
            for talk in self._talks.values():
                talk.forget()
        self._sinks = (*self._sinks, sink)

    def remove(self, sink: Sink) -> None:
        """Give it no more events."""
        self._sinks = tuple(one for one in self._sinks if one is not sink)

    def __call__(self, at_s: float, kind: str, facts: Facts) -> None:
        """Something happened."""
        known = self._known.get(kind)
        if known is not None:
            known(at_s, facts)
        elif kind in self._as_told:
            self._tell(at_s, kind, facts)

    def _tell(self, at_s: float, kind: str, facts: Facts) -> None:
        if self._sinks:
            event: Event = {"at": round(at_s, DECIMALS), "kind": kind}
            for key, value in facts.items():
                is_float = type(value) is float
                event[key] = round(value, DECIMALS) if is_float else value
            self._give(event)

    def _give(self, event: Event) -> None:
        for sink in self._sinks:
            sink(event)

    # ── connections ───────────────────────────────────────────────────────────

    def _connected(self, at_s: float, facts: Facts) -> None:
        number, client, server = facts["connection"], facts["node"], facts["peer"]
        is_ha = self._ha_ports.get(server) == facts["port"]
        self._talks[number] = Talk(number, client, server, is_ha=is_ha)
        self._tell(at_s, "connected", facts)

    def _closed(self, at_s: float, facts: Facts) -> None:
        talk = self._talks.get(facts["connection"])
        if talk is not None:
            talk.ends_closed += 1
            if talk.ends_closed == self._ends:
                del self._talks[facts["connection"]]
        self._tell(at_s, "closed", facts)

    def _sent(self, at_s: float, facts: Facts) -> None:
        if not self._sinks:
            return
        talk = self._talks.get(facts["connection"])
        if talk is not None:
            at_s = round(at_s, DECIMALS)
            for event, data in talk.sent(at_s, facts["node"], facts["data"]):
                self._give(event)
                for listener in self.listeners:
                    listener(event, data)

    # ── disks ─────────────────────────────────────────────────────────────────

    def _file(self, facts: Facts) -> _File | None:
        key = facts["host"], facts["path"]
        if key not in self._files:
            self._files[key] = self._found(*key)
        return self._files[key]

    def _found(self, host: str, path: str) -> _File | None:
        """Return whose file this is; None where it belongs to no node's store."""
        folder, _, name = path.rpartition("/")
        for node in self._nodes:
            if node["host"] != host or not node.get("commit_log"):
                continue
            if folder == node["commit_log"] and name.isdecimal():
                return _File(node["name"], LOG, int(name))
            if path.startswith(f"{node['store']}/"):
                inside = folder if name.isdecimal() else path
                what = inside[len(node["store"]) + 1 :]
                return _File(node["name"], what, 0)
        return None

    def _write(self, at_s: float, facts: Facts) -> None:
        file = self._file(facts)
        if file is None or not file.is_log:
            return
        offset, size = file.start + facts["offset"], facts["size"]
        if file.end is not None and offset + size <= file.end:
            return  # written again, after a crash or a flush that failed
        file.end = offset + size
        self._tell(at_s, "append", {"node": file.node, "offset": offset, "size": size})

    def _cut(self, at_s: float, facts: Facts) -> None:
        file = self._file(facts)
        if file is not None and file.is_log:
            file.end = file.start + facts["offset"]

    def _flushing(self, at_s: float, facts: Facts) -> None:
        file = self._file(facts)
        if file is not None and file.is_log:
            file.flushing.append(file.end)

    def _flush(self, at_s: float, facts: Facts) -> None:
        file = self._file(facts)
        if file is None:
            return
        told: dict[str, Any] = {"node": file.node, "what": file.what}
        end = file.flushing.popleft() if file.flushing else None
        if end is not None:
            told["end"] = end
        self._tell(at_s, "flush", {**told, "took_s": facts["took_s"]})

    def _unflushed(self, at_s: float, facts: Facts) -> None:
        file = self._file(facts)
        if file is not None and file.flushing:
            file.flushing.popleft()

    def _lost(self, at_s: float, facts: Facts) -> None:
        file = self._file(facts)
        told: dict[str, Any] = {"host": facts["host"], "what": facts["path"]}
        pages = sorted([*facts["lost"], *facts["torn"]])
        if file is not None:
            told |= {"node": file.node, "what": file.what}
        told["pages"] = len(pages)
        if file is not None and file.is_log and pages:
            told["offset"] = file.start + pages[0]
        self._tell(at_s, "lost", told)

    def _fault(self, at_s: float, facts: Facts) -> None:
        if facts.get("what") == "crash":
            for (host, _), file in self._files.items():
                if host == facts.get("host") and file is not None:
                    file.flushing.clear()
        self._tell(at_s, "fault", facts)
