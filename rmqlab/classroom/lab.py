"""What a notebook needs, in one import: start a cluster, use it, look at it, break it.

from rmqlab.classroom.lab import *

cluster = start("1m", lab="00")
producer = cluster.producer()
producer.send("orders", "one coffee")

`start(…, runtime="sim", seed=7)` simulates it: time passes when it is asked to.
"""

from __future__ import annotations

import math
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, overload

import psutil

from rmqlab.classroom import registry, runtimes
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.dump import byte_map, dump
from rmqlab.classroom.group_panel import GroupPanel
from rmqlab.classroom.group_view import GroupView, look
from rmqlab.classroom.load import Cost, cost_of_sending
from rmqlab.classroom.looking import hex_dump
from rmqlab.classroom.panel import ClusterPanel
from rmqlab.classroom.plots import bars, lines, shares, timeline
from rmqlab.classroom.producers import LabProducer
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.classroom.traffic import ATTENTIVE, Report, Traffic
from rmqlab.classroom.verbs import LabVerbs, Table, pass_until
from rmqlab.classroom.verify.shown import Verified
from rmqlab.classroom.verify.shown import verify_files as verify
from rmqlab.client.batches import split
from rmqlab.client.blocking import THREAD, Driver
from rmqlab.client.requests import reply_to
from rmqlab.client.selection import by_hash
from rmqlab.client.sent import SendError, SendStatus
from rmqlab.client.transaction import Verdict
from rmqlab.protocol.message import Message, MessageQueue, StoredMessage

__all__ = [
    "Cluster",
    "ClusterError",
    "GroupView",
    "LabCluster",
    "LabProducer",
    "Message",
    "MessageQueue",
    "Report",
    "SendError",
    "SendStatus",
    "SimLab",
    "StoredMessage",
    "Table",
    "Traffic",
    "Verdict",
    "Verified",
    "bars",
    "by_hash",
    "byte_map",
    "dump",
    "group_panel",
    "group_view",
    "hex_dump",
    "lines",
    "panel",
    "reply_to",
    "shares",
    "split",
    "start",
    "timeline",
    "verify",
    "wait_until",
]

MQADMIN = "from rmqlab.mqadmin import main; main()"
"""What the console script `mqadmin` does."""

_started: dict[str, LabCluster | SimLab] = {}
"""The labs' clusters of this process, by name: a cell may be run again and again.

The one that was started last comes last.
"""


class LabCluster(Cluster, LabVerbs):
    """A cluster of processes, with clients that look for changes twice a second."""

    simulated = SimLab

    def __init__(self, *arguments: Any) -> None:
        Cluster.__init__(self, *arguments)
        LabVerbs.__init__(self)
        offsets = str(self.folder / "client-offsets")
        self.client_config = replace(ATTENTIVE, local_offset_store_dir=offsets)

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

    def traffic(self, topic: str, per_second: float = 100.0) -> Traffic:
        """Return traffic on `topic`; use it in a `with` block."""
        return Traffic(
            self.name_servers, topic, per_second=per_second, record=self.tell
        )

    def cost(self, topic: str, senders: int, seconds: float = 3.0) -> Cost:
        """Return what sending costs with so many senders at a time."""
        return cost_of_sending(self.name_servers, topic, senders, seconds)

    def memory_mb(self) -> float:
        """Return the resident memory of all nodes in MB (a million bytes).

        Not a number where they are containers: `docker stats` has theirs.
        """
        pids = [one.pid for one in self.status().nodes if one.is_alive]
        if None in pids:
            return math.nan
        return sum(psutil.Process(pid).memory_info().rss for pid in pids) / 1e6

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

    def down(self) -> None:
        """End the cluster, its clients first; see `Cluster.down`."""
        self.close_clients()
        super().down()


@overload
def start(  # type: ignore[overload-overlap]
    topology: str, lab: str, *, runtime: Literal["sim"], seed: int = 0, **settings: str
) -> SimLab: ...


@overload
def start(
    topology: str,
    lab: str,
    *,
    runtime: str | None = None,
    seed: int = 0,
    **settings: str,
) -> LabCluster: ...


def start(
    topology: str,
    lab: str,
    *,
    runtime: str | None = None,
    seed: int = 0,
    **settings: str,
) -> LabCluster | SimLab:
    """Start a lab's cluster afresh, ending the one that an earlier run left.

    `settings` are changed on every broker, by RocketMQ's own keys; `seed` decides
    everything that is left to chance in a simulation.  Without a `runtime` it is the
    one that RMQLAB_RUNTIME names, or `local`.

    Raises:
        ClusterError: a node of it does not work; the text says why.
    """
    name = f"lab-{lab}"
    _end_earlier(name)
    cluster: LabCluster | SimLab
    if runtime == "sim":
        cluster = SimLab.up(topology, name=name, settings=settings, seed=seed)
    else:
        runtime = runtime or runtimes.default()
        cluster = LabCluster.up(topology, runtime=runtime, name=name, settings=settings)
    broken = [one for one in cluster.status().nodes if one.state != "usable"]
    if broken:
        cluster.down()
        raise ClusterError(
            "; ".join(f"{one.name} is {one.state}: {one.why}" for one in broken)
        )
    _started[name] = cluster
    return cluster


def _end_earlier(name: str) -> None:
    """End what an earlier run of a lab left, simulated or not."""
    earlier = _started.pop(name, None)
    if isinstance(earlier, SimLab):
        earlier.down()
    elif earlier:
        earlier.close_clients()
    if registry.is_running(registry.read_state(name)):
        Cluster.attach(name).down()


def wait_until(is_so: Callable[[], Any], within_s: float | None = None) -> None:
    """Return as soon as it is so; meanwhile time passes in the cluster started last.

    In a simulated one that is virtual time, by little steps.

    Raises:
        ClusterError: it is not, in all that time: 30 seconds, or 300 virtual ones.
    """
    last = next(reversed(_started.values()), None)
    if isinstance(last, SimLab):
        last.wait_until(is_so, within_s)
    else:
        limit_s = LabVerbs.wait_s if within_s is None else within_s
        pass_until(is_so, limit_s, time.monotonic, time.sleep)


def panel(cluster: Cluster | SimLab) -> ClusterPanel:
    """Return a live panel with buttons for a cluster."""
    return ClusterPanel(cluster)


def group_panel(cluster: LabVerbs, group: str) -> GroupPanel:
    """Return a live panel of who in a group consumes which queue, and how far."""
    return GroupPanel(cluster, group)


def group_view(cluster: LabVerbs, group: str) -> GroupView:
    """Return the same as it is now; it can be asked for its parts."""
    with cluster.admin() as admin:
        return look(admin, group)
