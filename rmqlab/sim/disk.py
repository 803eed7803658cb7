"""A machine's disk: it forgets what was not flushed, and can be full, slow or broken.

    write ──► page cache ─────── flush ───────► durable
              what reads see, and what          what is left for certain
              a process's death leaves          when the machine crashes

A write that fails may have left a part of its bytes, as `pwrite` may.

Not here: pages (`pages`); folders without files; crashes that take back a file's
making, size or removal (a journaling file system commits these in order, and each flush
all that came before it: no promise hangs on them); a kernel that writes pages back by
itself (a crash keeps any it likes).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from rmqlab.errors import DiskFull, StoreError, StoreLocked
from rmqlab.sim.pages import PAGE_BYTES, File, pages
from rmqlab.sim.timeline import Timeline
from rmqlab.store.disk import DiskFile, Lock

MOODS = ((1.0, 0.0), (0.0, 0.0), (0.0, 0.3), (0.5, 0.25), (0.9, 0.05))
"""Of a crash: how often it keeps a page, and how often it tears one."""


class MachineDisk:
    """The files of a machine and what befalls them; from `tell` on for its mounts."""

    def __init__(self, timeline: Timeline, name: str) -> None:
        self.flush_s = 0.001  # that each flush takes; they are served one by one
        self.capacity_bytes = math.inf  # that there are for touched pages
        self.evicts = 0.0  # how often a page that could not be flushed is re-read
        self.files: dict[str, File] = {}
        self.older: dict[str, File | None] = {}
        """What is durable in the place of small texts that are not, yet."""
        self._timeline, self._name, self._idle_s = timeline, name, 0.0
        self._dice = timeline.random(f"disk/{name}")
        self._faults = timeline.random(f"faults/{name}")
        self._mounts: list[ProcessDisk] = []
        self._failing: dict[str, float] = {}

    def mount(self) -> ProcessDisk:
        """Return the disk as a new process sees it."""
        self._mounts.append(ProcessDisk(self))
        return self._mounts[-1]

    def crash(self) -> dict[str, dict[str, list[int]]]:
        """Lose power: all processes, and any part of what was not flushed.

        Return by path which pages, by their byte offsets, are again as they were
        durable ('lost') or are so at their end ('torn'); a small text is one page.
        """
        for mount in self._mounts:
            mount.abandon()
        files, dice = self.files, self._dice
        keeps, tears = dice.choice(MOODS)
        losses = {path: file.crash(dice, keeps, tears) for path, file in files.items()}
        for path, older in self.older.items():
            if path in files and dice.random() >= keeps:
                losses[path] = {"lost": [0], "torn": []}
                del files[path]
                files |= {path: older} if older else {}
        self._mounts, self.older, self._idle_s = [], {}, self._timeline.now_s
        found = {path: loss for path, loss in losses.items() if any(loss.values())}
        for path, loss in found.items():
            self.tell("lost", path=path, **loss)
        return found

    def wipe(self, folder: str = "/") -> None:
        """Remove all files below a folder."""
        self.tell("fault", what="wipe", path=folder)
        top = f"{folder.rstrip('/')}/"
        for path in [one for one in self.files if one.startswith(top)]:
            self.remove(path)
            self.older.pop(path, None)

    def remove(self, path: str) -> None:
        """Remove a file; fine where there is none."""
        if self.files.pop(path, None):
            self.tell("cut", path=path, offset=0)

    def fail(self, verb: str, times: float = math.inf) -> None:
        """Have the next calls of a verb fail; 0 mends the disk.

        Verbs: 'read', 'write' (and cut), 'flush', 'remove'.
        """
        self._failing[verb] = times

    def flip(self, path: str, offset: int, bit: int = 0) -> None:
        """Turn one bit of a file over, wherever its byte is kept."""
        self.files[path].flip(offset, bit)
        self.tell("fault", what="flip", path=path, offset=offset, bit=bit)

    @property
    def used_bytes(self) -> int:
        """What the touched pages take."""
        return sum(len(file.pages) for file in self.files.values()) * PAGE_BYTES

    @property
    def used_ratio(self) -> float:
        """Which part of the capacity that is."""
        return self.used_bytes / self.capacity_bytes if self.capacity_bytes else 1.0

    def tell(self, kind: str, **facts: object) -> None:
        """Tell what happened on this disk."""
        self._timeline.tell(kind, host=self._name, **facts)

    def check(self, verb: str, doing: str) -> None:
        """Raise StoreError where such calls are to fail."""
        if left := self._failing.get(verb, 0):
            self._failing[verb] = left - 1
            self.tell("fault", what=f"{verb} error", doing=doing)
            raise StoreError(f"{doing}: Input/output error")

    def write(self, file: File, offset: int, data: bytes, doing: str) -> None:
        """Write for a process; of what fails, a part may be there."""
        if offset + len(data) > file.size:
            raise StoreError(f"{doing}: File too large")
        try:
            self.check("write", doing)
            self.take(file, offset, len(data), doing)
        except StoreError:
            number, start = divmod(offset, PAGE_BYTES)
            if data and number in file.pages:
                most = min(len(data), PAGE_BYTES - start)
                file.write(offset, data[: self._faults.randint(0, most)])
            raise
        file.write(offset, data)

    def take(self, file: File, offset: int, size: int, doing: str) -> None:
        """Raise DiskFull where a write needs new pages and there is no room."""
        new = sum(number not in file.pages for number in pages(offset, size))
        if new and self.used_bytes + new * PAGE_BYTES > self.capacity_bytes:
            self.tell("fault", what="disk full", doing=doing)
            raise DiskFull(f"{doing}: No space left on device")

    def flush(self, path: str, file: File, done: Callable[[], object]) -> None:
        """Make durable, in its turn, what is in the file now and nothing later."""
        try:
            self.check("flush", f"cannot flush {path}")
        except StoreError:
            file.fail_flush(self._faults, self.evicts)
            raise
        begun_s, sealed = self._timeline.now_s, file.undo[-1]

        def end() -> None:
            if file.undo[0] is sealed:  # else the machine crashed meanwhile
                del file.undo[0]
                self.older.clear()
                took_s = self._timeline.now_s - begun_s
                self.tell("flush", path=path, pages=len(sealed), took_s=took_s)
                done()

        self.tell("flushing", path=path)
        file.undo.append({})
        self._idle_s = max(begun_s, self._idle_s) + self.flush_s
        self._timeline.call_at(self._idle_s, end)


class ProcessDisk:
    """The disk as one process sees it; see `Disk`."""

    def __init__(self, machine: MachineDisk) -> None:
        self.is_alive, self.machine = True, machine
        self.opened: dict[_OpenFile, None] = {}

    def abandon(self) -> None:
        """Be dead: locks are free; code on its way out has a disk that nobody sees."""
        self.is_alive, self.machine = False, MachineDisk(Timeline(), "nowhere")
        for one in self.opened:
            one.release()
            one.file = File(one.size)

    close = abandon

    def open(self, path: str, size: int) -> DiskFile:
        """See `Disk.open`."""
        return _OpenFile(self, path, size)

    def size(self, path: str) -> int | None:
        """See `Disk.size`."""
        file = self.machine.files.get(path)
        return file.size if file else None

    def names(self, folder: str) -> list[str]:
        """See `Disk.names`."""
        if folder in self.machine.files:
            raise StoreError(f"cannot list {folder}: Not a directory")
        top, paths = f"{folder.rstrip('/')}/", self.machine.files
        inside = (one.removeprefix(top) for one in paths if one.startswith(top))
        return sorted({one.partition("/")[0] for one in inside})

    def used_ratio(self, path: str) -> float:
        """See `Disk.used_ratio`: a machine has one disk."""
        return self.machine.used_ratio

    def room(self, path: str) -> tuple[int, int]:
        """See `Disk.room`; a disk without end has what its files take, and 1 TiB."""
        used, size = self.machine.used_bytes, self.machine.capacity_bytes
        whole = used + (1 << 40) if size == math.inf else int(size)
        return whole, max(0, whole - used)

    def remove(self, path: str) -> None:
        """See `Disk.remove`."""
        self.machine.check("remove", f"cannot remove {path}")
        self.machine.remove(path)

    def lock(self, path: str) -> Lock:
        """See `Disk.lock`."""
        opened = _OpenFile(self, path, len(b"lock"))
        if opened.file.holder:
            raise StoreLocked("Lock failed,MQ already started")
        opened.write(0, b"lock")
        opened.file.holder = opened
        return opened

    def read_text(self, path: str) -> str | None:
        """See `Disk.read_text`."""
        self.machine.check("read", f"cannot read {path}")
        file = self.machine.files.get(path)
        return file.read(0, file.size).decode() if file else None

    def replace_text(self, path: str, text: str) -> None:
        """See `Disk.replace_text`."""
        data, doing, machine = text.encode(), f"cannot write {path}", self.machine
        machine.check("write", doing)
        machine.take(File(len(data)), 0, len(data), doing)
        if old := machine.files.get(path):
            machine.files[f"{path}.bak"] = File(old.size, old.read(0, old.size))
        machine.older.setdefault(path, old)
        machine.files[path] = File(len(data), data)
        machine.tell("write", path=path, offset=0, size=len(data))


class _OpenFile:
    def __init__(self, mount: ProcessDisk, path: str, size: int) -> None:
        self.file = mount.machine.files.setdefault(path, File(size))
        self.size = self.file.size = self.file.size or size
        self._mount, self._path = mount, path
        mount.opened[self] = None

    def read(self, offset: int, size: int) -> bytes:
        self._mount.machine.check("read", f"cannot read {self._path} at byte {offset}")
        return self.file.read(offset, size)

    def write(self, offset: int, data: bytes) -> None:
        machine = self._mount.machine
        doing = f"cannot write {self._path} at byte {offset}"
        machine.write(self.file, offset, data, doing)
        machine.tell("write", path=self._path, offset=offset, size=len(data))

    def cut(self, offset: int) -> None:
        self._mount.machine.check("write", f"cannot cut {self._path} at byte {offset}")
        self.file.cut(offset)
        self._mount.machine.tell("cut", path=self._path, offset=offset)

    async def flush(self) -> None:
        mount, machine, path = self._mount, self._mount.machine, self._path
        if not mount.is_alive:
            raise GeneratorExit  # the end of whatever a dead process's code awaits
        soon, ended = asyncio.get_running_loop().call_soon, asyncio.Event()
        machine.flush(path, self.file, lambda: mount.is_alive and soon(ended.set))
        await ended.wait()

    def release(self) -> None:
        if self.file.holder is self:
            self.file.holder = None

    def close(self) -> None:
        self.release()
        self._mount.opened.pop(self, None)
