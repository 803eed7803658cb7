"""The golden replication streams, and logs to replicate without a disk."""

from __future__ import annotations

import contextlib
import hashlib
import json

import pytest

from rmqlab.ha.session import PIECE, REPORT, Piece
from tests.support import golden_archive, golden_file

STREAMS = [
    f"ha-{version}-{kind}"
    for version in ("4.4.0", "4.9.7")
    for kind in ("empty-slave", "reconnect")
]
EACH = pytest.mark.parametrize("name", STREAMS)
BATCH_BYTES = 32_768
BOUND_S = 300.0
"""A test that waits in vain fails after so long."""


class Stream:
    """What went over one connection between a real master and a real slave."""

    def __init__(self, name: str) -> None:
        self.facts = json.loads(golden_file("ha", f"{name}.json"))
        self.to_slave = golden_file("ha", f"{name}.master-to-slave.bin")
        self.to_master = golden_file("ha", f"{name}.slave-to-master.bin")
        self.file_size = self.facts["commitLogFileSize"]
        self.reports = [one["maxOffset"] for one in self.facts["slaveReports"]]
        self.transfers = self.facts["masterTransfers"]
        self.known_end = self.facts.get(
            "masterMaxOffsetWhenSlaveConnected", self.facts.get("masterMaxOffset")
        )
        """How long the master's log was when the slave connected."""

    @property
    def pieces(self) -> list[Piece]:
        """What the master sent, as the json says it."""
        found = []
        for one in self.transfers:
            at = one["streamPosition"] + PIECE.size
            data = self.to_slave[at : at + one["size"]]
            found.append(Piece(one["physicalOffset"], data))
        return found

    def master_log(self) -> Log:
        """Return the master's log, whole; it is no longer than `end` says."""
        folder = f"ha-{self.facts['version']}-master/commitlog/"
        files = {
            int(path.removeprefix(folder)): data
            for path, data in golden_archive("ha").items()
            if path.startswith(folder)
        }
        return Log(files, self.file_size)


class Log:
    """A log in memory: as the store, it reads from one file at a time."""

    def __init__(self, files: dict[int, bytes], file_size: int) -> None:
        self.files, self.file_size = files, file_size
        self.end = 0

    @property
    def start(self) -> int:
        return min(self.files, default=0)

    def read(self, offset: int, size: int) -> bytes:
        start = offset - offset % self.file_size
        size = min(size, self.end - offset)
        return self.files.get(start, b"")[offset - start :][:size]


def drain(session):
    """Return all pieces that a master would send now."""
    return list(iter(lambda: session.next_piece(BATCH_BYTES), None))


def report(offset: int) -> bytes:
    """Return a slave's report."""
    return REPORT.pack(offset)


def sha256(data: bytes) -> str | None:
    """Return the digest as the json has it; None of nothing."""
    return hashlib.sha256(data).hexdigest() if data else None


async def ended(reader):
    """Return once the other end has closed the connection, whichever way."""
    with contextlib.suppress(ConnectionResetError):
        await reader.read()
