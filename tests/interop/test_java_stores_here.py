"""Stores that the real brokers wrote, opened here and served by our broker.

For each release one real broker is sent ten thousand messages by its own Java client,
which then reads all of them again.  What it is told is what we must find.  A copy is
taken while the broker is stopped by a signal, with all its files mapped: this is what
SIGKILL leaves, for what a process wrote is in the page cache.  Then it is ended in
good order, and its own folder is the other store.
"""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from rmqlab.protocol.message import SCHEDULE_TOPIC
from rmqlab.store.index_file import ENTRY, HEADER
from tests.interop import sendings
from tests.interop.catalogue import Catalogue, Told, check, in_order, seen
from tests.interop.jars import VERSIONS, release
from tests.interop.line_client import LineClient
from tests.interop.mixture import HALF_TOPIC, OP_TOPIC
from tests.interop.real import BROKER_NAME, OURS, SMALL_INDEX, broker, name_server
from tests.interop.sendings import Sendings
from tests.interop.tables import write_topics
from tests.store.shelf import entries, opened

ENDS = ["stopped", "killed"]
COMMITTED = 77
OWN_TOPICS = {SCHEDULE_TOPIC: 18, HALF_TOPIC: 1, OP_TOPIC: 1}
"""No client may create these, and no client may read what topics.json does not name."""
FOREVER_MS = (1 << 63) - 1


@pytest.fixture(scope="session", params=VERSIONS)
def theirs(request, once, workshop):
    """Return the stores of a real broker and what its client was told, made once."""
    real = release(request.param)
    name = f"java-{real.version}"
    told = once(name, lambda folder: make(real, folder))
    return Theirs(real, workshop / name, told)


class Theirs:
    """Two stores of one broker, and what a client was told while it ran."""

    def __init__(self, real, folder, told):
        self.real, self.folder = real, folder
        self.sent = told["sent"]
        self.known = Catalogue(told["topics"], told["messages"])

    def copy(self, ended, to):
        """Copy one of the stores, for a test to work on."""
        return shutil.copytree(self.folder / ended, to / "store")


async def make(real, folder):
    """Have a real broker write two stores; return what its client was told."""
    for ended in ENDS:  # of an attempt that failed
        shutil.rmtree(folder / ended, ignore_errors=True)
    write_topics(folder / "stopped", OWN_TOPICS)
    async with (
        name_server(real, folder) as names,
        broker(real, folder, names, folder / "stopped") as node,
        LineClient(real, folder, names) as client,
    ):
        told = await fill(client)
        node.signal(signal.SIGSTOP)
        shutil.copytree(folder / "stopped", folder / "killed")
        node.signal(signal.SIGCONT)
        await node.stop()
    return told


async def fill(client):
    """Send everything; return what was asked and answered, and what is then read."""
    for topic, queues in sendings.TOPICS.items():
        await client.ask("create", like="TBW102", topic=topic, queues=queues)
    requests = list(Sendings().requests())
    answers = await client.ask_all(requests)
    # The end of a transaction is told one way: the broker's note says it was heard.
    await client.ask("read", **queue(OP_TOPIC), **{"from": 0, "to": sendings.NOTED})
    await client.ask("commit", **queue("long"), offset=COMMITTED)
    topics = sendings.TOPICS | OWN_TOPICS
    bounds = await Told(client, 0, Catalogue(topics, [])).bounds()
    messages = [
        one
        for topic, rows in bounds.items()
        for _, number, low, high in rows
        for one in await client.ask(
            "read", **queue(topic, number), **{"from": low, "to": high}
        )
    ]
    sent = list(zip(requests, answers, strict=True))
    return {"topics": topics, "messages": in_order(messages), "sent": sent}


def outline(message):
    """Return what a message has in common with the request that sent it."""
    named = message["properties"]
    known = [named.get(name) for name in ("TAGS", "KEYS", "colour", "DELAY")]
    return [message["body"], message["flag"], *known]


def queue(topic, number=0):
    return {"topic": topic, "broker": BROKER_NAME, "queue": number}


def test_the_client_reads_from_the_real_broker_what_it_sent(theirs):
    """Or what is compared below would not be worth much."""
    sent = {}
    for asked, answer in theirs.sent:
        assert answer["status"] == "SEND_OK"
        batch = asked.get("messages") or [asked["message"]]
        ids = answer["id"].split(",")
        sent |= zip(ids, map(sendings.outline, batch), strict=True)
    in_final_topic = (one for one in theirs.known.messages if one["prepared"] == 0)
    read = {one["properties"].get("UNIQ_KEY"): outline(one) for one in in_final_topic}
    read.pop(None)  # the broker's own notes
    assert len(read) >= sendings.COUNT
    assert read == sent


def test_the_real_broker_stored_each_message_where_it_said(theirs):
    where = {one["at"]: one for one in theirs.known.messages}
    for _, answer in theirs.sent:
        ids = answer["id"].split(",")
        places = answer.get("offsetId")  # none of a half message
        for number, place in enumerate(places.split(",") if places else []):
            found = where[int(place[-16:], 16)]
            assert found["properties"]["UNIQ_KEY"] == ids[number]
            assert found["offset"] == answer["offset"] + number


@pytest.mark.parametrize("ended", ENDS)
def test_a_store_of_the_real_broker_has_here_what_its_client_was_told(
    theirs, ended, tmp_path
):
    known = theirs.known
    with opened(theirs.copy(ended, tmp_path), **SMALL_INDEX) as store:
        assert store.found.was_crash == (ended == "killed")
        assert store.found.damage is None
        assert [seen(one) for one in store.log.scan(0)] == known.messages
        assert entries(store) == known.entries()
        assert sorted(index_entries(store)) == sorted(known.index_entries())
        found = {
            (topic, key): store.reading.by_key(topic, key, 64, 0, FOREVER_MS)
            for topic, key in known.by_key()
        }
    places = {key: [one.physical_offset for one in found[key]] for key in found}
    assert places == known.by_key()


def index_entries(store):
    """Yield hash and place of each entry of each index file."""
    shape = store.index.shape
    for path in sorted(Path(store.paths.index).iterdir()):
        data = path.read_bytes()
        *_, count = HEADER.unpack_from(data)
        for number in range(1, count):
            hashed, at, *_ = ENTRY.unpack_from(data, shape.entry_at(number))
            yield hashed, at


@pytest.mark.parametrize("ended", ENDS)
async def test_our_broker_serves_a_store_of_the_real_one(theirs, ended, tmp_path):
    folder = theirs.copy(ended, tmp_path)
    async with (
        name_server(OURS, tmp_path) as names,
        broker(OURS, tmp_path, names, folder) as ours,
        LineClient(theirs.real, tmp_path, names) as client,
    ):
        await check(client, ours.port, theirs.known)
        if ended == "stopped":  # the table is written then, at the latest
            assert await client.ask("committed", **queue("long")) == COMMITTED
