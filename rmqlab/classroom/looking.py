"""Looks into a broker's files, as they lie on the disk, while it runs or after.

Nothing is asked of the broker: its folder is read, by the layouts that `rmqlab.store`
declares.  A running broker's files are longer than what it wrote; the commit log ends
at the first record that is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple

from rmqlab.classroom.runtime import NodeState
from rmqlab.errors import CorruptRecord
from rmqlab.protocol.message import StoredMessage
from rmqlab.protocol.record import Blank, Record, decode, to_message
from rmqlab.store.consume_queue import QueueEntry
from rmqlab.store.layout import QUEUE_ENTRY, StorePaths

HEX_COLUMNS = 16


class FoundFile(NamedTuple):
    """One file of a store: its path below the store's root, and its bytes on disk.

    A commit-log file is made as long as it may become; `size` counts that, `on_disk`
    the blocks that it really takes.
    """

    path: str
    size: int
    on_disk: int


@dataclass(frozen=True)
class StoreFiles:
    """The files of one broker's store; `host` stands for its host's root folder."""

    host: Path
    paths: StorePaths

    @classmethod
    def of(cls, node: NodeState) -> StoreFiles:
        """Return the files of a broker's store."""
        return cls(Path(node.folder), StorePaths(node.store, node.commit_log))

    @property
    def root(self) -> Path:
        """The store's folder on this machine."""
        return self._here(self.paths.root)

    def files(self) -> list[FoundFile]:
        """Return every file of the store."""
        there = sorted(path for path in self.root.rglob("*") if path.is_file())
        return [
            FoundFile(
                str(path.relative_to(self.root)),
                path.stat().st_size,
                path.stat().st_blocks * 512,
            )
            for path in there
        ]

    def log(self, end: int) -> bytes:
        """Return the commit log's bytes up to its `end`."""
        content = b""
        for path in sorted(self._here(self.paths.commit_log).glob("*")):
            with path.open("rb") as file:
                content += file.read(max(0, end - int(path.name)))
        return content

    def messages(self) -> Iterator[StoredMessage]:
        """Yield the commit log's messages, oldest first, up to where there is none."""
        for path in sorted(self._here(self.paths.commit_log).glob("*")):
            with (
                path.open("rb") as file,
                mmap(file.fileno(), 0, access=ACCESS_READ) as content,
            ):
                found = list(_records(content))
            yield from (to_message(one) for one in found)

    def queue(self, topic: str, queue_id: int) -> list[QueueEntry]:
        """Return the entries of a consume queue."""
        folder = self._here(self.paths.consume_queue(topic, queue_id))
        content = b"".join(path.read_bytes() for path in sorted(folder.glob("*")))
        whole = len(content) - len(content) % QUEUE_ENTRY.size
        entries = QUEUE_ENTRY.iter_unpack(content[:whole])
        return [QueueEntry(*one) for one in entries if one[1]]

    def _here(self, path: str) -> Path:
        """Return where a path of the host is on this machine."""
        return self.host / path.lstrip("/")


def _records(content: mmap) -> Iterator[Record]:
    at = 0
    while at < len(content):
        try:
            found = decode(content, at)  # type: ignore[arg-type]
        except CorruptRecord:
            return  # zeros: not written yet
        if isinstance(found, Blank):
            return
        yield found
        at += found.size


def hex_dump(data: bytes) -> str:
    """Return bytes as hexadecimal numbers and, beside them, as text."""
    lines = []
    for at in range(0, len(data), HEX_COLUMNS):
        row = data[at : at + HEX_COLUMNS]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in row)
        lines.append(f"{at:04x}  {row.hex(' '):<{HEX_COLUMNS * 3}} {text}")
    return "\n".join(lines)
