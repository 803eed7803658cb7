"""Looks into a broker's files, as they lie on the disk, while it runs or after.

Nothing is asked of the broker: its folder is read, by the layouts that `rmqlab.store`
declares.  A running broker's files are longer than what it wrote; the commit log ends
at the first record that is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from rmqlab.classroom.runtime import ClusterError, NodeState
from rmqlab.errors import CorruptRecord
from rmqlab.protocol.message import StoredMessage
from rmqlab.protocol.record import Blank, Record, decode, to_message
from rmqlab.store.consume_queue import QueueEntry
from rmqlab.store.layout import QUEUE_ENTRY, StorePaths

HEX_COLUMNS = 16
WINDOW_BYTES = 8 << 20
"""Read at once; the longest message that a broker may be set to take is half of it."""


class FoundFile(NamedTuple):
    """One file of a store: its path below the store's root, and its bytes on disk.

    A commit-log file is made as long as it may become; `size` counts that, `on_disk`
    the blocks that it really takes.
    """

    path: str
    size: int
    on_disk: int


class Shelf(Protocol):
    """Files to be looked into: those of a host, or of a simulated machine."""

    def below(self, folder: str) -> list[str]:
        """Return the paths of all files below a folder, sorted."""
        ...

    def size(self, path: str) -> int:
        """Return a file's length in bytes."""
        ...

    def on_disk(self, path: str) -> int:
        """Return how many bytes of the disk a file takes."""
        ...

    def read(self, path: str, offset: int, size: int) -> bytes:
        """Return a piece of a file, fewer bytes at its end."""
        ...


class HostShelf:
    """The files of a host that is a folder on this machine."""

    def __init__(self, host: Path) -> None:
        self.host = host

    def below(self, folder: str) -> list[str]:
        """See `Shelf.below`."""
        there = self.here(folder).rglob("*")
        return sorted(
            f"/{path.relative_to(self.host)}" for path in there if path.is_file()
        )

    def size(self, path: str) -> int:
        """See `Shelf.size`."""
        return self.here(path).stat().st_size

    def on_disk(self, path: str) -> int:
        """See `Shelf.on_disk`."""
        return self.here(path).stat().st_blocks * 512

    def read(self, path: str, offset: int, size: int) -> bytes:
        """See `Shelf.read`."""
        here = self.here(path)
        try:
            with here.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except OSError as error:
            error.filename = str(here)  # reading, unlike opening, does not name it
            raise

    def here(self, path: str) -> Path:
        """Return where a path of the host is on this machine."""
        return self.host / path.lstrip("/")


@dataclass(frozen=True)
class StoreFiles:
    """The files of one broker's store."""

    shelf: Shelf
    paths: StorePaths

    @classmethod
    def of(cls, node: NodeState, shelf: Shelf | None = None) -> StoreFiles:
        """Return the files of a broker's store, on this machine unless told where."""
        paths = StorePaths(node.store, node.commit_log)
        return cls(shelf or HostShelf(Path(node.folder)), paths)

    @property
    def root(self) -> Path:
        """The store's folder on this machine.

        Raises:
            ClusterError: it lies on a simulated disk.
        """
        if not isinstance(self.shelf, HostShelf):
            raise ClusterError(f"{self.paths.root} lies on a simulated disk: no folder")
        return self.shelf.here(self.paths.root)

    def files(self) -> list[FoundFile]:
        """Return every file of the store; one that goes meanwhile is not there."""
        found = []
        for path in self.shelf.below(self.paths.root):
            with suppress(FileNotFoundError):
                sizes = self.shelf.size(path), self.shelf.on_disk(path)
                name = path.removeprefix(f"{self.paths.root}/")
                found.append(FoundFile(name, *sizes))
        return found

    def log(self, end: int) -> bytes:
        """Return the commit log's bytes up to its `end`."""
        return b"".join(
            self.shelf.read(path, 0, max(0, end - int(path.rpartition("/")[2])))
            for path in self.shelf.below(self.paths.commit_log)
        )

    def messages(self, start: int = 0) -> Iterator[StoredMessage]:
        """Yield the commit log's messages, oldest first, up to where there is none.

        Files that end before the offset `start` are passed over.
        """
        for path in self.shelf.below(self.paths.commit_log):
            if int(path.rpartition("/")[2]) + self.shelf.size(path) > start:
                yield from (to_message(one) for one in self._records(path))

    def _records(self, path: str) -> Iterator[Record]:
        """Yield a file's records, window by window; the last may reach beyond one."""
        at = 0
        while found := list(_whole_records(self.shelf.read(path, at, WINDOW_BYTES))):
            yield from found
            at += sum(one.size for one in found)

    def queue(self, topic: str, queue_id: int) -> list[QueueEntry]:
        """Return the entries of a consume queue."""
        paths = self.shelf.below(self.paths.consume_queue(topic, queue_id))
        content = b"".join(
            self.shelf.read(path, 0, self.shelf.size(path)) for path in paths
        )
        whole = len(content) - len(content) % QUEUE_ENTRY.size
        entries = QUEUE_ENTRY.iter_unpack(content[:whole])
        return [QueueEntry(*one) for one in entries if one[1]]


def _whole_records(data: bytes) -> Iterator[Record]:
    """Yield what lies in `data` until something is no record, or not all there."""
    at = 0
    while at < len(data):
        try:
            found = decode(data, at)
        except CorruptRecord:
            return  # zeros: not written yet; or it goes on beyond this window
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
