"""More questions at once than a connection holds, and servers that read none."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.errors import NoAnswer, NotConnected
from rmqlab.remoting.connection import WRITE_BUFFER_BYTES
from tests.remoting.peers import (
    QUESTION,
    Silent,
    client_of,
    echo,
    scripted_server,
    server_of,
)
from tests.support import until

pytestmark = pytest.mark.simulated

BIG = bytes(1 << 16)
SILENCE_S = 20.0


@pytest.fixture
def deaf():
    """A server that accepts connections and reads nothing, until it is told to end."""
    return asyncio.Event()


async def test_both_ends_may_have_more_to_say_than_there_is_room_for():
    count = 1000
    async with server_of(echo) as server, client_of() as client:
        calls = (client.call(server.address, QUESTION, BIG) for _ in range(count))
        answers = await asyncio.gather(*calls)
    assert [len(one.body) for one in answers] == [len(BIG)] * count


async def test_no_more_than_a_buffer_waits_and_what_was_not_sent_failed_for_certain(
    deaf,
):
    count = 300

    async def script(peer):
        peer.writer.transport.pause_reading()
        await deaf.wait()

    async with scripted_server(script) as address, client_of() as client:
        calls = [
            asyncio.create_task(client.call(address, QUESTION, BIG, SILENCE_S))
            for _ in range(count)
        ]
        await until(lambda: client.is_connected(address))
        connection = client._links[address].connection
        await until(lambda: not connection._room.is_set())
        waiting = connection._transport.get_write_buffer_size()
        assert waiting <= WRITE_BUFFER_BYTES + 2 * len(BIG)
        found = await asyncio.gather(*calls, return_exceptions=True)
        deaf.set()
    kinds = [type(one) for one in found]
    assert set(kinds) == {NoAnswer, NotConnected}
    assert "reads nothing" in str(found[kinds.index(NotConnected)])
    assert all(one.is_definite == (type(one) is NotConnected) for one in found)


async def test_who_waits_for_room_is_told_when_the_connection_breaks(deaf):
    async def script(peer):
        peer.writer.transport.pause_reading()
        await deaf.wait()
        peer.writer.transport.abort()

    async with scripted_server(script) as address, client_of() as client:
        tells = [
            asyncio.create_task(client.tell(address, QUESTION, BIG)) for _ in range(300)
        ]
        await until(lambda: client.is_connected(address))
        await until(lambda: not client._links[address].connection._room.is_set())
        deaf.set()
        found = await asyncio.gather(*tells, return_exceptions=True)
    assert {type(one) for one in found} == {type(None), NotConnected}


async def test_one_way_requests_wait_for_room_and_arrive_all_the_same():
    silent = Silent()
    async with server_of(silent) as server, client_of() as client:
        await asyncio.gather(
            *(client.tell(server.address, QUESTION, BIG) for _ in range(300))
        )
        await until(lambda: len(silent.asked) == 300)
