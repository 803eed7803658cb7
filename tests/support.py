"""What many tests share: golden bytes, free ports, nodes in this process."""

from __future__ import annotations

import asyncio
import fcntl
import inspect
import json
import os
import socket
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from rmqlab.broker.broker import Broker
from rmqlab.clock import Clock
from rmqlab.namesrv.server import NameServer
from rmqlab.settings import (
    BrokerConfig,
    BrokerRole,
    ClientConfig,
    NamesrvConfig,
    StoreConfig,
)
from rmqlab.store.disk import Disk
from rmqlab.store.real_disk import RealDisk
from tests import simulated

hypothesis_settings.register_profile(
    "rmqlab",
    deadline=None,  # a busy machine is no failure
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("rmqlab")

GOLDEN = Path(__file__).parent / "golden"
HOST = "127.0.0.1"
CLAIMS = Path(tempfile.gettempdir()) / "rmqlab-test-ports"
SMALL_FILES = {
    "mapped_file_size_commit_log": 1 << 20,
    "mapped_file_size_consume_queue": 6000,
    "max_hash_slot_num": 500,
    "max_index_num": 1000,
}
"""As the golden stores have them."""

_others = iter(Random().sample(range(20_000, 31_000, 10), 1100))
_own: list[int] = []
OWN_PORTS = 150
REAL_BOUND_S, VIRTUAL_BOUND_S = 30.0, 600.0


def free_port() -> int:
    """Return a port which is free together with the two that a broker derives from it.

    Below the range from which the kernel gives ports to outgoing connections.  It is
    nobody else's who asks here, in whatever process: tests may run side by side.
    """
    if simulated.here():
        return simulated.next_port()
    if len(_own) < OWN_PORTS:
        _own.extend(islice(filter(_is_claimed, _others), 1))
        _own.insert(0, _own.pop())
    for _ in _own:
        port = _own.pop(0)
        _own.append(port)
        if all(_is_free(one) for one in (port - 2, port, port + 1)):
            return port
    raise AssertionError("no free ports left")


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def _is_claimed(port: int) -> bool:
    """Claim a port among all test processes of this machine, until this one ends."""
    CLAIMS.mkdir(exist_ok=True)
    claim = os.open(CLAIMS / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held while this is open
    except OSError:
        os.close(claim)
        return False
    return True


@cache
def golden_index() -> list[dict[str, Any]]:
    """Return what is known of each golden pair of frames."""
    return json.loads((GOLDEN / "frames" / "index.json").read_text())


@cache
def golden_archive(name: str) -> dict[str, bytes]:
    """Return the files of a golden archive by their paths in it."""
    with tarfile.open(GOLDEN / f"{name}.tar.xz") as archive:
        files = [one for one in archive if one.isfile()]
        return {one.name: archive.extractfile(one).read() for one in files}


def golden_file(archive: str, path: str) -> bytes:
    """Return one file of a golden archive."""
    return golden_archive(archive)[path]


@cache
def golden_frames() -> dict[str, bytes]:
    """Return each golden frame, the length word included, by ``….request``."""
    frames = {}
    for pair in golden_index():
        data, at = golden_file("frames", pair["file"]), pair["requestBytes"]
        name = pair["file"].removesuffix(".bin")
        frames[f"{name}.request"] = data[:at]
        if pair["responseBytes"]:
            frames[f"{name}.response"] = data[at:]
    return frames


@cache
def golden_headers() -> dict[str, dict[str, Any]]:
    """Return what the real decoder sees in each golden frame."""
    return json.loads(golden_file("frames", "headers.json"))


@cache
def golden_facts(name: str) -> dict[str, Any]:
    """Return what a real client read from a golden store, such as ``4.9.7-torn``."""
    return json.loads(golden_file("stores", f"store-{name}.json"))


def golden_store(name: str, folder: Path) -> Path:
    """Write a golden store to `folder` and return it."""
    inside = f"store-{name}/"
    for path, data in golden_archive("stores").items():
        if path.startswith(inside):
            file = folder / path.removeprefix(inside)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    return folder


async def until(
    is_true: Callable[[], Any], *, within_s: float | None = None, every_s: float = 0.005
) -> Any:
    """Return what a condition is once it holds; fail where it never does in time.

    It may be a coroutine function.
    """
    bound_s = VIRTUAL_BOUND_S if simulated.here() else REAL_BOUND_S
    async with asyncio.timeout(within_s or bound_s):
        while not (found := await _awaited(is_true())):  # noqa: ASYNC110
            await asyncio.sleep(every_s)
        return found


async def _awaited(found: Any) -> Any:
    return await found if inspect.isawaitable(found) else found


AS_GIVEN = ClientConfig(compress_msg_body_over_howmuch=1 << 30)
"""Of producers whose messages are as large in the log as they say."""


def quick_client() -> ClientConfig:
    """Return client settings whose intervals are short."""
    return ClientConfig(
        poll_name_server_interval=200,
        heartbeat_broker_interval=1000,
        persist_consumer_offset_interval=200,
        rebalance_interval=200,
    )


@asynccontextmanager
async def name_server(port: int | None = None):
    """Run a name server; it is reached at `address`."""
    here = simulated.here()
    config = NamesrvConfig(listen_port=port or free_port())
    async with NameServer(config, here and here.clock) as server:
        server.address = f"{HOST}:{server.port}"
        yield server


def make_broker(
    root: Path,
    name_servers: str = "",
    name: str = "broker-a",
    role: BrokerRole = BrokerRole.ASYNC_MASTER,
    broker_id: int | None = None,
    port: int | None = None,
    clock: Clock | None = None,
    disk: Disk | None = None,
    **settings: Any,
) -> Broker:
    """Build a broker whose store is below `root`, with settings of either."""
    of_broker = {one.name for one in fields(BrokerConfig)} & settings.keys()
    is_slave = role is BrokerRole.SLAVE
    broker_id = broker_id if broker_id is not None else int(is_slave)
    config = BrokerConfig(
        broker_name=name,
        broker_id=broker_id,
        broker_i_p1=HOST,
        broker_i_p2=HOST,
        listen_port=port or free_port(),
        namesrv_addr=name_servers,
        **{key: settings.pop(key) for key in of_broker},
    )
    store_config = StoreConfig(
        store_path_root_dir=str(root / f"{name}-{broker_id}"),
        broker_role=role,
        **{**SMALL_FILES, **settings},
    )
    if here := simulated.here():
        disk, clock = disk or here.disk, clock or here.clock
    return Broker(config, store_config, disk or RealDisk(), clock, Random(1))


def address(broker: Broker) -> str:
    """Return where a broker listens."""
    return f"{HOST}:{broker.config.listen_port}"


@asynccontextmanager
async def master_and_slave(root: Path, role: BrokerRole, **store: Any):
    """Run a name server, a master of `role` and a slave that follows it."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        master = make_broker(root, server.address, role=role, **store)
        await stack.enter_async_context(master)
        slave = make_broker(root, server.address, role=BrokerRole.SLAVE, **store)
        await stack.enter_async_context(slave)
        await slave.ha_slave.connected.wait()
        await master.ha_master.has_slave.wait()
        yield server, master, slave
