"""Stores that are written here and opened by the real brokers."""

from __future__ import annotations

import pytest

from tests.interop import mixture
from tests.interop.catalogue import Catalogue, check, seen
from tests.interop.jars import VERSIONS, release
from tests.interop.line_client import LineClient
from tests.interop.mixture import COUNT, Mixture
from tests.interop.real import BROKER_NAME, OURS, SMALL_INDEX, broker, name_server
from tests.interop.tables import write_offset, write_topics
from tests.store.shelf import make_store

COMMITTED = 123
FLUSHED, DISPATCHED = COUNT * 6 // 10, COUNT * 8 // 10
"""Of a store that is killed: up to where all is on the disk, and in the queues."""


async def write(root, *, has_v6, is_killed):
    """Write a store as a broker does; return what is in it."""
    store, records = make_store(root, **SMALL_INDEX), []
    store.open()
    for batch in Mixture(has_v6=has_v6).batches():
        assert store.put_batch(batch).record is not None
        before, after = len(records), len(records) + len(batch)
        records += batch
        if not is_killed or after < DISPATCHED:
            store.dispatch()
        if before < FLUSHED <= after:
            await store.flush_log()
            await store.flush_queues()
            await store.checkpoint.save()
    write_topics(root, mixture.TOPICS)
    write_offset(root, "readers", "long", COMMITTED)
    if is_killed:
        store.abandon()
    else:
        await store.close()
    return Catalogue(mixture.TOPICS, [seen(one) for one in records])


@pytest.mark.parametrize("ended", ["stopped", "killed"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_the_real_broker_opens_a_store_that_was_written_here(
    version, ended, tmp_path
):
    real, folder = release(version), tmp_path / "store"
    has_v6 = version != "4.4.0"
    known = await write(folder, has_v6=has_v6, is_killed=ended == "killed")
    async with (
        name_server(OURS, tmp_path) as names,
        broker(real, tmp_path, names, folder) as theirs,
        LineClient(real, tmp_path, names) as client,
    ):
        await check(client, theirs.port, known)
        where = {"topic": "long", "broker": BROKER_NAME, "queue": 0}
        assert await client.ask("committed", **where) == COMMITTED
