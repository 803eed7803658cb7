"""`bench stages`: where the processor's time goes, from a client's send to its answer.

    client                              broker
    ──────                              ──────
    request written ──► bytes sent ──►  frame read ► header read ► checked ► stored
                                                      │ record made ► log written
    answer read  ◄───── bytes sent  ◄─  answer written ◄┘
                                        later: queues and index filled

Each stage is a function of the system, found by its name, with a watch put around it;
what it calls of other stages counts for those.  All else is the rest: the client's own
code, the event loop, and reading from the sockets.  Client and nodes share one thread,
whose processor time counts, so that a busy machine is in nobody's way.

Not here: waiting.  What a flush or a slave adds is no work (`replication`, lab 10).
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rmqlab.classroom.bench.own_process import in_own_process
from rmqlab.classroom.bench.part import Better, Measure, Part, Probe, Sizes
from rmqlab.client.producer import Producer
from rmqlab.protocol.message import Message
from rmqlab.testing import AsyncRocketMQ

STAGES = {
    "frames written": "rmqlab.protocol.frame:Frame.to_bytes",
    "frames read": "rmqlab.protocol.frame:Frame.from_bytes",
    "header read": "rmqlab.protocol.header:Header.parse",
    "checked": "rmqlab.broker.handlers.send:SendHandler.send",
    "stored": "rmqlab.store.store:MessageStore.put",
    "record made": "rmqlab.protocol.record:encode",
    "log written": "rmqlab.store.commit_log:CommitLog.append",
    "queues filled": "rmqlab.store.following:Follower.dispatch",
    "bytes sent": "asyncio.selector_events:_SelectorSocketTransport.write",
}
"""In the order of a send; frames and bytes are those of request and answer."""
REST, WHOLE = "the rest", "a whole send"
BUDGET = {
    "frames written": 8,
    "frames read": 13,
    "header read": 6,
    "checked": 14,
    "stored": 7,
    "record made": 3,
    "log written": 6,
    "queues filled": 15,
    "bytes sent": 8,
    REST: 45,
}
"""What each may take of a whole send, in percent: on every machine about the same."""
TOPIC, BODY = "stages", bytes(128)
SENDERS, WARMING = 16, 500
MESSAGE_BYTES, EMPTY_BYTES = 500, 100_000_000


class Watch:
    """Adds up each stage's time, without that of the stages within it."""

    def __init__(self) -> None:
        self.ns = dict.fromkeys(STAGES, 0)
        self._within = [0]

    def put_around(
        self, stage: str, function: Callable[..., Any]
    ) -> Callable[..., Any]:
        """Return a function that does the same and is timed."""

        @functools.wraps(function)
        def timed(*args: Any, **more: Any) -> Any:
            self._within.append(0)
            began = time.thread_time_ns()
            try:
                return function(*args, **more)
            finally:
                took = time.thread_time_ns() - began
                self.ns[stage] += took - self._within.pop()
                self._within[-1] += took

        return timed

    @contextmanager
    def on_all_stages(self) -> Iterator[None]:
        """Time all stages while the block runs."""
        with ExitStack() as undone:
            for stage, where in STAGES.items():
                owner, name = _found(where)
                before = inspect.getattr_static(owner, name)
                undone.callback(setattr, owner, name, before)
                is_of_class = isinstance(before, classmethod)
                timed = self.put_around(
                    stage, before.__func__ if is_of_class else before
                )
                setattr(owner, name, classmethod(timed) if is_of_class else timed)
            yield


def _found(where: str) -> tuple[Any, str]:
    """Return what holds the function at ``module:Class.name``, and its name there."""
    module, _, path = where.partition(":")
    *classes, name = path.split(".")
    owner = importlib.import_module(module)
    for one in classes:
        owner = getattr(owner, one)
    return owner, name


def stages_of_a_send(folder: Path, sends: int = 5000) -> dict[str, float]:
    """Send to a broker in this process; return each stage's µs a send, and the rest's.

    `folder` is for its store.
    """
    watch = Watch()
    with watch.on_all_stages():
        whole_ns = asyncio.run(_send(folder, sends, watch))
    found = {stage: ns / sends / 1000 for stage, ns in watch.ns.items()}
    found[REST] = whole_ns / sends / 1000 - sum(found.values())
    return found


async def _send(folder: Path, sends: int, watch: Watch) -> int:
    """Return what all of it took, in ns of this thread."""
    async with (
        AsyncRocketMQ(folder) as rocketmq,
        Producer("bench", rocketmq.name_servers) as producer,
    ):

        async def send(count: int) -> None:
            for _ in range(count):
                await producer.send(Message(TOPIC, BODY))

        await send(WARMING)
        watch.ns = dict.fromkeys(STAGES, 0)
        began = time.thread_time_ns()
        await asyncio.gather(*(send(sends // SENDERS) for _ in range(SENDERS)))
        return time.thread_time_ns() - began


def measure(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """Take the stages once."""
    found = stages_of_a_send(folder / "stages", sizes["sends"])
    whole = sum(found.values())
    shares = {_share(stage): us / whole * 100 for stage, us in found.items()}
    return found | {WHOLE: whole} | shares


def _share(stage: str) -> str:
    return f"{stage}, of the whole"


PART = Part(
    name="stages",
    about="processor time of a send, client and broker in one thread, 128 bytes",
    probes=(
        Probe(
            "stages",
            in_own_process(f"{__name__}:measure"),
            (
                *(Measure(one, "µs", Better.LOWER) for one in (*STAGES, REST, WHOLE)),
                *(
                    Measure(_share(one), "%", Better.LOWER, most)
                    for one, most in BUDGET.items()
                ),
            ),
        ),
    ),
    sizes={"sends": 8000},
    quick={"sends": 320},
    room=lambda sizes: EMPTY_BYTES + sizes["sends"] * MESSAGE_BYTES,
)


def work_of_a_send(sends: int = 2000) -> dict[str, float]:
    """Return the µs of each stage and of the rest, measured in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        found = PART.probes[0].run(Path(folder), {"sends": sends})
    return {stage: found[stage] for stage in BUDGET}
