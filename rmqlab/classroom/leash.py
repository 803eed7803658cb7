"""Ends processes that are not ours with their owner, however that ends.

    python -m rmqlab.classroom.leash

Down stdin come their numbers, a line each, as they are started.  When that ends, those
that still live are killed: the owner is gone.  One that has ended is told from another
process that has got its number since.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys

import psutil


class Leash:
    """The owner's end of it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "rmqlab.classroom.leash"]
        self._popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, start_new_session=True
        )

    def hold(self, pid: int) -> None:
        """Have a process killed when we end."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"{pid}\n".encode())
        self._popen.stdin.flush()

    def close(self) -> None:
        """End what still lives."""
        self._popen.communicate()


def main() -> None:
    """Wait for the owner's end."""
    held = []
    for line in sys.stdin:
        with contextlib.suppress(psutil.NoSuchProcess):
            held.append(psutil.Process(int(line)))
    for process in held:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


if __name__ == "__main__":
    main()
