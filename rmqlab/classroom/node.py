"""A local node's process: waits to be told to go, runs, ends with its owner.

The owner holds two pipes.  Down the first, stdin, comes a line of JSON: who the node
is, and later one for each change of what is wrong with its network and disk.  Until
the first the process only imports, so that all nodes do that at the same time and start
in order all the same.  Up the second, whose number is the argument, go lines of JSON:
``{"event": "usable"}``.  When the first pipe ends, the owner is gone, and so is the
node.
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
from typing import Any, cast

from rmqlab import boot
from rmqlab.broker import __main__ as mqbroker
from rmqlab.broker.broker import Broker
from rmqlab.classroom import readiness
from rmqlab.classroom.faults import OBEYED, Faults
from rmqlab.classroom.host_loop import HostLoop
from rmqlab.classroom.links import Place
from rmqlab.classroom.lodging import DISK_LIMITS
from rmqlab.classroom.slow_disk import SlowDisk
from rmqlab.errors import StoreError
from rmqlab.namesrv import __main__ as mqnamesrv
from rmqlab.remoting import ANY_ADDRESS
from rmqlab.store.disk import Disk

STDIN = 0
PIECE_BYTES = 1 << 16


def main() -> None:
    """Run until SIGTERM, or until the owner is gone."""
    # Unbuffered: what follows the line is for the loop to read.
    first = os.fdopen(STDIN, "rb", buffering=0, closefd=False).readline()
    if not first:
        return
    spec = json.loads(first)
    os.environ[boot.LOG_DIR_VARIABLE] = spec["log_dir"]
    os.environ.setdefault(mqbroker.JAVA_OPTIONS, " ".join(DISK_LIMITS))
    os.environ[boot.BIND_VARIABLE] = ANY_ADDRESS  # of its host, says its loop
    arguments = ["-c", spec["file"]] if spec["file"] else []
    place = Place(spec["node"], spec["host"], spec["address"], spec["hosts"])
    make_loop: Callable[[], HostLoop] = partial(HostLoop, place, spec["names"])
    disk = SlowDisk()
    if spec["trace"]:
        make_loop, disk = _overheard(spec, place)
    with asyncio.Runner(loop_factory=make_loop) as runner:
        loop = cast("HostLoop", runner.get_loop())
        orders = Orders(loop, disk, place)
        orders.bring(spec["faults"])
        loop.add_reader(STDIN, orders.read)
        if spec["is_namesrv"]:
            run_namesrv(runner, arguments, Path(spec["home"]))
        else:
            run_broker(runner, arguments, disk, has_slave=spec["has_slave"])


class Orders:
    """What the owner says down the pipe while the node runs."""

    def __init__(self, loop: HostLoop, disk: SlowDisk, place: Place) -> None:
        self._loop, self._disk, self._place = loop, disk, place
        self._rest = b""

    def read(self) -> None:
        """Obey what has come; end as on SIGTERM where the owner is gone."""
        data = os.read(STDIN, PIECE_BYTES)
        if not data:
            self._loop.remove_reader(STDIN)
            os.kill(os.getpid(), signal.SIGTERM)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.bring(json.loads(line)["faults"])
            tell(event=OBEYED)

    def bring(self, found: dict[str, Any]) -> None:
        """Let these be the faults from now on."""
        faults = Faults.from_json(found)
        self._loop.bring(faults)
        self._disk.flush_s = self._place.flush_s(faults)


def _overheard(
    spec: dict[str, Any], place: Place
) -> tuple[Callable[[], HostLoop], SlowDisk]:
    """Return what a node runs on that is traced."""
    # Only who is traced needs it: the others start without.
    from rmqlab.classroom import overhear  # noqa: PLC0415

    trace, node = spec["trace"], spec["trace"]["first"]["topology"]
    part = Path(spec["log_dir"]) / f"trace-{os.getpid()}.jsonl"
    tell = overhear.begin(trace, part)
    loop = partial(overhear.OverheardLoop, place, spec["names"], node, tell)
    return loop, overhear.OverheardDisk(trace["host"], tell)


def run_namesrv(runner: asyncio.Runner, arguments: list[str], home: Path) -> None:
    """Run a name server as `mqnamesrv` does, its files below `home`."""
    server = mqnamesrv.build(arguments, home)

    async def run() -> None:
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
    disk: Disk,
    *,
    has_slave: bool,
) -> None:
    """Run a broker as `mqbroker` does, on a disk that may be slow."""
    broker = mqbroker.build(arguments, disk)
    line = mqbroker.boot_line(broker.config)
    watching: set[asyncio.Task[None]] = set()

    def begin_to_watch() -> None:
        watching.add(asyncio.create_task(watch(broker, has_slave=has_slave)))

    async def run() -> None:
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


if __name__ == "__main__":
    main()
