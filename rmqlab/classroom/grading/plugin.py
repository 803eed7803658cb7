"""A pytest plugin for nbval's process: tells the grader of every cell, and waits.

Over a socket that the kernel does not inherit it sends one line of JSON a cell and,
after a check cell, waits for the grader's word before the next cell may run.  A kernel
that died is told at once: nbval would wait out the time limit.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from typing import Any

import pytest

SOCKET_VARIABLE = "RMQLAB_GRADER_SOCKET"
LOOK_S = 0.3
"""Between two looks at the kernel's process."""


class Reporter:
    """The line to the grader."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._lock = threading.Lock()
        self._watching = False

    def tell(self, **fact: Any) -> None:
        """Tell the grader something."""
        with self._lock:
            self._socket.sendall(json.dumps(fact).encode() + b"\n")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: Any) -> None:
        """Begin to watch the kernel once there is one."""
        kernel = getattr(item.parent, "kernel", None)
        if kernel is not None and not self._watching:
            self._watching = True
            watch = threading.Thread(target=self._watch, args=(kernel,), daemon=True)
            watch.start()

    def _watch(self, kernel: Any) -> None:
        pause = threading.Event()
        manager = kernel.km
        while not pause.wait(LOOK_S):
            provisioner = getattr(manager, "provisioner", None)
            process = getattr(provisioner, "process", None)
            if process is not None and process.poll() is not None:
                self.tell(event="kernel died", code=process.poll())
                os._exit(1)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        """Tell how a cell ended; wait for the grader before the next one."""
        report = yield
        if report.when != "call":
            return report
        self.tell(
            event="cell",
            id=item.cell.get("id"),
            passed=report.passed,
            text="" if report.passed else str(report.longrepr)[-4000:],
            timed_out=_timed_out(call),
        )
        if not self._lines.readline():
            os._exit(1)  # the grader is gone
        return report


def _timed_out(call: Any) -> bool:
    return call.excinfo is not None and "imeout" in str(call.excinfo.value)


def pytest_configure(config: Any) -> None:
    """Connect to the grader that started this process."""
    descriptor = os.environ.pop(SOCKET_VARIABLE, None)
    if descriptor is not None:
        config.pluginmanager.register(Reporter(int(descriptor)), "rmqlab-grader")
