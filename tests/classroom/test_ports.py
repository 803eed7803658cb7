"""Who holds a port, in words."""

from __future__ import annotations

import os
import socket

from rmqlab.classroom import ports
from rmqlab.classroom.ports import holder_of
from tests.support import free_port

HOST = "127.0.0.1"


def test_who_holds_a_port_is_told_in_one_line(monkeypatch):
    command = ["python", "-c", "import this\nprint(this)"]
    monkeypatch.setattr(ports.psutil.Process, "cmdline", lambda process: command)
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        said = holder_of(HOST, port)
    by = f"process {os.getpid()} (python -c import this print(this))"
    assert said == f"port {port} is held by {by}"


def test_nobody_holds_a_port_that_is_free():
    assert holder_of(HOST, free_port()) is None
