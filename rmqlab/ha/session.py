"""Both ends of the replication link, without the link.

A session takes the bytes that came and gives facts, takes facts and gives bytes.  It
knows no socket, clock or file.

    report   end of the slave's log  8B
    piece    offset 8B │ size 4B │ size bytes of log; size 0 is a heartbeat

Source: HAService.HAClient, HAConnection, release 4.9.7.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Protocol

from rmqlab.errors import RmqError, WireError

REPORT = struct.Struct(">q")
PIECE = struct.Struct(">qi")
MAX_PIECE_BYTES = 4 * 1024 * 1024 - PIECE.size
"""What a slave's buffer holds; a master sends 32 KiB at a time."""


class LogSource(Protocol):
    """What replication reads from: the commit log, or a bytearray in a test."""

    @property
    def start(self) -> int:
        """Offset of the first byte that is still there."""
        ...

    @property
    def end(self) -> int:
        """Offset after the last byte."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes of one file from `offset` on; none if not there."""
        ...


class Piece(NamedTuple):
    """Bytes of the master's log and the offset that they have there."""

    offset: int
    data: bytes

    def to_bytes(self) -> bytes:
        """Return the piece as it travels."""
        return PIECE.pack(self.offset, len(self.data)) + self.data


class Diverged(RmqError):
    """Master and slave do not continue each other's log; an operator must decide."""


class MasterSession:
    """A master's view of one slave."""

    def __init__(self, log: LogSource, file_size: int) -> None:
        self._log, self._file_size = log, file_size
        self._buffer = b""
        self.acked = -1
        """The slave's last report; -1 before the first."""
        self._next = -1

    @property
    def lacking(self) -> int:
        """How many bytes the slave needs next that the log has no more."""
        return max(0, self._log.start - self._next) if self._next >= 0 else 0

    def receive(self, data: bytes) -> bool:
        """Take bytes from the slave; return whether a report was among them.

        Of several reports only the last counts.

        Raises:
            Diverged: a later report is beyond the end of the master's log.
        """
        self._buffer += data
        whole = len(self._buffer) // REPORT.size * REPORT.size
        if not whole:
            return False
        (offset,) = REPORT.unpack_from(self._buffer, whole - REPORT.size)
        self._buffer = self._buffer[whole:]
        if self.acked < 0:
            self._next = offset or self._log.end - self._log.end % self._file_size
        elif offset > self._log.end:
            raise Diverged(
                f"request offset={offset} greater than local commitLog "
                f"offset={self._log.end}."
            )
        self.acked = offset
        return True

    def next_piece(self, batch_bytes: int) -> Piece | None:
        """Return what to send next; None where there is nothing, or no report yet."""
        if self._next < 0 or self._next >= self._log.end:
            return None
        data = self._log.read(self._next, batch_bytes)
        if not data:
            return None  # already deleted: heartbeats only, as in RocketMQ
        piece = Piece(self._next, data)
        self._next += len(data)
        return piece

    def heartbeat(self) -> Piece | None:
        """Return an empty piece; None before the slave's first report."""
        return Piece(self._next, b"") if self._next >= 0 else None


class SlaveSession:
    """A slave's view of its master."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[Piece]:
        """Take bytes from the master; return the pieces that are whole now.

        Raises:
            WireError: this is no piece.
            Diverged: a piece does not continue this slave's log.
        """
        self._buffer += data
        pieces = []
        while len(self._buffer) >= PIECE.size:
            offset, size = PIECE.unpack_from(self._buffer)
            if not 0 <= size <= MAX_PIECE_BYTES:
                raise WireError(
                    f"piece of {size} bytes, allowed 0 to {MAX_PIECE_BYTES}"
                )
            if self._end not in (0, offset):
                raise Diverged(
                    "master pushed offset not equal the max phy offset in slave, "
                    f"SLAVE: {self._end} MASTER: {offset}"
                )
            if len(self._buffer) < PIECE.size + size:
                break
            body = bytes(self._buffer[PIECE.size : PIECE.size + size])
            del self._buffer[: PIECE.size + size]
            self._end = offset + size
            pieces.append(Piece(offset, body))
        return pieces

    def report(self) -> bytes:
        """Return the report of how far this slave is."""
        return REPORT.pack(self._end)
