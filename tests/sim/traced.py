"""A small history with everything in it, as lines: run it with a seed.

Servers and clients on three machines talk by streams, in task groups, with time-outs,
while processes are killed and paused and machines cut off and crashed.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from rmqlab.sim.machine import Machine, Process, Simulation

PORT, SECONDS = 7, 60


class History:
    """One simulation, and what it told."""

    def __init__(self, seed: int) -> None:
        self.sim = Simulation(seed)
        self.lines: list[str] = []
        self.sim.timeline.observers.append(self.told)
        self.dice = self.sim.timeline.random("faults")
        names = {f"m{number}": f"10.0.0.{number}" for number in (1, 2, 3)}
        for name, address in names.items():
            self.start(self.sim.machine(name, address, names))

    def told(self, now_s: float, kind: str, facts: dict[str, object]) -> None:
        """Write down what happened."""
        self.lines.append(f"{now_s!r} {kind} {facts!r}")

    def start(self, machine: Machine) -> None:
        """Start the process of a machine, unless it runs or the machine is down."""
        if machine.host.is_up and not machine.processes:
            process = machine.process(f"p-{machine.name}")
            process.start(node(process, list(self.sim.machines)))

    def fault(self) -> None:
        """Do something to somebody, and set the next down."""
        machine = self.dice.choice(list(self.sim.machines.values()))
        process = next(iter(machine.processes), None)
        deeds = [machine.crash, machine.boot, machine.cut, machine.heal]
        if process:
            deeds += [process.kill, process.pause, process.resume]
        self.dice.choice(deeds)()
        self.sim.timeline.call_in(self.dice.random(), self.start, machine)
        self.sim.timeline.call_in(2 * self.dice.random(), self.fault)


async def node(process: Process, others: list[str]) -> None:
    """Answer, and ask the others, together, again and again."""

    async def answer(reader, writer):
        with contextlib.suppress(OSError), contextlib.closing(writer):
            while line := await reader.readline():
                writer.write(line.upper())
                await writer.drain()

    async with await asyncio.start_server(answer, None, PORT):
        while True:
            with contextlib.suppress(OSError, ExceptionGroup):
                async with asyncio.timeout(1.0), asyncio.TaskGroup() as group:
                    for number, other in enumerate(others):
                        group.create_task(ask(other, f"{process.name}{number}"))
            await asyncio.sleep(process.random.random() / 2)


async def ask(host: str, what: str) -> None:
    """Ask thrice, on one connection."""
    reader, writer = await asyncio.open_connection(host, PORT)
    try:
        for number in range(3):
            writer.write(f"{what} {number} ".encode() * 20 + b"\n")
            if not await reader.readline():
                raise ConnectionError(host)
    finally:
        writer.close()


def history(seed: int) -> list[str]:
    """Return everything that one simulation told."""
    told = History(seed)
    with told.sim:
        told.sim.timeline.call_in(1.0, told.fault)
        told.sim.run(SECONDS)
    return told.lines


if __name__ == "__main__":
    print(*history(int(sys.argv[1])), sep="\n")
