"""What a lab does with a cluster in real time, whoever runs its nodes."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from abc import ABC

from rmqlab.classroom.load import Cost, cost_of_sending
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.traffic import Traffic
from rmqlab.classroom.verbs import LabVerbs
from rmqlab.client.blocking import THREAD, Driver

MQADMIN = "from rmqlab.mqadmin import main; main()"
"""What the console script `mqadmin` does."""


class RealVerbs(LabVerbs, ABC):
    """To stand behind a cluster of processes among the bases of a lab's cluster."""

    def client_driver(self) -> Driver:
        """Return this process's client thread."""
        return THREAD

    @property
    def now_s(self) -> float:
        """Seconds since this machine was started."""
        return time.monotonic()

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        time.sleep(seconds)

    def cost(self, topic: str, senders: int, seconds: float = 3.0) -> Cost:
        """Return what sending costs with so many senders at a time."""
        return cost_of_sending(self.name_servers, topic, senders, seconds)

    def mqadmin(self, line: str) -> None:
        """Run a command of mqadmin on this cluster, and show what it prints.

        Raises:
            ClusterError: it failed; the text is what it says.
        """
        asked = [*shlex.split(line), "-n", self.name_servers]
        command = [sys.executable, "-c", MQADMIN, *asked]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(done.stdout, end="")
        if done.returncode:
            raise ClusterError(f"mqadmin {line}: {done.stderr.strip()}")

    def traffic(self, topic: str, per_second: float = 100.0) -> Traffic:
        """Return traffic on `topic`; use it in a `with` block."""
        return Traffic(
            self.name_servers, topic, per_second=per_second, record=self.tell
        )

    def tell(self, kind: str, /, **facts: object) -> None:
        """Tell what became of a client, where somebody traces it."""
