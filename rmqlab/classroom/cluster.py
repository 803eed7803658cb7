"""A running cluster, to be used from Python.

    with Cluster.up("2m-2s-sync") as cluster:
        cluster.kill("broker-a")
        print(cluster.status())

Its nodes end with the block, or with this process, however that ends.  `attach` gives
a cluster that `rmqlab up` started.  The same without blocking: `async_cluster`.  With
`runtime="sim"` it is simulated, in this process: see `SimCluster`.
"""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, overload

from rmqlab.classroom import owner, registry, runtimes, topology
from rmqlab.classroom.host_verbs import HostVerbs
from rmqlab.classroom.owner import Progress
from rmqlab.classroom.promotion import Promoting
from rmqlab.classroom.runtime import ClusterError, Event, NodeState, Plan, Status
from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.trace.notes import now_s
from rmqlab.classroom.tracing import Traced

ANSWER_S = 150.0
"""Longest that any request takes: a node's start or stop has its own, smaller bound."""
DOWN_S = 30.0


class Cluster(HostVerbs, Promoting, Traced):
    """A handle on a running cluster; any number of them may exist."""

    simulated: ClassVar[type[SimCluster]] = SimCluster
    """What `up` returns for the runtime `sim`."""

    def __init__(
        self, state: dict[str, Any], owned: subprocess.Popen[bytes] | None
    ) -> None:
        self.name: str = state["name"]
        self.runtime: str = state["runtime"]
        self.topology: str = state["topology"]
        self.name_servers: str = state["name_servers"]
        """host:port;host:port, as a client on this machine reaches them."""
        self.folder = Path(state["folder"])
        self.startup_s: float | None = None
        """From the request to the last node's being usable; None if attached."""
        self._state, self._owned = state, owned

    @overload
    @classmethod
    def up(  # type: ignore[overload-overlap]
        cls,
        wanted: str | Path,
        *,
        runtime: Literal["sim"],
        name: str | None = None,
        settings: dict[str, str] | None = None,
        seed: int = 0,
        trace: str | Path | None = None,
    ) -> SimCluster: ...

    @overload
    @classmethod
    def up(
        cls,
        wanted: str | Path,
        *,
        runtime: str = "local",
        name: str | None = None,
        settings: dict[str, str] | None = None,
        detached: bool = False,
        progress: Progress = ...,
        trace: str | Path | None = None,
    ) -> Self: ...

    @classmethod
    def up(
        cls,
        wanted: str | Path,
        *,
        runtime: str = "local",
        name: str | None = None,
        settings: dict[str, str] | None = None,
        detached: bool = False,
        progress: Progress = lambda node, what: None,
        seed: int = 0,
        trace: str | Path | None = None,
    ) -> Self | SimCluster:
        """Start a cluster and return when its nodes are usable, or known not to be.

        `wanted` is a topology's name or folder, `settings` are changed on every
        broker, `seed` is a simulation's, `trace` a file, see `collect_trace`.  Nodes
        that do not start are told by `status`.  A detached one outlives this process.

        Raises:
            ConfigError: there is no such topology.
            ClusterError: one of that name is up, or the runtime cannot be had here.
        """
        if runtime == runtimes.IN_PROCESS:
            if detached:
                raise ClusterError(
                    "a simulated cluster lives in the process that asks for it: "
                    "`rmqlab sim SCENARIO` plays one, `rmqlab sim --list` says what "
                    'there is; in Python: Cluster.up("1m", runtime="sim")'
                )
            return cls.simulated.up(
                wanted, name=name, settings=settings, seed=seed, record=trace
            )
        began_s = now_s()
        if runtime not in runtimes.NAMES:
            there = ", ".join(runtimes.NAMES)
            raise ClusterError(f"no runtime {runtime!r} yet: there are {there}")
        plan = _plan(wanted, runtime, name, settings)
        plan.trace, plan.began_s = str(Path(trace).resolve()) if trace else "", began_s
        process = owner.begin(plan, progress, detached=detached)
        state = registry.read_state(plan.name)
        if state is None:
            raise ClusterError(f"cluster {plan.name!r} ended as soon as it was up")
        cluster = cls(state, None if detached else process)
        cluster.startup_s = now_s() - began_s
        return cluster

    @classmethod
    def attach(cls, name: str | None = None) -> Self:
        """Return a cluster that is up; without a name, the only one.

        Raises:
            ClusterError: there is none, or more than one.
        """
        running = registry.running()
        if name is None and len(running) == 1:
            name = running[0]
        if name is None or name not in running:
            if not running:
                raise ClusterError(
                    "no cluster is up: `rmqlab up 2m-2s-sync` starts one"
                )
            what = f"cluster {name!r} is not up;" if name else "which cluster?"
            raise ClusterError(f"{what} --name takes one of: {', '.join(running)}")
        state = registry.read_state(name)
        assert state is not None
        return cls(state, None)

    def ask(self, do: str, node: str | None = None, **more: Any) -> Any:
        """Ask the cluster's owner to do something and return its answer.

        Raises:
            ClusterError: it cannot, or the cluster is gone.
        """
        asked = {"token": self._state["token"], "do": do, "node": node, **more}
        try:
            at = ("127.0.0.1", self._state["port"])
            with socket.create_connection(at, timeout=ANSWER_S) as connection:
                connection.sendall(json.dumps(asked).encode() + b"\n")
                line = connection.makefile("rb").readline()
        except OSError as error:
            raise ClusterError(f"cluster {self.name!r} is gone: {error}") from error
        if not line:
            raise ClusterError(
                f"cluster {self.name!r} went away while it was asked to {do}"
            )
        answer = json.loads(line)
        if "error" in answer:
            raise ClusterError(answer["error"])
        return answer["ok"]

    def status(self) -> Status:
        """Return every node's state, and what happened so far."""
        found = self.ask("status")
        return Status(
            found["name"],
            found["runtime"],
            found["topology"],
            found["name_servers"],
            [NodeState(**one) for one in found["nodes"]],
            [Event(**one) for one in found["events"]],
            found["faults"],
        )

    def node(self, name: str) -> NodeState:
        """Return one node's state."""
        return self.status().node(name)

    def kill(self, node: str) -> NodeState:
        """End a node at once, without a goodbye."""
        return NodeState(**self.ask("kill", node))

    def stop(self, node: str) -> NodeState:
        """Ask a node to end in good order."""
        return NodeState(**self.ask("stop", node))

    def pause(self, node: str) -> NodeState:
        """Stop a node in its tracks; its connections stay open."""
        return NodeState(**self.ask("pause", node))

    def resume(self, node: str) -> NodeState:
        """Let a paused node go on."""
        return NodeState(**self.ask("resume", node))

    def restart(self, node: str) -> NodeState:
        """Start a node, stopping it first if it runs; return when it is usable."""
        return NodeState(**self.ask("restart", node))

    def configure(self, node: str, text: str) -> NodeState:
        """Give a node another `.properties` file; `restart` makes it read that."""
        return NodeState(**self.ask("configure", node, text=text))

    def down(self) -> None:
        """End the cluster; its files stay until one of its name is started again.

        Its trace, if there is one, is put together.

        Raises:
            ClusterError: it is gone already.
        """
        self.ask("down")
        if self._owned is None:
            registry.wait_for_end(self._state["pid"], DOWN_S)
        else:
            assert self._owned.stdin is not None
            self._owned.stdin.close()
            self._owned.wait(DOWN_S)
        self.finish_trace()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if registry.is_running(self._state):
            self.down()


def _plan(
    wanted: str | Path, runtime: str, name: str | None, settings: dict[str, str] | None
) -> Plan:
    chosen = topology.load(wanted)
    where = str(wanted if wanted in topology.NAMES else chosen.folder.resolve())
    return Plan(name or chosen.name, "", runtime, where, settings or {})
