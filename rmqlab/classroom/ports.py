"""Who holds a port."""

from __future__ import annotations

import psutil

WILDCARDS = ("0.0.0.0", "::", "")


def holder_of(host: str, port: int) -> str | None:
    """Return who listens on a port in words, None where nobody does.

    Another user's process is seen but not named.
    """
    for connection in psutil.net_connections("tcp"):
        at = connection.laddr
        if connection.status != psutil.CONN_LISTEN or not at or at.port != port:
            continue
        if at.ip in (host, *WILDCARDS):
            if connection.pid is None:
                return f"port {port} is held by another user's process"
            return f"port {port} is held by {_describe(connection.pid)}"
    return None


def _describe(pid: int) -> str:
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return f"process {pid}"
    return f"process {pid} ({' '.join(command.split())[:80]})"
