"""The trace of a cluster that runs: who writes which part, and putting them together.

    CLUSTER/trace.jsonl                         its owner: states of nodes, faults
    CLUSTER/HOST/logs/rocketmqlogs/NODE/trace-PID.jsonl
                                                a local node: what it sends and gets,
                                                appends, flushes
    CLUSTER/trace-clients-PID.jsonl             a process with clients that tells what
                                                they were told: `Cluster.tell`

On docker and rocketmq there is only the first and the last: nodes are not looked into.
Nothing is written where no trace was asked for.
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

from rmqlab.classroom import registry
from rmqlab.classroom.runtime import ClusterError, NodeState, Plan, Runtime
from rmqlab.classroom.striking import Struck
from rmqlab.classroom.topology import Node, Topology
from rmqlab.classroom.trace import header
from rmqlab.classroom.trace.nodes import listed
from rmqlab.classroom.trace.notes import Notes
from rmqlab.classroom.trace.parts import merge
from rmqlab.classroom.trace.reader import Trace
from rmqlab.classroom.trace.writer import Writer

OWNERS = "trace.jsonl"
CLIENTS = "trace-clients-*.jsonl"
NODES = "*/logs/rocketmqlogs/*/trace-*.jsonl"
FAULTS = ("kill", "pause", "resume")
"""Verbs that are faults; a stop or a restart is none."""


class OwnersNotes:
    """What a cluster's owner sees of it: states, and the faults that it makes."""

    def __init__(self, plan: Plan, chosen: Topology, runtime: Runtime) -> None:
        self._notes: Notes | None = None
        self._states: dict[str, tuple[str, str]] = {}
        if plan.trace:
            nodes = [listed(node, runtime.address(node)) for node in chosen.nodes]
            first = header(plan.runtime, chosen.name, nodes)
            self._notes = Notes(Path(plan.folder) / OWNERS, first, plan.began_s)

    def changed(self, node: NodeState) -> None:
        """A node's state may have changed."""
        known, now = self._states.get(node.name), (node.state, node.why)
        if self._notes is not None and now != known:
            self._states[node.name] = now
            self._notes.tell("node", node=node.name, state=now[0], why=now[1])

    def struck(self, found: Struck) -> None:
        """A host or a node has a fault, or one less."""
        if self._notes is not None:
            who = {"host" if found.is_host else "node": found.name}
            self._notes.tell("fault", **who, what=found.what, **found.ways)

    def done(self, verb: str, node: str) -> None:
        """Something is about to be done to a node."""
        if self._notes is not None and verb in FAULTS:
            self._notes.tell("fault", node=node, what=verb)


def spec_of(plan: Plan, node: Node, address: str, home: Path) -> dict[str, Any] | None:
    """Return what a local node is told about tracing; None: it does none."""
    if not plan.trace:
        return None
    first = header(plan.runtime, node.name, [listed(node, address, str(home))])
    return {"first": first, "host": node.host.name, "began_s": plan.began_s}


def clients_notes(folder: Path) -> Notes | None:
    """Return where this process tells about its clients; None: nobody asked."""
    plan = _plan(folder)
    if not plan.trace:
        return None
    path = folder / CLIENTS.replace("*", str(os.getpid()))
    return Notes(path, header(plan.runtime, "clients", ()), plan.began_s)


class Traced:
    """To stand among the bases of a handle on a cluster."""

    name: str
    folder: Path

    @cached_property
    def _notes(self) -> Notes | None:
        return clients_notes(self.folder)

    @property
    def is_traced(self) -> bool:
        """Whether a trace was asked for when it was started."""
        return bool(_plan(self.folder).trace)

    def tell(self, kind: str, /, **facts: object) -> None:
        """Tell what became of a client as an event of the trace, if there is one."""
        if self._notes is not None:
            self._notes.tell(kind, **facts)

    def collect_trace(self, out: str | Path | None = None) -> Path:
        """Put the trace together as far as it is written, and return its file.

        Raises:
            ClusterError: none was asked for when the cluster was started.
        """
        return collect(self.name, out)

    def finish_trace(self) -> None:
        """Write the file that was asked for when the cluster was started, if any."""
        if self.is_traced:
            if self._notes is not None:
                self._notes.close()
            self.collect_trace()


def _plan(folder: Path) -> Plan:
    try:
        return Plan(**json.loads((folder / "plan.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(f"no cluster has left anything in {folder}") from error


def the_only() -> str:
    """Return the name of the only cluster there is, running or not.

    Raises:
        ClusterError: there is none, or more than one.
    """
    running = registry.running()
    left = [path.parent.name for path in _clusters().glob("*/plan.json")]
    found = running or sorted(left)
    if len(found) != 1:
        known = ", ".join(found) or "none"
        raise ClusterError(f"which cluster's trace? --name takes one of: {known}")
    return found[0]


def _clusters() -> Path:
    return registry.folder_of("any").parent


def collect(name: str, out: str | Path | None = None) -> Path:
    """Put a cluster's parts together, as far as they are written; return the file.

    Raises:
        ClusterError: there is no such cluster, or it is not traced.
    """
    folder = registry.folder_of(name)
    plan = _plan(folder)
    path = Path(out or plan.trace)
    if not plan.trace:
        raise ClusterError(
            f"cluster {name!r} is not traced: `rmqlab up … --trace FILE` begins a trace"
        )
    owners = folder / OWNERS
    parts = [owners, *sorted(folder.glob(NODES)), *sorted(folder.glob(CLIENTS))]
    try:
        with Writer(path, Trace(owners).first) as writer:
            for event in merge(parts):
                writer.write(event)
    except OSError as error:
        raise ClusterError(f"cannot write {path}: {error.strerror}") from error
    return path
