"""Whether a real slave gets what its master stores, seen from outside.

    the slave's process has a connection to the master's HA port, from port p
    the master's log has  slave[/127.0.0.1:p] request offset …

Before that report, some 5 s after it connects, the master copies nothing, and a
SYNC_MASTER answers FLUSH_SLAVE_TIMEOUT.  No request tells of either.

Source: HAService.HAClient, HAConnection.ReadSocketService, releases 4.4.0 and 4.9.7.
"""

from __future__ import annotations

from pathlib import Path

import psutil

REPORTED = ":{port}] request offset "
TAIL_BYTES = 1 << 20


def unpaired(slave_pid: int, ha_port: int, masters_log: Path) -> str:
    """Return which of the two is missing, in words; empty if none."""
    own = _ports_to(slave_pid, ha_port)
    if not own:
        return "no connection to its master yet"
    tail = _tail(masters_log)
    if any(REPORTED.format(port=port).encode() in tail for port in own):
        return ""
    return "connected to its master, which has not heard how far it is"


def _ports_to(pid: int, port: int) -> list[int]:
    """Return from which ports a process is connected to one of another."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return []  # it has just ended
    return [
        one.laddr.port
        for one in connections
        if one.status == psutil.CONN_ESTABLISHED and one.raddr.port == port
    ]


def _tail(path: Path) -> bytes:
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return log.read()
