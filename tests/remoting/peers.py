"""A server and raw peers of it, for one test each."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager

from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.messaging import GetMaxOffset
from rmqlab.protocol.stream import FrameDecoder
from rmqlab.remoting import RemotingClient, RemotingServer
from tests.support import HOST

BOUND_S = 300.0
"""A test that waits in vain fails after so long."""
QUESTION = GetMaxOffset("orders", 0)
QUESTION_TO = GetMaxOffset.CODE


def question(number=0, body=b"", **fields):
    """Return a request as a raw peer writes it."""
    return Frame(QUESTION_TO, QUESTION.to_wire(), body, opaque=number, **fields)


def echo(frame, connection):
    """Answer with what came."""
    return frame.answer(ResponseCode.SUCCESS, frame.fields, frame.body)


class Silent:
    """A handler that keeps requests, to be answered later or never."""

    def __init__(self) -> None:
        self.asked = []

    def __call__(self, frame, connection):
        self.asked.append((frame, connection))


@asynccontextmanager
async def server_of(handle=echo):
    """Run a server; `lost` are the connections that ended."""
    lost = []
    server = RemotingServer(handle, lost.append)
    server.lost_ones = lost
    server.port = await server.listen(0)
    server.address = f"{HOST}:{server.port}"
    try:
        async with asyncio.timeout(BOUND_S):
            yield server
    finally:
        await server.stop()


@asynccontextmanager
async def client_of():
    """Yield a client; all its connections are closed at the end."""
    client = RemotingClient()
    try:
        async with asyncio.timeout(BOUND_S):
            yield client
    finally:
        await client.close()


class Peer:
    """A connection on which a test writes bytes and reads frames."""

    def __init__(self, reader, writer) -> None:
        self.reader, self.writer = reader, writer
        self._decoder, self._frames = FrameDecoder(), []

    def write(self, *frames):
        """Write frames, or bytes as they are."""
        parts = [one if isinstance(one, bytes) else one.to_bytes() for one in frames]
        self.writer.write(b"".join(parts))

    async def frame(self):
        """Read one frame."""
        while not self._frames:
            data = await self.reader.read(1 << 16)
            assert data, "the connection ended"
            self._frames += self._decoder.feed(data)
        return self._frames.pop(0)

    async def ended(self):
        """Return once the other end has closed, whichever way it does."""
        with contextlib.suppress(ConnectionResetError):
            await self.reader.read()


@asynccontextmanager
async def peer_of(server):
    """Connect to a server."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def scripted_server(script):
    """Accept connections and run `script(peer)` on each."""
    tasks = []

    async def run(reader, writer):
        tasks.append(asyncio.current_task())
        try:
            await script(Peer(reader, writer))
        finally:
            writer.close()

    server = await asyncio.start_server(run, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(BOUND_S):
            yield f"{HOST}:{port}"
    finally:
        server.close()
        await asyncio.gather(*tasks)
        await server.wait_closed()
