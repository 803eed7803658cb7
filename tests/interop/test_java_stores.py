"""Stores that are written here and opened by the real brokers, and the other way."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.broker.services.housekeeping import Persistence
from rmqlab.broker.tables.offsets import Offsets
from rmqlab.broker.tables.topics import Topics
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.settings import BrokerConfig
from tests.interop import mixture
from tests.interop.catalogue import Catalogue, Told, seen
from tests.interop.jars import VERSIONS, release
from tests.interop.line_client import LineClient
from tests.interop.mixture import COUNT, Mixture
from tests.interop.real import BROKER_NAME, OURS, SMALL_STORE, broker, name_server
from tests.store.shelf import DISK, make_store

INDEX = {
    "max_hash_slot_num": SMALL_STORE["maxHashSlotNum"],
    "max_index_num": SMALL_STORE["maxIndexNum"],
}
FLUSHED, DISPATCHED = COUNT * 6 // 10, COUNT * 8 // 10
"""Of a store that is killed: up to where all is on the disk, and in the queues."""


async def write(root, *, has_v6, is_killed):
    """Write a store as a broker does; return what is in it."""
    store, records = make_store(root, **INDEX), []
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
    write_tables(store, records)
    if is_killed:
        store.abandon()
    else:
        await store.close()
    return Catalogue(mixture.TOPICS, [seen(one) for one in records])


def write_tables(store, records):
    """Write topics.json and consumerOffset.json as our broker does."""
    config = BrokerConfig(broker_name=BROKER_NAME, broker_cluster_name="interop")
    topics, offsets = Topics(config, 1), Offsets()
    for name, queues in mixture.TOPICS.items():
        topics.put(TopicConfig(name, queues, queues), 2)
    offsets.commit("readers", "long", 0, 123)
    Persistence(DISK, store.paths, (topics, offsets), 1).save_changed()


async def check(client, port, known):
    """Check everything that a client can be told of the messages."""
    told = Told(client, port, known)
    assert await told.bounds() == known.bounds()
    assert await told.messages() == known.queued
    assert await told.unqueued() == known.unqueued()
    assert await told.by_key() == known.by_key()
    assert await told.by_unique_key() == known.by_unique_key()
    assert await told.times() == known.times()


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
        assert await client.ask("committed", **where) == 123
