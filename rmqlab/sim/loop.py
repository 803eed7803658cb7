"""The event loop of a simulated process: asyncio on virtual time.

Every process has a loop of its own, as on a real machine; one `Timeline` decides whose
turn it is.  So a process can be

    killed   its loop never runs again: no `finally` with any effect, no goodbye
    paused   what would happen is kept, and happens when it goes on: SIGSTOP

and the code on it notices nothing else: tasks, timers, `asyncio.timeout`, streams,
connections and servers work as on any loop.

It is stepped from plain code, from within another loop's task (a notebook's), or where
there are no threads and sockets at all (a browser): the outer loop and task are set
aside meanwhile.

Not here: executors, signals, subprocesses, pipes, TLS, UDP.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import sys
from collections.abc import Callable, Iterator
from contextvars import Context
from typing import Any, TypeVarTuple

from rmqlab.sim.network import Host
from rmqlab.sim.task import SimTask
from rmqlab.sim.timeline import Due, Timeline
from rmqlab.sim.transport import Server, SimTransport

Ts = TypeVarTuple("Ts")
_EVERY_ADDRESS = (None, "", "0.0.0.0", "::")

LEAST_HELD = 64
"""Tasks held before it is worth looking which of them are done."""


class SimLoop(asyncio.BaseEventLoop):
    """One process's loop."""

    def __init__(self, timeline: Timeline, host: Host, name: str) -> None:
        super().__init__()
        self.name = name
        self.is_dead = self.is_paused = False
        self.failures: list[dict[str, Any]] = []
        """Exceptions that nobody caught, as asyncio describes them."""
        self._timeline, self._host = timeline, host
        self._kept: list[Due] = []
        self._held: list[SimTask] = []
        self._most_held = LEAST_HELD
        self._unfinished: list[SimTask] = []
        self._serials = itertools.count(1)
        self._hooks = (self._asyncgen_firstiter_hook, self._asyncgen_finalizer_hook)  # type: ignore[attr-defined]
        # Debugging records a stack for every callback, which makes a simulation five
        # times slower; what it finds is found by the tests on real loops.
        self.set_debug(False)
        self.set_exception_handler(lambda _, found: self._failed(found))

    def _failed(self, found: dict[str, Any]) -> None:
        if not self.is_dead:
            self.failures.append(found)
            self.default_exception_handler(found)

    # ── what is to happen ─────────────────────────────────────────────────────

    def time(self) -> float:
        """Return virtual seconds since the beginning."""
        return self._timeline.now_s

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """See asyncio.  On a dead process's loop nothing happens any more."""
        handle = asyncio.Handle(callback, args, self, context)
        if not self.is_dead:
            self._timeline.soon(self, handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.is_dead:
            self._timeline.at(when, self, handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Called by asyncio: the timeline passes over what is cancelled."""

    def create_task(self, coro: Any, *, name: object = None, **options: Any) -> SimTask:
        """See asyncio."""
        serial = next(self._serials)
        name = name or f"Task-{serial}"
        task = SimTask(coro, serial, loop=self, name=name, **options)
        if self.is_dead:
            task.unwind()
        else:
            self._hold(task)
        return task

    def _hold(self, task: SimTask) -> None:
        """Keep a task from Python's garbage collector, whose moments no seed decides.

        Asyncio leaves that to who makes a task.  Those that are done are let go
        whenever twice as many are held as were left the last time.
        """
        self._held.append(task)
        if len(self._held) > self._most_held:
            self._held = [one for one in self._held if not one.done()]
            self._most_held = 2 * len(self._held) + LEAST_HELD

    def run_in_executor(self, *what: Any) -> Any:  # type: ignore[override]
        """Refuse: a thread would not keep to virtual time."""
        raise NotImplementedError(f"no threads in a simulation: {what}")

    def turn(self, due: Due) -> None:
        """Called by the timeline: something is to happen in this process."""
        if self.is_paused:
            self._kept.append(due)
        elif not self.is_dead:
            asyncio._set_running_loop(self)  # noqa: SLF001
            sys.set_asyncgen_hooks(*self._hooks)
            try:
                due._run()  # noqa: SLF001
            finally:
                if self.is_dead:
                    self._bury()
                asyncio._set_running_loop(None)  # noqa: SLF001

    # ── life and death ────────────────────────────────────────────────────────

    def pause(self) -> None:
        """Stop in its tracks: what happens from now on is kept."""
        self.is_paused = not self.is_dead

    def resume(self) -> None:
        """Go on with what was kept: as asyncio does, with sockets before timers."""
        self.is_paused = False
        kept, self._kept = self._kept, []
        for due in sorted(kept, key=lambda due: isinstance(due, asyncio.TimerHandle)):
            self._timeline.soon(self, due)

    def kill(self) -> None:
        """Never run again.

        The tasks' coroutines are closed now, not when Python gets to it.  What their
        `finally` blocks do has no effect: loop, sockets and disk are dead.
        """
        if self.is_dead:
            return
        self._unfinished = self.waiting()
        self.is_dead, self.is_paused = True, False
        self._kept.clear()
        self._held.clear()
        self.close()
        if asyncio._get_running_loop() is not self:  # noqa: SLF001
            with outer_loop_aside(self):
                self._bury()

    def _bury(self) -> None:
        unfinished, self._unfinished = self._unfinished, []
        for task in unfinished:
            task.unwind()

    def waiting(self) -> list[SimTask]:
        """Return the tasks that are not done, in the order of their making."""
        tasks = (one for one in asyncio.all_tasks(self) if isinstance(one, SimTask))
        return sorted(tasks, key=lambda task: task.serial)

    def explain(self) -> list[str]:
        """Say of each task that is not done where it waits."""
        return [f"{self.name}: {task.whereabouts()}" for task in self.waiting()]

    # ── the network ───────────────────────────────────────────────────────────

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        """Look a name up in the hosts file of this process's machine.

        Raises:
            socket.gaierror: it is no address and not in the file.
        """
        address = self._host.resolve(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port)))]

    async def create_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str,
        port: int,
        **options: Any,
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect from this process's machine.

        Raises:
            OSError: the name is unknown, nobody listens, or nobody answers.
        """
        self._check_closed()  # type: ignore[attr-defined]
        end = await self._host.connect(self, self._host.resolve(host), int(port))
        protocol = protocol_factory()
        transport = SimTransport(self._timeline, self, end, protocol)
        try:
            await asyncio.sleep(0)  # `connection_made` comes first
        except BaseException:
            transport.close()
            raise
        return transport, protocol

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: Any = None,
        port: Any = None,
        **options: Any,
    ) -> Server:
        """Listen on this process's machine, whichever of its addresses is named.

        Raises:
            OSError: the port is taken, or the address is another machine's.
        """
        self._check_closed()  # type: ignore[attr-defined]
        port = int(port or 0)
        if host not in _EVERY_ADDRESS:
            self._host.check_own(self._host.resolve(host), port)
        return Server(self._timeline, self, self._host, protocol_factory, port)


@contextlib.contextmanager
def outer_loop_aside(inner: asyncio.AbstractEventLoop | None = None) -> Iterator[None]:
    """Set the running loop and its current task aside, and put both back at the end.

    In a notebook a cell's code runs inside a task; Python allows one at a time.
    """
    outer, hooks = asyncio._get_running_loop(), sys.get_asyncgen_hooks()  # noqa: SLF001
    task = asyncio.current_task(outer) if outer else None
    if outer and task:
        asyncio.tasks._leave_task(outer, task)  # noqa: SLF001
    asyncio._set_running_loop(inner)  # noqa: SLF001
    try:
        yield
    finally:
        sys.set_asyncgen_hooks(*hooks)
        asyncio._set_running_loop(outer)  # noqa: SLF001
        if outer and task:
            asyncio.tasks._enter_task(outer, task)  # noqa: SLF001
