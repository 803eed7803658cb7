"""Two simulated machines, a process on each, and what their connections saw."""

from __future__ import annotations

import asyncio
from typing import Self

from rmqlab.sim.machine import Simulation

NEAR, FAR, NOBODY = "10.0.0.1", "10.0.0.2", "10.0.0.3"
PORT = 7
LINK_S = 0.001
"""Long enough for anything to get to the other side."""


class Line(asyncio.Protocol):
    """Writes down what the loop tells it; data that comes together is one."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.data = b""
        self.error: Exception | None = None
        self.keeps_open = False

    def connection_made(self, transport):
        self.seen.append("made")
        self.transport = transport

    def data_received(self, data):
        if self.seen[-1] != "data":
            self.seen.append("data")
        self.data += data

    def eof_received(self):
        self.seen.append("eof")
        return self.keeps_open

    def pause_writing(self):
        self.seen.append("pause")

    def resume_writing(self):
        self.seen.append("resume")

    def connection_lost(self, error):
        self.seen.append(f"lost {type(error).__name__}" if error else "lost")
        self.error = error


class Two:
    """A client on one machine, a server on the other."""

    def __init__(self, seed: int = 0) -> None:
        self.sim = Simulation(seed)
        names = {"near": NEAR, "far": FAR}
        self.near = self.sim.machine("near", NEAR, names)
        self.far = self.sim.machine("far", FAR, names)
        self.client, self.server = self.near.process("client"), self.far.process("srv")
        self.told: list[tuple[float, str, dict[str, object]]] = []
        self.sim.timeline.observers.append(lambda *one: self.told.append(one))
        self.accepted: list[Line] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.sim.close()

    def listen(self, port: int = PORT, line=Line):
        """Have the server listen; return asyncio's server."""
        self.make = line
        work = self.server.loop.create_server(self._accept, None, port)
        return self.sim.complete(self.server, work)

    def _accept(self) -> Line:
        self.accepted.append(self.make())
        return self.accepted[-1]

    def connect(self, port: int = PORT) -> Line:
        """Connect the client; return its side."""
        work = self.client.loop.create_connection(Line, "far", port)
        return self.sim.complete(self.client, work)[1]

    def pair(self) -> tuple[Line, Line]:
        """Return both sides of a connection."""
        self.listen()
        near = self.connect()
        self.sim.run(LINK_S)
        return near, self.accepted[-1]

    def kinds(self, kind: str) -> list[dict[str, object]]:
        """Return the facts of everything of a kind that was told."""
        return [facts for _, one, facts in self.told if one == kind]


async def forever() -> None:
    """Wait for what never comes."""
    await asyncio.get_running_loop().create_future()
