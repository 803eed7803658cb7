"""Name server and broker against bytes that no peer should send.

Golden requests are mutated: as bytes, and as frames whose parts are nonsense, so that
some of it reaches every handler.  Whatever comes, a node answers or hangs up, forgets
the peer with its connection, and goes on to serve another one.

RMQLAB_CAMPAIGN=1 sends ten million bytes, else some ten thousands.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from rmqlab.errors import WireError
from rmqlab.namesrv.server import NameServer
from rmqlab.protocol.admin import GetRuntimeInfo
from rmqlab.protocol.frame import Frame, HeaderFormat
from rmqlab.protocol.routing import GetClusterInfo
from rmqlab.remoting import RemotingClient
from rmqlab.settings import NamesrvConfig
from tests import simulated
from tests.support import HOST, golden_frames, golden_index, make_broker, name_server

IS_CAMPAIGN = bool(os.environ.get("RMQLAB_CAMPAIGN"))
PARTS = range(10) if IS_CAMPAIGN else range(1)
BYTES_A_PART = 500_000 if IS_CAMPAIGN else 40_000
"""For each of the two nodes."""
FRAMES_AT_ONCE = 4
OF_NAMESRV = {header.CODE for header, _ in NameServer(NamesrvConfig()).requests.table()}
NONSENSE = [
    "", "-1", "0", "1", "65536", "2147483647", "2147483648", "-9223372036854775808",
    "18446744073709551616", "true", "x" * 300, "TBW102", "%RETRY%g", "\0", "ä😀", "{}",
]  # fmt: skip
LONG_BYTES = 1000
"""Longer requests are taken seldom: many short ones try more."""


@cache
def requests(*, of_namesrv: bool) -> list[bytes]:
    """Return the golden requests to one kind of node, length words included."""
    return [
        golden_frames()[f"{pair['file'].removesuffix('.bin')}.request"]
        for pair in golden_index()
        if (pair["code"] in OF_NAMESRV) is of_namesrv
    ]


def mutated(data: bytes, random: Random) -> bytes:
    """Return the frame with something wrong with it, or two frames' parts."""
    how = random.randrange(6)
    if how < 3:
        return nonsense(data, random)
    at, end = sorted(random.randrange(len(data)) for _ in range(2))
    new = random.randbytes(random.choice([0, 1, 4, end - at]))
    changed = data[:at] + new + data[end if how == 3 else at + len(new) :]
    if how == 5 or len(changed) < 8:
        return changed
    return struct.pack(">i", len(changed) - 4) + changed[4:]  # as if it were whole


def nonsense(data: bytes, random: Random) -> bytes:
    """Return a frame that is one, with parts that mean nothing."""
    frame = Frame.from_bytes(data[4:])
    fields = frame.fields or {}
    for key in [one for one in fields if random.random() < 0.3]:
        fields[key] = random.choice(NONSENSE)
        if random.random() < 0.2:
            del fields[key]
    at = random.randrange(len(frame.body) + 1)
    frame.body = random.choice(
        [frame.body, b"", frame.body[:at], frame.body[:at] + random.randbytes(9)]
    )
    if random.random() < 0.1:
        frame.code = random.randrange(-(2**15), 2**15)
    frame.flag = random.choice([0, 0, 0, 1, 2, 3, 77])
    frame.format = random.choice(list(HeaderFormat))
    frame.language = "JAVA"
    return frame.to_bytes()


async def throw(port: int, data: bytes) -> None:
    """Send bytes over a connection of their own and read until nothing comes."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(data)
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(0.5):
            while await reader.read(1 << 16):
                pass
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def survive(data: list[bytes], *, is_namesrv: bool) -> None:
    """Start a node, send it everything, and see that nothing is left of it."""
    async with name_server() as server:
        broker = make_broker(Path("/fuzz"), server.address)
        async with broker:
            client = RemotingClient()
            node = server if is_namesrv else broker
            port = server.port if is_namesrv else broker.config.listen_port
            question = GetClusterInfo() if is_namesrv else GetRuntimeInfo()
            address = f"{HOST}:{port}"
            await client.ask(address, question)
            before = len(node._server._connections)
            for at in range(0, len(data), FRAMES_AT_ONCE):
                await throw(port, b"".join(data[at : at + FRAMES_AT_ONCE]))
                await client.ask(address, question, timeout_s=5.0)
            assert node._server._kept_bytes == 0
            assert len(node._server._connections) == before
            assert server.routes.cluster().brokers.keys() <= {"broker-a"}
            assert len(server.routes._live) <= 1
            await client.close()


def crashes(caplog) -> set[str]:
    """Return the errors that no handler foresaw, from the log."""
    found = {
        f"{type(one.exc_info[1]).__name__}: {one.exc_info[1]} {one.getMessage()[:200]}"
        for one in caplog.records
        if one.exc_info
    }
    caplog.clear()
    return found


@pytest.mark.parametrize("is_namesrv", [True, False], ids=["namesrv", "broker"])
@pytest.mark.parametrize("part", PARTS)
def test_a_node_survives_mutated_requests_and_serves_others_meanwhile(
    caplog, part, is_namesrv
):
    caplog.set_level("ERROR")
    random, data, size = Random(part), [], 0
    while size < BYTES_A_PART:
        frame = random.choice(requests(of_namesrv=is_namesrv))
        if len(frame) < LONG_BYTES or random.random() < 0.05:
            data.append(mutated(frame, random))
            size += len(data[-1])
    simulated.run(survive(data, is_namesrv=is_namesrv))
    assert crashes(caplog) == set()


@settings(max_examples=25)
@given(some.lists(some.binary(max_size=64), max_size=8), some.booleans())
def test_a_node_survives_any_bytes_at_all(pieces, is_namesrv):
    simulated.run(survive(pieces, is_namesrv=is_namesrv))


@settings(max_examples=200)
@given(some.data())
def test_a_mutated_frame_is_a_frame_or_refused(data):
    frame = data.draw(some.sampled_from(requests(of_namesrv=False)))
    at = data.draw(some.integers(4, len(frame) - 1))
    changed = frame[4:at] + data.draw(some.binary(max_size=9)) + frame[at + 1 :]
    with contextlib.suppress(WireError):
        again = Frame.from_bytes(changed)
        assert Frame.from_bytes(again.answer().to_bytes()[4:]).opaque == again.opaque
