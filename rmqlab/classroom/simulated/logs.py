"""What simulated nodes log: kept for who asks, and shown nowhere else.

All nodes of a simulation, and everything else in this process, share Python's loggers;
whose line one is, is told by the event loop that runs while it is written.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque

from rmqlab.sim.machine import Simulation

LOGGERS = ("rmqlab", "asyncio")
MOST_LINES = 1000
"""Kept of each node; older ones are forgotten."""


class NodeLogs:
    """The last lines of every process of one simulation, between open and close."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._lines: defaultdict[str, deque[str]] = defaultdict(
            lambda: deque(maxlen=MOST_LINES)
        )

    def open(self) -> None:
        """Begin to keep lines."""
        _OPEN.append(self)
        for name in LOGGERS:
            logging.getLogger(name).addHandler(_SORTER)

    def close(self) -> None:
        """Keep no more; what was kept stays."""
        if self in _OPEN:
            _OPEN.remove(self)
        for name in LOGGERS if not _OPEN else ():
            logging.getLogger(name).removeHandler(_SORTER)

    def of(self, name: str, lines: int) -> str:
        """Return the last lines of a node, oldest first."""
        return "\n".join(list(self._lines[name])[-lines:])

    def keep(self, record: logging.LogRecord) -> bool:
        """Keep a line if a process of this simulation wrote it; return whether."""
        loop = asyncio._get_running_loop()  # noqa: SLF001
        for machine in self._simulation.machines.values():
            for process in machine.processes:
                if process.loop is loop:
                    text = f"{self._simulation.now_s:.3f} {_text(record)}"
                    self._lines[process.name].append(text)
                    return True
        return False


class _Sorter(logging.Handler):
    """Gives each line to the simulation it is of; others go where they went before."""

    def emit(self, record: logging.LogRecord) -> None:
        if any(logs.keep(record) for logs in list(_OPEN)):
            return
        others = [*logging.getLogger(record.name).handlers, *logging.root.handlers]
        last = logging.lastResort
        if last and others in ([], [self]) and record.levelno >= last.level:
            last.handle(record)


def _text(record: logging.LogRecord) -> str:
    source = record.name.removeprefix("rmqlab.")
    error = record.exc_info[1] if record.exc_info else None
    why = f" ({error!r})" if error else ""
    return f"{record.levelname} {source}: {record.getMessage()}{why}"


_OPEN: list[NodeLogs] = []
_SORTER = _Sorter()
