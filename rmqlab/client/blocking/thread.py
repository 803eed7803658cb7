"""Where blocking clients live: one loop for a process, on a thread of its own.

It is one of the only two threads in the system.  In a simulation there is none: time
passes while a call lasts, and another `Driver` runs the clients.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache, partial
from typing import Any, Protocol, TypeVar

from rmqlab.client.place import Place

log = logging.getLogger(__name__)

T = TypeVar("T")

NAME = "rmqlab-client"


@cache
def shared_loop() -> asyncio.AbstractEventLoop:
    """Return this process's client loop, started on its thread when first asked for."""
    loop = asyncio.new_event_loop()
    run_on = partial(_run_for_ever, loop)
    threading.Thread(target=run_on, name=NAME, daemon=True).start()
    return loop


def _run_for_ever(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop, whatever a listener does: a call would wait for a dead one."""
    while True:
        try:
            loop.run_forever()
        except SystemExit:
            log.exception("only the main thread can exit; have the listener tell it")


def begin(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Have the client loop do something while the caller goes on."""
    return asyncio.run_coroutine_threadsafe(work, shared_loop())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Have the client loop do something and wait for it.

    An interrupt (Ctrl-C, or a notebook's stop button) ends both.

    Raises:
        RuntimeError: a listener calls it, on the very thread that it waits for.
    """
    if threading.current_thread().name == NAME:
        work.close()
        raise RuntimeError(
            "a listener may not wait for what its own thread is to do: make it "
            "`async` and await a client without `Blocking`, or have another thread ask"
        )
    future = begin(work)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


class Driver(Protocol):
    """Who runs the loop that clients live on, and where that is."""

    @property
    def place(self) -> Place | None:
        """Where the clients are; None: here."""
        ...

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have it done and return the result."""
        ...


class ClientThread:
    """The loop of this process's client thread."""

    place: Place | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """See `run`."""
        return run(work)


THREAD = ClientThread()
