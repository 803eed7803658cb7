"""The event loop of a simulated process: asyncio on virtual time.

Every process has a loop of its own, as on a real machine; one `Timeline` decides whose
turn it is.  So a process can be

    killed   its loop never runs again: no `finally`, no goodbye
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
import linecache
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context
from typing import Any, TypeVarTuple

from rmqlab.sim.network import Host, Server
from rmqlab.sim.timeline import Due, Timeline

Ts = TypeVarTuple("Ts")
_EVERY_ADDRESS = (None, "", "0.0.0.0", "::")
MOST_AWAITS_ON_THE_WAY_OUT = 100


class SimTask(asyncio.Task[Any]):
    """A task that hashes by a serial number.

    Task groups keep their tasks in a set and cancel them in its order: by address in
    memory that would differ from run to run.
    """

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], serial: int, **options: Any
    ) -> None:
        self.serial = serial
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self.serial

    __eq__ = object.__eq__


class SimLoop(asyncio.BaseEventLoop):
    """One process's loop."""

    def __init__(self, timeline: Timeline, host: Host, name: str) -> None:
        super().__init__()
        self.name = name
        self.is_dead = self.is_paused = False
        self._timeline, self._host = timeline, host
        self._kept: list[Due] = []
        self._tasks = itertools.count(1)
        self.failures: list[dict[str, Any]] = []
        """Exceptions that nobody caught, as asyncio describes them."""
        # Debugging records a stack for every callback, which makes a simulation five
        # times slower; what it finds is found by the tests on real loops.
        self.set_debug(False)
        self.set_task_factory(self._new_task)
        self.set_exception_handler(lambda _, found: self._failed(found))

    def _new_task(self, loop: Any, coroutine: Any, **options: Any) -> SimTask:
        return SimTask(coroutine, next(self._tasks), loop=self, **options)

    def _failed(self, found: dict[str, Any]) -> None:
        if not self.is_dead:
            self.failures.append(found)
            self.default_exception_handler(found)

    # ── time ──────────────────────────────────────────────────────────────────

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

    def turn(self, due: Due) -> None:
        """Called by the timeline: something is to happen in this process."""
        if self.is_paused:
            self._kept.append(due)
        elif not self.is_dead:
            asyncio._set_running_loop(self)  # noqa: SLF001
            try:
                due._run()  # noqa: SLF001
            finally:
                asyncio._set_running_loop(None)  # noqa: SLF001

    # ── life and death ────────────────────────────────────────────────────────

    def pause(self) -> None:
        """Stop in its tracks: what happens from now on is kept."""
        self.is_paused = True

    def resume(self) -> None:
        """Go on, first with what was kept."""
        self.is_paused = False
        kept, self._kept = self._kept, []
        for due in kept:
            self._timeline.soon(self, due)

    def kill(self) -> None:
        """Never run again.

        The tasks' coroutines are closed now, not when Python gets to it.  What their
        `finally` blocks do has no effect: loop, sockets and disk are dead.
        """
        if self.is_dead:
            return
        waiting = self.waiting()
        self.is_dead, self.is_paused = True, False
        self._kept.clear()
        for task in waiting:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001
            _unwind(task.get_coro())
        self.close()

    def waiting(self) -> list[SimTask]:
        """Return the tasks that are not done, in the order of their making."""
        tasks = (one for one in asyncio.all_tasks(self) if isinstance(one, SimTask))
        return sorted(tasks, key=lambda task: task.serial)

    def explain(self) -> list[str]:
        """Say of each task that is not done where it waits."""
        return [f"{self.name}: {_whereabouts(task)}" for task in self.waiting()]

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
        transport = await self._host.connect(self, self._host.resolve(host), int(port))
        protocol = protocol_factory()
        transport.begin(protocol)
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
        if host not in _EVERY_ADDRESS:
            self._host.own(self._host.resolve(host))
        return self._host.listen(self, protocol_factory, int(port or 0))


@contextlib.contextmanager
def outer_loop_aside() -> Iterator[None]:
    """Set the running loop and its current task aside, and put both back at the end.

    In a notebook a cell's code runs inside a task; Python allows one at a time.
    """
    outer = asyncio._get_running_loop()  # noqa: SLF001
    task = asyncio.current_task(outer) if outer else None
    if outer and task:
        asyncio.tasks._leave_task(outer, task)  # noqa: SLF001
    asyncio._set_running_loop(None)  # noqa: SLF001
    try:
        yield
    finally:
        asyncio._set_running_loop(outer)  # noqa: SLF001
        if outer and task:
            asyncio.tasks._enter_task(outer, task)  # noqa: SLF001


def _unwind(coroutine: Any) -> None:
    """Close a coroutine, however often it awaits something on its way out."""
    for _ in range(MOST_AWAITS_ON_THE_WAY_OUT):
        try:
            coroutine.close()
        except RuntimeError:  # it awaited once more instead of ending
            continue
        except Exception:  # noqa: BLE001, S110
            pass  # of a process that is dead: nobody is left to be told
        return


def _whereabouts(task: SimTask) -> str:
    """Return a task's name and the line that it waits at, innermost first."""
    inner: Any = task.get_coro()
    while getattr(inner, "cr_await", None) is not None and hasattr(
        inner.cr_await, "cr_frame"
    ):
        inner = inner.cr_await
    frame = getattr(inner, "cr_frame", None)
    if frame is None:
        return f"{task.get_name()} is about to begin"
    code, line = frame.f_code, frame.f_lineno
    text = linecache.getline(code.co_filename, line).strip()
    module = frame.f_globals.get("__name__", "?")
    return f"{task.get_name()} waits in {module}.{code.co_qualname}: {text}"
