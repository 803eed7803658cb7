"""One connection, overheard: what is sent on it → events of the trace.

    frame    length 4B, header, body          between all, see `protocol.frame`
    report   offset 8B                        slave → master ┐ on the port after the
    piece    offset 8B, size 4B, bytes        master → slave ┘ master's own

Bytes that are none of these end the overhearing of that direction, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rmqlab.classroom.trace import Event
from rmqlab.errors import WireError
from rmqlab.ha.session import MAX_PIECE_BYTES, PIECE, REPORT
from rmqlab.protocol.codes import PullSysFlag, RequestCode, ResponseCode
from rmqlab.protocol.frame import LENGTH, MAX_FRAME_BYTES, Frame

MAX_PENDING = 10_000
"""Requests of one connection and direction whose answers are waited for."""

REQUESTS = {int(code): code.name for code in RequestCode}
RESPONSES = {int(code): code.name for code in ResponseCode}
SHORT_NAMED = {RequestCode.SEND_MESSAGE_V2.name, RequestCode.SEND_BATCH_MESSAGE.name}
UNKNOWN = "?"
"""The code of an answer whose request nobody saw."""
OFFSETS = ("queueOffset", "offset", "nextBeginOffset")
"""An offset's names; `commitOffset` is one only where nothing else is offered."""
GROUPS = ("consumerGroup", "producerGroup", "a")

WholeLength = Callable[[bytes, int], int]
"""Says how long the thing at an offset is; 0 where too little of it is there."""


def frame_length(data: bytes, at: int) -> int:
    """Return how long the frame at `at` is, its length word included."""
    if len(data) - at < LENGTH.size:
        return 0
    (length,) = LENGTH.unpack_from(data, at)
    if not 4 <= length <= MAX_FRAME_BYTES:
        raise WireError(f"frame length {length}, allowed 4 to {MAX_FRAME_BYTES}")
    return LENGTH.size + int(length)


def piece_length(data: bytes, at: int) -> int:
    """Return how long the piece of a log at `at` is."""
    if len(data) - at < PIECE.size:
        return 0
    _, size = PIECE.unpack_from(data, at)
    if not 0 <= size <= MAX_PIECE_BYTES:
        raise WireError(f"piece of {size} bytes, allowed 0 to {MAX_PIECE_BYTES}")
    return PIECE.size + int(size)


def report_length(data: bytes, at: int) -> int:
    """Return how long a report is."""
    return REPORT.size


class Cutter:
    """Cuts a byte stream into things whose beginning says how long they are."""

    def __init__(self, whole_length: WholeLength) -> None:
        self._whole_length = whole_length
        self._buffer = bytearray()
        self._wanted = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield each thing that is whole now; keep what is not.

        Raises:
            WireError: these bytes are no such thing.
        """
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._wanted:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        at, length = 0, self._whole_length(data, 0)
        while 0 < length <= len(data) - at:
            yield data[at : at + length]
            at += length
            length = self._whole_length(data, at)
        self._buffer += data[at:]
        self._wanted = length


class Talk:
    """One connection between two; `client` is who opened it."""

    def __init__(
        self, number: object, client: str, server: str, *, is_ha: bool
    ) -> None:
        self.number, self.is_ha = number, is_ha
        self.client, self.server = client, server
        self.ends_closed = 0
        self.forget()

    def forget(self) -> None:
        """Forget what is incomplete: something was missed."""
        self._ways = (_Way(self, is_back=False), _Way(self, is_back=True))

    def sent(
        self, at_s: float, node: str, data: bytes
    ) -> Iterator[tuple[Event, bytes]]:
        """Yield what these bytes, sent by one of the two, complete, and its bytes."""
        way, back = self._ways if node == self.client else self._ways[::-1]
        if way.cutter is None:
            return
        try:
            for thing in way.cutter.feed(data):
                yield way.event(at_s, thing, back), thing
        except WireError:
            way.cutter = None


class _Way:
    """One direction of a connection."""

    def __init__(self, talk: Talk, *, is_back: bool) -> None:
        self.asked: dict[int, dict[str, Any]] = {}
        """What an answer repeats of its request, by opaque."""
        names = talk.client, talk.server
        self._node, self._peer = names[::-1] if is_back else names
        self._number = talk.number
        whole_length, self._facts = frame_length, self._frame
        if talk.is_ha:
            whole_length = piece_length if is_back else report_length
            self._facts = self._piece if is_back else self._report
        self.cutter: Cutter | None = Cutter(whole_length)

    def event(self, at_s: float, data: bytes, back: _Way) -> Event:
        """Return the event of one whole thing."""
        kind, facts = self._facts(data, back)
        return {
            "at": at_s,
            "kind": kind,
            "connection": self._number,
            "node": self._node,
            "peer": self._peer,
            **facts,
        }

    def _report(self, data: bytes, back: _Way) -> tuple[str, dict[str, Any]]:
        return "report", {"offset": REPORT.unpack(data)[0]}

    def _piece(self, data: bytes, back: _Way) -> tuple[str, dict[str, Any]]:
        offset, size = PIECE.unpack_from(data)
        return "piece", {"offset": offset, "size": size}

    def _frame(self, data: bytes, back: _Way) -> tuple[str, dict[str, Any]]:
        frame = Frame.from_bytes(data[LENGTH.size :])
        fields = frame.fields or {}
        facts: dict[str, Any] = {"code": "", "opaque": frame.opaque, "size": len(data)}
        if frame.is_response:
            facts |= back.asked.pop(frame.opaque, {"code": UNKNOWN})
            facts["response"] = RESPONSES.get(frame.code, str(frame.code))
            facts |= _numbers(fields)
            return "frame", facts
        facts["code"] = code = REQUESTS.get(frame.code, str(frame.code))
        repeated = {"code": code, **_place(code, fields)}
        if frame.is_oneway:
            facts["oneway"] = True
        else:
            self._remember(frame.opaque, repeated)
        facts |= repeated
        facts |= _numbers(fields)
        return "frame", facts

    def _remember(self, opaque: int, repeated: dict[str, Any]) -> None:
        if len(self.asked) >= MAX_PENDING:
            del self.asked[next(iter(self.asked))]
        self.asked[opaque] = repeated


def _place(code: str, fields: dict[str, str]) -> dict[str, Any]:
    """Return topic, queue and group of a request."""
    topic, queue = ("b", "e") if code in SHORT_NAMED else ("topic", "queueId")
    found: dict[str, Any] = {}
    if topic in fields:
        found["topic"] = fields[topic]
    if (number := _number(fields.get(queue))) is not None:
        found["queue"] = number
    for name in GROUPS:
        if name in fields and (name != "a" or code in SHORT_NAMED):
            found["group"] = fields[name]
            break
    return found


def _numbers(fields: dict[str, str]) -> dict[str, int]:
    """Return queue and offset where they are named in full, and what is committed."""
    found = {}
    if (queue := _number(fields.get("queueId"))) is not None:
        found["queue"] = queue
    for name in OFFSETS:
        if (offset := _number(fields.get(name))) is not None:
            found["offset"] = offset
            break
    if (commit := _number(fields.get("commitOffset"))) is not None:
        if "offset" not in found:
            found["offset"] = commit
        elif (_number(fields.get("sysFlag")) or 0) & PullSysFlag.COMMIT_OFFSET:
            found["commit"] = commit
    return found


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None
