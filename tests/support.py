"""What many tests share: golden bytes, free ports, nodes in this process."""

from __future__ import annotations

import json
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from rmqlab.broker.broker import Broker
from rmqlab.namesrv.server import NameServer
from rmqlab.settings import (
    BrokerConfig,
    BrokerRole,
    ClientConfig,
    NamesrvConfig,
    StoreConfig,
)
from rmqlab.store.real_disk import RealDisk

GOLDEN = Path(__file__).parent / "golden"
HOST = "127.0.0.1"
SMALL_FILES = {
    "mapped_file_size_commit_log": 1 << 20,
    "mapped_file_size_consume_queue": 6000,
}
"""As the golden stores have them."""

_ports = iter(Random().sample(range(20_000, 31_000, 10), 1000))


def free_port() -> int:
    """Return a port which is free together with the two that a broker derives from it.

    Below the range from which the kernel gives ports to outgoing connections.
    """
    for port in _ports:
        try:
            for one in (port - 2, port, port + 1):
                with socket.socket() as probe:
                    probe.bind((HOST, one))
        except OSError:
            continue
        return port
    raise AssertionError("no free ports left")


@cache
def golden_index() -> list[dict[str, Any]]:
    """Return what is known of each golden pair of frames."""
    return json.loads((GOLDEN / "frames" / "index.json").read_text())


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
    async with NameServer(NamesrvConfig(listen_port=port or free_port())) as server:
        server.address = f"{HOST}:{server.port}"
        yield server


def make_broker(
    root: Path,
    name_servers: str = "",
    name: str = "broker-a",
    role: BrokerRole = BrokerRole.ASYNC_MASTER,
    broker_id: int | None = None,
    port: int | None = None,
    **store: Any,
) -> Broker:
    """Build a broker whose store is below `root`."""
    is_slave = role is BrokerRole.SLAVE
    broker_id = broker_id if broker_id is not None else int(is_slave)
    config = BrokerConfig(
        broker_name=name,
        broker_id=broker_id,
        broker_i_p1=HOST,
        broker_i_p2=HOST,
        listen_port=port or free_port(),
        namesrv_addr=name_servers,
    )
    settings = {**SMALL_FILES, **store}
    store_config = StoreConfig(
        store_path_root_dir=str(root / f"{name}-{broker_id}"),
        broker_role=role,
        **settings,
    )
    return Broker(config, store_config, RealDisk(), random=Random(1))


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
        yield server, master, slave
