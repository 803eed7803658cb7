"""What a notebook needs, in one import: start a cluster, use it, look at it, break it.

from rmqlab.classroom.lab import *

cluster = start("1m", lab="00")
producer = cluster.producer()
producer.send("orders", "one coffee")

`start(…, runtime="sim", seed=7)` simulates it: time passes when it is asked to.
`attached()` is the cluster beside the lab's container, which somebody else runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, overload

import psutil

from rmqlab.classroom import registry, runtimes
from rmqlab.classroom.attached import BY_HAND, AttachedCluster
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.dump import byte_map, dump
from rmqlab.classroom.group_panel import GroupPanel
from rmqlab.classroom.group_view import GroupView, look
from rmqlab.classroom.looking import hex_dump
from rmqlab.classroom.panel import ClusterPanel
from rmqlab.classroom.plots import bars, lines, shares, timeline
from rmqlab.classroom.producers import LabProducer
from rmqlab.classroom.real_verbs import RealVerbs
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.classroom.traffic import ATTENTIVE, Report, Traffic
from rmqlab.classroom.verbs import LabVerbs, Table, pass_until
from rmqlab.classroom.verify.shown import Verified
from rmqlab.classroom.verify.shown import verify_files as verify
from rmqlab.client.batches import split
from rmqlab.client.requests import reply_to
from rmqlab.client.selection import by_hash
from rmqlab.client.sent import SendError, SendStatus
from rmqlab.client.transaction import Verdict
from rmqlab.protocol.message import Message, MessageQueue, StoredMessage

__all__ = [
    "AttachedCluster",
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
    "attached",
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

BESIDE = "attached"

_started: dict[str, LabCluster | SimLab | AttachedCluster] = {}
"""The labs' clusters of this process, by name: a cell may be run again and again.

The one that was started last comes last.
"""


class LabCluster(Cluster, RealVerbs):
    """A cluster of processes, with clients that look for changes twice a second."""

    simulated = SimLab

    def __init__(self, *arguments: Any) -> None:
        Cluster.__init__(self, *arguments)
        RealVerbs.__init__(self)
        offsets = str(self.folder / "client-offsets")
        self.client_config = replace(ATTENTIVE, local_offset_store_dir=offsets)

    def memory_mb(self) -> float:
        """Return the resident memory of all nodes in MB (a million bytes).

        Not a number where they are containers: `docker stats` has theirs.
        """
        pids = [one.pid for one in self.status().nodes if one.is_alive]
        if None in pids:
            return math.nan
        return sum(psutil.Process(pid).memory_info().rss for pid in pids) / 1e6

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


def attached(name_servers: str | None = None) -> AttachedCluster:
    """Return the running cluster with these name servers, as host:port;host:port.

    Without any it is the one beside the lab's container.

    Raises:
        ClusterError: none was named, or none of them answers.
    """
    if earlier := _started.pop(BESIDE, None):
        earlier.close_clients()
    cluster = _started[BESIDE] = AttachedCluster.find(name_servers)
    return cluster


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


def panel(cluster: Cluster | SimLab | AttachedCluster) -> ClusterPanel:
    """Return a live panel with buttons for a cluster.

    Raises:
        ClusterError: it is an attached one.
    """
    if isinstance(cluster, AttachedCluster):
        raise ClusterError(BY_HAND.format("NODE"))
    return ClusterPanel(cluster)


def group_panel(cluster: LabVerbs, group: str) -> GroupPanel:
    """Return a live panel of who in a group consumes which queue, and how far."""
    return GroupPanel(cluster, group)


def group_view(cluster: LabVerbs, group: str) -> GroupView:
    """Return the same as it is now; it can be asked for its parts."""
    with cluster.admin() as admin:
        return look(admin, group)
