"""What a health check says of a node, and how it knows what the node needs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rmqlab import health
from tests.support import address, free_port, make_broker, name_server


async def test_a_health_check_says_what_a_node_lacks(tmp_path):
    async with name_server() as server:
        file = tmp_path / "broker.properties"
        file.write_text(f"listenPort={free_port()}\nnamesrvAddr={server.address}\n")
        target = health.target_of(["python", "/bin/mqbroker", "-c", str(file)])
        assert "Connection refused" in await asyncio.to_thread(health.missing, target)

        master = make_broker(tmp_path, server.address)
        async with master:
            unknown = replace(target, address=address(master), broker_name="other")
            why = await asyncio.to_thread(health.missing, unknown)
            assert why == f"name server {server.address} does not know it yet"

            known = replace(unknown, broker_name="broker-a")
            assert await asyncio.to_thread(health.missing, known) == ""

            with_slave = replace(known, slaves=1)
            why = await asyncio.to_thread(health.missing, with_slave)
            assert why == "no connection to its slave yet: 0 of 1 slaves"


@pytest.mark.parametrize(
    ("role", "slaves", "is_open"),
    [("ASYNC_MASTER", 0, True), ("SYNC_MASTER", 1, True), ("SLAVE", 0, False)],
)
def test_who_promises_two_copies_needs_a_slave(tmp_path, role, slaves, is_open):
    file = tmp_path / "broker.properties"
    file.write_text(f"brokerRole={role}\nbrokerId=1\n")
    target = health.target_of(["mqbroker", "-c", str(file)])
    assert (target.slaves, target.is_open) == (slaves, is_open)
