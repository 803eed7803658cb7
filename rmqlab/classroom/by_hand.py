"""Hosts with terminals, on this machine: nodes are started by typing their commands.

    hosts = by_hand("12", host1="192.168.157.128", host2="192.168.157.129")
    hosts.write("host1", "conf/broker-a.properties", text)
    hosts.type("host1", "mqnamesrv")
    broker = hosts.type("host1", "mqbroker -c conf/broker-a.properties")
    broker.interrupt()                          # Ctrl-C

A host is an address, and a folder: a terminal's working folder, its user's home, and
where that user's logs are.  What was started ends with the notebook's process; where
that was killed, with the next call.
"""

from __future__ import annotations

import atexit
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from rmqlab.boot import BIND_VARIABLE, LOG_DIR_VARIABLE
from rmqlab.classroom import registry
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.subnet import HAS_LOOPBACK_NETWORK, moved
from rmqlab.classroom.verbs import pass_until

COMMANDS = {
    "mqnamesrv": "rmqlab.namesrv",
    "mqbroker": "rmqlab.broker",
    "mqadmin": "rmqlab.mqadmin",
}
"""What may be typed, and the module that it runs."""
UP = "boot success"
"""What a node says once it is up."""
ANSWER_S, END_S = 60.0, 10.0
STARTED = "terminals.json"


class Terminal:
    """One command in a terminal, and what it has said so far."""

    def __init__(
        self, prompt: str, process: subprocess.Popen[bytes], said: Path
    ) -> None:
        self.prompt = prompt
        self._process, self._said = process, said

    @property
    def text(self) -> str:
        """What stands under the command."""
        return self._said.read_text("utf-8", "replace")

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @property
    def started(self) -> dict[str, object]:
        """Which process it is."""
        pid = self._process.pid
        started = registry.started_at(pid)
        return {"name": self.prompt, "pid": pid, "started": started}

    def wait(self) -> None:
        """Return when it says that it is up, or has ended."""
        pass_until(
            lambda: self.exit_code is not None or UP in self.text,
            ANSWER_S,
            time.monotonic,
            time.sleep,
        )

    def interrupt(self) -> None:
        """Ctrl-C: it ends in good order, or is ended."""
        if self.exit_code is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __repr__(self) -> str:
        """As it looks: the command, what it said, and how it ended."""
        code = self.exit_code
        end = "" if code is None else f"exit code {code}"
        return "\n".join(filter(None, [self.prompt, self.text.rstrip("\n"), end]))


class Hosts:
    """The hosts of a lab; `addresses` are where they are on this machine, by name."""

    def __init__(self, folder: Path, addresses: dict[str, str], claim: int) -> None:
        self.folder, self.addresses = folder, addresses
        self._claim, self._terminals = claim, list[Terminal]()
        for name in addresses:
            (folder / name).mkdir()

    def write(self, host: str, path: str, text: str) -> None:
        """Write a file on a host; `path` begins in the terminals' folder."""
        target = self.folder / host / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "latin-1")

    def read(self, host: str, path: str) -> str:
        """Return the text of a file on a host."""
        return (self.folder / host / path).read_text("utf-8", "replace")

    def type(self, host: str, command: str) -> Terminal:
        """Type a command in a new terminal; return when it is up, or has ended.

        Raises:
            ClusterError: this is no host, or no command of RocketMQ's.
        """
        program, *arguments = shlex.split(command)
        if host not in self.addresses or program not in COMMANDS:
            raise ClusterError(
                f"{host}$ {command}: there are {', '.join(self.addresses)}, and "
                f"{', '.join(COMMANDS)}"
            )
        said = self.folder / f"terminal-{len(self._terminals)}"
        with said.open("wb") as screen:
            process = self._start(host, [COMMANDS[program], *arguments], screen)
        terminal = Terminal(f"{host}$ {command}", process, said)
        self._terminals.append(terminal)
        nodes = [one.started for one in self._terminals if one.exit_code is None]
        (self.folder / STARTED).write_text(json.dumps({"nodes": nodes}), "utf-8")
        terminal.wait()
        return terminal

    def _start(
        self, host: str, command: list[str], screen: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        home = self.folder / host
        address = self.addresses[host]
        own = {"HOME": f"{home}", LOG_DIR_VARIABLE: "", BIND_VARIABLE: address}
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=home,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=subprocess.STDOUT,
            pass_fds=[self._claim],
            start_new_session=True,  # a notebook's interrupt is not meant for it
        )

    def close(self) -> None:
        """Press Ctrl-C in every terminal, the last one first."""
        while self._terminals:
            self._terminals.pop().interrupt()
        if self._claim >= 0:
            os.close(self._claim)
            self._claim = -1


_open: dict[str, Hosts] = {}
"""Of this process, by name: a cell may be run again and again."""


def by_hand(lab: str, **hosts: str) -> Hosts:
    """Return a lab's hosts, name=address, with nothing on them; what ran is ended.

    Raises:
        ClusterError: this machine has but one loopback address, or none is left.
    """
    if not HAS_LOOPBACK_NETWORK:
        raise ClusterError("two hosts on one machine need Linux: use Docker's, or WSL")
    name = f"lab-{lab}-by-hand"
    if earlier := _open.pop(name, None):
        earlier.close()
    registry.end_leftovers(_left(registry.folder_of(name) / STARTED))
    with registry.claimed(name) as (folder, subnet):
        here = moved(hosts.values(), subnet.number)
        addresses = {host: here[address] for host, address in hosts.items()}
        claim = os.dup(subnet.descriptor)
        found = _open[name] = Hosts(folder, addresses, claim)
    return found


def _left(started: Path) -> dict[str, object] | None:
    """Return what a process that was killed had started, as it wrote it down."""
    try:
        found = json.loads(started.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


@atexit.register
def _close_all() -> None:
    for hosts in _open.values():
        hosts.close()
