"""A local node's process: waits to be told to go, runs, ends with its owner.

The owner holds two pipes.  Down the first, stdin, comes one line of JSON: who the node
is.  Until then the process only imports, so that all nodes do that at the same time
and start in order all the same.  Up the second, whose number is the argument, go lines
of JSON: ``{"event": "usable"}``.  When the first pipe ends, the owner is gone, and so
is the node.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rmqlab import boot
from rmqlab.broker import __main__ as mqbroker
from rmqlab.broker.broker import Broker
from rmqlab.classroom import readiness
from rmqlab.classroom.host_loop import HostLoop
from rmqlab.errors import StoreError
from rmqlab.namesrv import __main__ as mqnamesrv
from rmqlab.remoting import ANY_ADDRESS
from rmqlab.store.disk import Disk

DISK_LIMITS = (
    "-Drocketmq.broker.diskSpaceWarningLevelRatio=0.99 "
    "-Drocketmq.broker.diskSpaceCleanForciblyRatio=0.99"
)
"""A learner's disk may be fuller than a server's should be."""


def main() -> None:
    """Run until SIGTERM, or until the owner is gone."""
    spec = json.loads(sys.stdin.readline() or "null")
    if spec is None:
        return
    os.environ[boot.LOG_DIR_VARIABLE] = spec["log_dir"]
    os.environ.setdefault(mqbroker.JAVA_OPTIONS, DISK_LIMITS)
    os.environ[boot.BIND_VARIABLE] = ANY_ADDRESS  # of its host, says its loop
    arguments = ["-c", spec["file"]] if spec["file"] else []
    make_loop: Callable[[], HostLoop] = partial(
        HostLoop, spec["address"], spec["names"]
    )
    disk: Disk | None = None
    if spec["trace"]:
        make_loop, disk = _overheard(spec)
    with asyncio.Runner(loop_factory=make_loop) as runner:
        if spec["is_namesrv"]:
            run_namesrv(runner, arguments, Path(spec["home"]))
        else:
            run_broker(runner, arguments, disk, has_slave=spec["has_slave"])


def _overheard(spec: dict[str, Any]) -> tuple[Callable[[], HostLoop], Disk]:
    """Return what a node runs on that is traced."""
    # Only who is traced needs it: the others start without.
    from rmqlab.classroom import overhear  # noqa: PLC0415

    trace, node = spec["trace"], spec["trace"]["first"]["topology"]
    part = Path(spec["log_dir"]) / f"trace-{os.getpid()}.jsonl"
    tell = overhear.begin(trace, part)
    at = spec["address"], spec["names"]
    loop = partial(overhear.OverheardLoop, *at, node, tell)
    return loop, overhear.OverheardDisk(trace["host"], tell)


def run_namesrv(runner: asyncio.Runner, arguments: list[str], home: Path) -> None:
    """Run a name server as `mqnamesrv` does, its files below `home`."""
    server = mqnamesrv.build(arguments, home)

    async def run() -> None:
        end_with_owner()
        await boot.serve(server, mqnamesrv.BOOT_LINE, lambda: tell(event="usable"))

    try:
        runner.run(run())
    except OSError as error:
        port = server.config.listen_port
        tell(event="failed", port=port)
        boot.fail(f"cannot listen on port {port}: {error.strerror}")


def run_broker(
    runner: asyncio.Runner,
    arguments: list[str],
    disk: Disk | None,
    *,
    has_slave: bool,
) -> None:
    """Run a broker as `mqbroker` does, on another disk if one is given."""
    broker = mqbroker.build(arguments, disk)
    line = mqbroker.boot_line(broker.config)
    watching: set[asyncio.Task[None]] = set()

    def begin_to_watch() -> None:
        watching.add(asyncio.create_task(watch(broker, has_slave=has_slave)))

    async def run() -> None:
        end_with_owner()
        await boot.serve(broker, line, begin_to_watch)

    try:
        runner.run(run())
    except (OSError, StoreError) as error:
        port = broker.config.listen_port if isinstance(error, OSError) else None
        tell(event="failed", port=port)
        boot.fail(*mqbroker.explain(error, broker))


async def watch(broker: Broker, *, has_slave: bool) -> None:
    """Tell the owner when the broker is usable, or what it still waits for."""
    async for why in readiness.reasons(broker, has_slave=has_slave):
        if why:
            tell(event="waiting", why=why)
        else:
            tell(event="usable")


def tell(**fact: Any) -> None:
    """Tell the owner something; an owner that is gone need not know."""
    with contextlib.suppress(OSError):
        os.write(int(sys.argv[1]), json.dumps(fact).encode() + b"\n")


def end_with_owner() -> None:
    """Stop as on SIGTERM once the owner's pipe ends."""
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(sys.stdin.fileno())
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(sys.stdin.fileno(), gone)


if __name__ == "__main__":
    main()
