"""Connections of a local node on its host's loop: what waits, and in which order."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.classroom.cable import LANE_BYTES
from rmqlab.classroom.faults import Faults
from rmqlab.classroom.host_loop import HostLoop
from rmqlab.classroom.links import Place
from tests.support import until

PLACE = Place("a", "host1", "127.0.0.1", {"127.0.0.1": "here"})
"""Its peers are on another host, whose name is `here`."""
FREE, CUT = Faults(), Faults().with_cut("host1", inward=True, outward=True)
INWARD = Faults().with_cut("host1", inward=True, outward=False)
OUTWARD = Faults().with_cut("host1", inward=False, outward=True)


class Node(asyncio.Protocol):
    """A protocol of a node: keeps what it is told."""

    def __init__(self) -> None:
        self.got, self.said = b"", []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.got += data

    def eof_received(self):
        self.said.append("eof")

    def connection_lost(self, error):
        self.said.append("lost")

    def pause_writing(self):
        self.said.append("full")

    def resume_writing(self):
        self.said.append("room")


@pytest.fixture
def meet():
    """Return a way to run a story of a node, its peer's streams and the loop."""

    def run(story):
        with asyncio.Runner(loop_factory=lambda: HostLoop(PLACE, {})) as runner:
            runner.run(_story(story))

    return run


async def _story(story):
    loop = asyncio.get_running_loop()
    node, peers, joined = Node(), [], asyncio.Event()

    async def accept(reader, writer):
        peers.append((reader, writer))
        joined.set()

    # The peer's streams are no cables: they stand for another machine.
    server = await asyncio.SelectorEventLoop.create_server(
        loop,
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader(), accept),
        "127.0.0.1",
        0,
    )
    port = server.sockets[0].getsockname()[1]
    await loop.create_connection(lambda: node, "127.0.0.1", port)
    await joined.wait()
    try:
        await story(loop, node, *peers[0])
    finally:
        node.transport.abort()
        for _, writer in peers:
            writer.transport.abort()
        server.close()
        await let_pass()


async def let_pass():
    """Give what could get through the time to: a round trip of the loop's own."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_came_during_a_cut_arrives_in_order_when_it_heals(meet):
    async def story(loop, node, reader, writer):
        loop.bring(INWARD)
        writer.write(b"one ")
        await let_pass()
        writer.write(b"two")
        await let_pass()
        assert node.got == b""
        node.transport.write(b"outward is free")
        assert await reader.read(100) == b"outward is free"
        loop.bring(FREE)
        await until(lambda: node.got == b"one two")

    meet(story)


def test_what_a_node_writes_during_a_cut_leaves_when_it_heals(meet):
    async def story(loop, node, reader, writer):
        loop.bring(OUTWARD)
        node.transport.write(b"one ")
        node.transport.write(b"two")
        writer.write(b"inward is free")
        await until(lambda: node.got == b"inward is free")
        assert reader._buffer == b""
        loop.bring(FREE)
        assert await reader.readexactly(7) == b"one two"

    meet(story)


def test_a_node_that_writes_much_into_a_cut_is_told_to_wait(meet):
    async def story(loop, node, reader, writer):
        loop.bring(CUT)
        node.transport.write(b"x" * (LANE_BYTES + 1))
        node.transport.write(b"y")
        assert node.said == ["full"]
        loop.bring(FREE)
        assert (await reader.readexactly(LANE_BYTES + 2))[-1:] == b"y"
        assert node.said == ["full", "room"]

    meet(story)


def test_a_peer_that_ends_during_a_cut_is_missed_when_it_heals(meet):
    async def story(loop, node, reader, writer):
        loop.bring(CUT)
        writer.write(b"last words")
        writer.close()
        await let_pass()
        assert node.said == []
        loop.bring(FREE)
        await until(lambda: node.said == ["eof", "lost"])
        assert node.got == b"last words"

    meet(story)


def test_slow_data_keeps_its_order_and_its_end(meet):
    async def story(loop, node, reader, writer):
        loop.bring(Faults().with_slow("host1", 30, is_disk=False))
        writer.write(b"slow")
        await until(lambda: node.got == b"slow")
        writer.write(b", slower")
        writer.close()
        loop.bring(Faults().with_slow("host1", 1, is_disk=False))
        await until(lambda: node.said == ["eof", "lost"])
        assert node.got == b"slow, slower"

    meet(story)


def test_once_a_link_is_fast_again_nobody_waits_as_long_as_it_was_slow(meet):
    async def story(loop, node, reader, writer):
        loop.bring(Faults().with_slow("host1", 600_000, is_disk=False))
        writer.write(b"in")
        node.transport.write(b"out")
        await let_pass()
        assert node.got == b""
        loop.bring(FREE)
        await until(lambda: node.got == b"in")
        assert await reader.readexactly(3) == b"out"

    meet(story)


def test_a_slow_node_sends_what_it_wrote_before_it_closes(meet):
    async def story(loop, node, reader, writer):
        loop.bring(Faults().with_slow("a", 20, is_disk=False))
        node.transport.write(b"goodbye")
        node.transport.close()
        assert node.transport.is_closing()
        assert await reader.read(100) == b"goodbye"
        assert await reader.read(100) == b""

    meet(story)


def test_nobody_is_read_that_the_node_does_not_want_to_read(meet):
    async def story(loop, node, reader, writer):
        node.transport.pause_reading()
        loop.bring(CUT)
        loop.bring(FREE)
        writer.write(b"later")
        await let_pass()
        assert node.got == b""
        node.transport.resume_reading()
        await until(lambda: node.got == b"later")

    meet(story)


def test_a_connection_is_made_once_the_cut_heals(meet):
    async def story(loop, node, reader, writer):
        loop.bring(OUTWARD)
        port = writer.get_extra_info("sockname")[1]
        late = Node()
        making = asyncio.ensure_future(
            loop.create_connection(lambda: late, "127.0.0.1", port)
        )
        await let_pass()
        assert not making.done()
        loop.bring(FREE)
        transport, protocol = await making
        assert protocol is late
        transport.write(b"at last")
        transport.close()

    meet(story)
