"""The owner of a running cluster: one process that starts, breaks and ends its nodes.

It says on stdout, a line of JSON each, what happens while the cluster comes up.  Then
it answers requests, one line of JSON each, on a port of 127.0.0.1 to whoever knows the
token in the cluster's folder.  It ends when it is told to, or, if it was started with
an owner of its own, when that one's pipe ends; the nodes end with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import secrets
import signal
import stat
import sys
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmqlab.classroom import registry, striking, topology
from rmqlab.classroom.faults import Faults
from rmqlab.classroom.host_loop import OwnersLoop
from rmqlab.classroom.measure import measure
from rmqlab.classroom.runtime import (
    ClusterError,
    Event,
    NodeState,
    Plan,
    Runtime,
)
from rmqlab.classroom.runtimes import make_runtime
from rmqlab.classroom.topology import Node
from rmqlab.classroom.tracing import OwnersNotes
from rmqlab.clock import SystemClock

MAX_EVENTS = 1000
MAX_LINE_BYTES = 1 << 16
VERBS = ("kill", "stop", "pause", "resume", "restart", "configure")


class Supervisor:
    """One cluster's owner."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._folder = plan, Path(plan.folder)
        chosen = topology.load(plan.topology)
        self._topology = (
            chosen.with_settings(plan.settings) if plan.settings else chosen
        )
        self._runtime: Runtime = make_runtime(self._topology, plan, self._changed)
        self._nodes = {node.name: node for node in self._topology.nodes}
        self._states = {
            node.name: self._state_of(node) for node in self._topology.nodes
        }
        self._faults = Faults()
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._clock = SystemClock()
        self._notes = OwnersNotes(plan, self._topology, self._runtime)
        self._busy = asyncio.Lock()
        self._token = secrets.token_hex(16)
        self._port = 0
        self._ended = asyncio.Event()
        self._is_coming_up = True

    def _state_of(self, node: Node) -> NodeState:
        return NodeState(
            name=node.name,
            host=node.host.name,
            role=node.role,
            address=self._runtime.address(node),
            broker_name="" if node.is_namesrv else node.broker.broker_name,
            store=node.store_folder,
            commit_log=node.log_folder,
        )

    @property
    def name_servers(self) -> str:
        """The name servers as a client on this machine reaches them."""
        nodes = (node for node in self._topology.nodes if node.is_namesrv)
        return ";".join(self._runtime.address(node) for node in nodes)

    async def run(self) -> None:
        """Bring the cluster up, answer requests, end it.

        Raises:
            ClusterError: the runtime cannot be had here.
        """
        server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=MAX_LINE_BYTES
        )
        self._port = server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ended.set)
        if stat.S_ISFIFO(os.fstat(0).st_mode):
            loop.add_reader(0, self._ended.set)  # stdin ends with who started us
        self._save()
        try:
            await self._come_up()
            _let_go_of_stdout()
            await self._ended.wait()
        finally:
            await self._runtime.close()
            server.close()
            (self._folder / registry.STATE_FILE).unlink(missing_ok=True)

    async def _come_up(self) -> None:
        await self._runtime.open(self._tell)
        self._runtime.prepare(list(self._topology.nodes))
        for order in (0, 1, 2):
            together = [one for one in self._topology.nodes if one.start_order == order]
            await asyncio.gather(*(self._start(node) for node in together))
        self._is_coming_up = False
        self._save()
        _say(event="ready", **self._summary())

    async def _start(self, node: Node) -> None:
        await self._runtime.start(node, self._states[node.name])

    def _log(self, name: str, what: str) -> None:
        self._events.append(Event(self._clock.now_ms(), name, what))
        with (self._folder / "events.jsonl").open("a") as log:
            log.write(json.dumps(asdict(self._events[-1])) + "\n")

    def _tell(self, what: str) -> None:
        _say(event="node", node=self._plan.name, what=what)

    def _changed(self, state: NodeState, what: str) -> None:
        self._log(state.name, what)
        if self._is_coming_up:
            _say(event="node", node=state.name, what=what)
        self._notes.changed(state)
        self._save()

    def _summary(self) -> dict[str, Any]:
        return {
            "name": self._plan.name,
            "runtime": self._plan.runtime,
            "topology": self._plan.topology,
            "name_servers": self.name_servers,
            "names": self._topology.names,
            "faults": self._faults.words,
            "nodes": [state.to_json() for state in self._states.values()],
        }

    def _save(self) -> None:
        nodes = [
            state.to_json()
            | ({"started": registry.started_at(state.pid)} if state.pid else {})
            for state in self._states.values()
        ]
        own = {
            "pid": os.getpid(),
            "started": registry.started_at(os.getpid()),
            "port": self._port,
            "token": self._token,
            "subnet": self._plan.subnet,
            "folder": str(self._folder),
        }
        registry.write_state(self._folder, self._summary() | own | {"nodes": nodes})

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one connection's requests until it ends."""
        with contextlib.suppress(
            ConnectionError, ValueError, asyncio.LimitOverrunError
        ):
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            if not secrets.compare_digest(str(asked["token"]), self._token):
                return {"error": "wrong token"}
            return {"ok": await self._do(asked)}
        except ClusterError as error:
            return {"error": str(error)}
        except (ValueError, KeyError, TypeError) as error:
            return {"error": f"no request: {line[:80]!r} ({error})"}

    async def _do(self, asked: dict[str, Any]) -> Any:
        verb, name = str(asked["do"]), asked.get("node")
        if verb == "status":
            await measure(list(self._states.values()))
            events = [asdict(event) for event in self._events]
            return self._summary() | {"events": events}
        if verb == "down":
            self._ended.set()
            return None
        if verb in striking.VERBS:
            async with self._busy:
                await self._strike(asked)
            return None
        if verb not in VERBS:
            raise ClusterError(f"no such request: {verb!r}")
        if name not in self._nodes:
            known = ", ".join(self._nodes)
            raise ClusterError(f"no node {name!r} in this cluster: it has {known}")
        async with self._busy:
            if verb == "configure":
                self._configure(name, str(asked["text"]))
            else:
                await self._change(verb, self._nodes[name], self._states[name])
        return self._states[name].to_json()

    def _configure(self, name: str, text: str) -> None:
        """Give a node another file; it reads it when it is started next."""
        node = dataclasses.replace(self._nodes[name], text=text)
        self._runtime.configure(node)
        self._nodes[name] = node
        known, state = self._state_of(node), self._states[name]
        for key in ("role", "address", "broker_name", "store", "commit_log"):
            setattr(state, key, getattr(known, key))
        self._changed(state, "configured anew")

    async def _strike(self, asked: dict[str, Any]) -> None:
        """Cut off a host, heal it, or have links or a disk take longer."""
        found = striking.struck(self._faults, asked, self._states.values())
        await self._runtime.bring(found.faults)
        self._faults = found.faults
        self._notes.struck(found)
        self._log(found.name, found.text)
        self._save()

    async def _change(self, verb: str, node: Node, state: NodeState) -> None:
        self._notes.done(verb, node.name)
        if verb == "restart":
            if state.is_alive:
                await self._runtime.stop(node)
            # What was wrong with the process is over; its host's links are as before.
            self._faults = self._faults.without(node.name)
            await self._runtime.bring(self._faults)
            await self._start(node)
            return
        if verb == "pause" and state.state != "paused":
            await self._runtime.pause(node)
            state.state = "paused"
            self._changed(state, "paused")
        elif verb == "resume" and state.state == "paused":
            await self._runtime.resume(node)
            state.state = "usable"
            self._changed(state, "resumed")
        elif verb == "kill":
            await self._runtime.kill(node)
        elif verb == "stop":
            await self._runtime.stop(node)


def _say(**fact: Any) -> None:
    """Tell who started us; one that no longer listens need not know."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(fact).encode() + b"\n")


def _let_go_of_stdout() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.close(nothing)


def main() -> None:
    """Own the cluster that the plan in the given folder describes."""
    folder = Path(sys.argv[1])
    plan = Plan(**json.loads((folder / "plan.json").read_text("utf-8")))
    try:
        with asyncio.Runner(loop_factory=OwnersLoop) as runner:
            runner.run(Supervisor(plan).run())
    except ClusterError as error:
        _say(event="error", why=str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
