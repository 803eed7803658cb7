"""`rmqlab lab` as a process: it ends with all that it started."""

from __future__ import annotations

import re
import subprocess
import sys

import psutil

from tests.support import free_port

ADDRESS = re.compile(r"http://127\.0\.0\.1:\S+token=\w+")
END_S = 30


def test_a_server_that_is_asked_to_end_leaves_no_jupyterlab_behind():
    port = str(free_port())
    command = [sys.executable, "-m", "rmqlab.cli", "lab", "--no-browser"]
    command += ["--port", port]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        assert any(ADDRESS.search(line) for line in server.stderr)
        started = psutil.Process(server.pid).children(recursive=True)
        server.terminate()
        server.stderr.read()  # whoever holds it has ended then
        assert server.wait(END_S) is not None
    _, left = psutil.wait_procs(started, timeout=END_S)
    assert started
    assert left == []
