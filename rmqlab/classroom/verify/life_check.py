"""How the store was left: running, crashed or stopped; and what the checkpoint says.

Source: StoreCheckpoint.java, DefaultMessageStore.isTempFileExist, release 4.9.7.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from dataclasses import dataclass

from rmqlab.classroom.verify.files import HostFiles
from rmqlab.classroom.verify.findings import DAMAGE, NOTE, Findings
from rmqlab.classroom.verify.folder import Folder
from rmqlab.classroom.verify.log_check import LogCheck
from rmqlab.store.checkpoint import FILE_BYTES, TIMES

_FLOCK = "hhqqi4x" if sys.platform.startswith("linux") else "qqihh"


@dataclass(frozen=True)
class Life:
    """How the store was left, and the checkpoint's three times."""

    was_crash: bool
    is_running: bool
    log_ms: int
    queues_ms: int
    index_ms: int


def look_at_life(folder: Folder, findings: Findings) -> Life:
    """Find out how the store was left."""
    paths = folder.paths
    was_crash = folder.files.size(paths.abort) is not None
    holder = holder_of_lock(folder)
    if holder is not None:
        by = f" by process {holder}" if holder else ""
        what = f"the lock is held{by}"
        findings.add("running", NOTE, folder.shown(paths.lock), None, what)
    elif was_crash:
        what = "the file is there, and no broker runs"
        findings.add("crash", NOTE, folder.shown(paths.abort), None, what)
    is_left_open = was_crash or holder is not None
    return Life(is_left_open, holder is not None, *_times(folder, findings))


def _times(folder: Folder, findings: Findings) -> tuple[int, int, int]:
    path = folder.paths.checkpoint
    size = folder.files.size(path)
    shown = folder.shown(path)
    if size is None:
        findings.add("no checkpoint", NOTE, shown, None, "there is none")
        return 0, 0, 0
    if size != FILE_BYTES:
        what = f"{size} bytes, a checkpoint has {FILE_BYTES}"
        findings.add("checkpoint size", DAMAGE, shown, None, what)
    data = folder.files.read(path, 0, TIMES.size).ljust(TIMES.size, b"\0")
    log_ms, queues_ms, index_ms = TIMES.unpack(data)
    return log_ms, queues_ms, index_ms


def check_times(folder: Folder, life: Life, log: LogCheck, findings: Findings) -> None:
    """Compare the checkpoint with the records' store times."""
    shown = folder.shown(folder.paths.checkpoint)
    said = {"log": life.log_ms, "queues": life.queues_ms, "index": life.index_ms}
    for number, (name, ms) in enumerate(said.items()):
        if ms > log.newest_ms or ms < 0:
            what = (
                f"{name} safe up to {ms}, the newest record was stored {log.newest_ms}"
            )
            # The sender of a record that is gone was told that it is stored.
            findings.add("checkpoint ahead", DAMAGE, shown, number * 8, what)
    if not life.was_crash and 0 < life.log_ms < log.last_ms:
        what = f"log safe up to {life.log_ms}, the last record was stored {log.last_ms}"
        findings.add("checkpoint behind", NOTE, shown, 0, what)


def check_hosts(log: LogCheck, findings: Findings) -> None:
    """Note where records come from more than one broker's address."""
    if len(log.hosts) > 1:
        told = ", ".join(f"{host} {count}" for host, count in log.hosts.most_common(4))
        findings.add("several hosts", NOTE, "commitlog", None, told)


def holder_of_lock(folder: Folder) -> int | None:
    """Return who holds the store's lock file: a process's number, 0 for an unknown one.

    None where nobody does, or this very process.  The lock is asked about, not taken:
    a broker that starts meanwhile gets it.
    """
    path = folder.paths.lock
    if not isinstance(folder.files, HostFiles) or folder.files.size(path) is None:
        return None
    number = os.open(folder.files.here(path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _asked(number)
    except OSError:
        return None  # a file system without such locks
    finally:
        os.close(number)


def _asked(number: int) -> int | None:
    if _FLOCK.startswith("h"):
        question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
        answer = struct.unpack(_FLOCK, fcntl.fcntl(number, fcntl.F_GETLK, question))
        kind, holder = answer[0], answer[4]
    else:
        question = struct.pack(_FLOCK, 0, 1, 0, fcntl.F_WRLCK, os.SEEK_SET)
        answer = struct.unpack(_FLOCK, fcntl.fcntl(number, fcntl.F_GETLK, question))
        holder, kind = answer[2], answer[3]
    return None if kind == fcntl.F_UNLCK else max(0, int(holder))
