"""Who holds a port."""

from __future__ import annotations

import socket

import psutil

from rmqlab.classroom.runtime import ClusterError

WILDCARDS = ("0.0.0.0", "::", "")


def check_free(host: str, port: int) -> None:
    """Return if a server can listen there.

    Raises:
        ClusterError: it cannot; the text says who holds the port, where that is it.
    """
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        why = holder_of(host, port) or f"{host}:{port}: {error.strerror}"
        raise ClusterError(f"{why}: end that, or give another --port") from error


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
