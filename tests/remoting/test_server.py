"""A server against peers that ask much, badly, or vanish."""

from __future__ import annotations

import asyncio
import struct

import pytest

from rmqlab.errors import Refused, StoreError, WireError
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import MAX_FRAME_BYTES, Flag, Frame, HeaderFormat
from rmqlab.remoting import ANY_ADDRESS, RemotingServer
from rmqlab.remoting import connection as connection_module
from rmqlab.remoting import server as server_module
from tests.remoting.peers import (
    QUESTION,
    Silent,
    client_of,
    echo,
    peer_of,
    question,
    server_of,
)
from tests.simulated import now_s, pass_time
from tests.support import HOST, until

SEE_LOG = "the log of this node says more"


@pytest.mark.parametrize("form", HeaderFormat)
async def test_an_answer_has_number_and_header_format_of_its_request(form):
    async with server_of() as server, peer_of(server) as peer:
        peer.write(question(77, b"coffee", format=form))
        answer = await peer.frame()
        assert (answer.opaque, answer.format) == (77, form)
        assert (answer.flag, answer.code) == (Flag.RESPONSE, ResponseCode.SUCCESS)
        assert answer.body == b"coffee"


async def test_a_one_way_request_is_handled_and_not_answered():
    seen = []

    def handle(frame, connection):
        seen.append(frame.opaque)
        return echo(frame, connection)

    async with server_of(handle) as server, peer_of(server) as peer:
        peer.write(question(1, flag=Flag.ONEWAY), question(2))
        assert (await peer.frame()).opaque == 2
        assert seen == [1, 2]


async def test_a_refused_one_way_request_is_not_answered_either():
    def handle(frame, connection):
        raise Refused(ResponseCode.NO_PERMISSION, "not you")

    async with server_of(handle) as server, peer_of(server) as peer:
        peer.write(question(1, flag=Flag.ONEWAY), question(2))
        assert (await peer.frame()).opaque == 2


@pytest.mark.parametrize(
    ("error", "code", "remark"),
    [
        (Refused(ResponseCode.NO_PERMISSION, "not you"), 16, "not you"),
        (WireError("field topic is missing"), 1, "field topic is missing"),
        (StoreError("cannot read /home/x"), 1, f"StoreError: {SEE_LOG}"),
        (FileNotFoundError(2, "none", "/home/x"), 1, f"FileNotFoundError: {SEE_LOG}"),
    ],
)
async def test_what_a_handler_raises_becomes_an_answer(error, code, remark):
    def handle(frame, connection):
        raise error

    async with server_of(handle) as server, peer_of(server) as peer:
        for number in (1, 2):
            peer.write(question(number))
            answer = await peer.frame()
            assert (answer.opaque, answer.code) == (number, code)
            assert answer.remark == remark


async def test_a_handler_that_breaks_is_logged_with_its_traceback(caplog):
    def handle(frame, connection):
        raise ZeroDivisionError("by zero")

    async with server_of(handle) as server, peer_of(server) as peer:
        peer.write(question(9))
        await peer.frame()
    (logged,) = (one for one in caplog.records if one.exc_info)
    assert "→ GET_MAX_OFFSET #9 topic=orders" in logged.getMessage()
    assert logged.exc_info[0] is ZeroDivisionError


async def test_many_frames_in_one_segment_are_all_answered_in_order():
    async with server_of() as server, peer_of(server) as peer:
        peer.write(*(question(number, b"x" * number) for number in range(500)))
        for number in range(500):
            answer = await peer.frame()
            assert (answer.opaque, len(answer.body)) == (number, number)


async def test_answers_to_one_segment_leave_in_one_write():
    written = []
    async with server_of() as server, peer_of(server) as peer:
        await until(lambda: server._connections)
        (connection,) = server._connections
        write = connection._transport.write
        connection._transport.write = lambda data: written.append(data) or write(data)
        connection.data_received(question(1).to_bytes() + question(2).to_bytes())
        assert [(await peer.frame()).opaque for _ in range(2)] == [1, 2]
    assert len(written) == 1


async def test_a_frame_that_comes_byte_by_byte_is_answered_once_it_is_whole():
    async with server_of() as server, peer_of(server) as peer:
        await until(lambda: server._connections)
        (connection,) = server._connections
        *most, last = question(5, b"coffee").to_bytes()
        for byte in most:
            connection.data_received(bytes([byte]))
        peer.write(bytes([last]))
        assert (await peer.frame()).body == b"coffee"


async def test_answers_may_come_later_and_in_any_order():
    silent = Silent()
    async with server_of(silent) as server, peer_of(server) as peer:
        peer.write(*(question(number) for number in range(3)))
        await until(lambda: len(silent.asked) == 3)
        for asked, connection in reversed(silent.asked):
            connection.send(asked.answer())
        assert [(await peer.frame()).opaque for _ in range(3)] == [2, 1, 0]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", f"frame length {0x47455420}, allowed 4 to "),
        (struct.pack(">i", -1), "frame length -1, allowed 4 to"),
        (struct.pack(">i", MAX_FRAME_BYTES + 1), f"frame length {MAX_FRAME_BYTES + 1}"),
        (struct.pack(">iI", 10, 7) + b"123456", "header length 7 in a frame of 10"),
        (struct.pack(">iI", 4, 9 << 24), "header type 9, known are 0"),
        (struct.pack(">iI", 8, 4) + b"nope", "no JSON header: b'nope'"),
    ],
    ids=["HTTP", "negative", "too long", "header", "type", "JSON"],
)
async def test_what_is_no_frame_ends_its_connection_and_no_other(caplog, data, why):
    async with (
        server_of() as server,
        peer_of(server) as peer,
        peer_of(server) as other,
    ):
        port = peer.writer.get_extra_info("sockname")[1]
        peer.write(question(1), data, question(2))
        assert (await peer.frame()).opaque == 1  # it was asked in good order
        await peer.ended()
        await until(lambda: len(server.lost_ones) == 1)
        other.write(question(3))
        assert (await other.frame()).opaque == 3
    assert f"closing peer={HOST}:{port}: {why}" in caplog.text


async def test_nothing_is_kept_of_a_frame_that_would_be_too_long():
    async with server_of() as server, peer_of(server) as peer:
        await until(lambda: server._connections)
        (connection,) = server._connections
        peer.write(struct.pack(">i", MAX_FRAME_BYTES + 1) + bytes(1 << 16))
        await peer.ended()
        assert len(connection._decoder._buffer) == 0


async def test_a_request_as_long_as_allowed_is_answered():
    def handle(frame, connection):
        return frame.answer(fields={"bytes": str(len(frame.body))})

    rest = len(question().to_bytes()) - 4
    async with server_of(handle) as server, peer_of(server) as peer:
        peer.write(question(0, bytes(MAX_FRAME_BYTES - rest)))
        answer = await peer.frame()
        assert answer.fields == {"bytes": str(MAX_FRAME_BYTES - rest)}


@pytest.mark.parametrize("cut", [0, 1, 4, 8, 40])
@pytest.mark.parametrize("leaves", ["close", "abort"])
async def test_a_peer_that_vanishes_amid_a_frame_is_forgotten(cut, leaves):
    async with server_of() as server, peer_of(server) as peer:
        peer.write(question(1), question(2).to_bytes()[:cut])
        assert (await peer.frame()).opaque == 1
        getattr(peer.writer.transport, leaves)()
        await until(lambda: server.lost_ones)
        assert not server._connections


async def test_an_answer_for_a_peer_that_is_gone_goes_nowhere():
    silent = Silent()
    async with server_of(silent) as server, peer_of(server) as peer:
        peer.write(question(1))
        await until(lambda: silent.asked)
        peer.writer.transport.abort()
        await until(lambda: server.lost_ones)
        ((asked, connection),) = silent.asked
        connection.send(asked.answer())
        assert not connection.is_open


BIG = bytes(1 << 16)


async def test_a_peer_that_does_not_read_is_not_read_from_either():
    handled = []

    def handle(frame, connection):
        handled.append(frame.opaque)
        return frame.answer(body=BIG)

    count = 500
    async with server_of(handle) as server, peer_of(server) as peer:
        for number in range(count):
            peer.write(question(number))
            await peer.writer.drain()
        await until(lambda: server._connections)
        (connection,) = server._connections
        await until(lambda: connection._is_full)
        waiting = connection._transport.get_write_buffer_size()
        assert waiting <= 2 * connection_module.WRITE_BUFFER_BYTES + len(BIG)
        assert len(handled) < count
        for number in range(count):  # now it does read
            answer = await peer.frame()
            assert (answer.opaque, answer.body) == (number, BIG)


async def test_small_questions_in_one_segment_do_not_pile_up_large_answers():
    waiting = []

    def handle(frame, connection):
        waiting.append(connection._transport.get_write_buffer_size())
        return frame.answer(body=BIG)

    count = 500
    segment = b"".join(question(number).to_bytes() for number in range(count))
    async with server_of(handle) as server, peer_of(server) as peer:
        await until(lambda: server._connections)
        (connection,) = server._connections
        connection.data_received(segment)
        assert connection._is_full
        assert len(waiting) < 200
        for number in range(count):
            assert (await peer.frame()).opaque == number
        assert max(waiting) <= 2 * connection_module.WRITE_BUFFER_BYTES + len(BIG)
        peer.write(question(count))  # and it is read from again
        assert (await peer.frame()).opaque == count


@pytest.mark.parametrize("leaves", ["close", "abort"])
async def test_what_is_left_of_a_segment_is_not_handled_once_the_peer_goes(leaves):
    handled = []

    def handle(frame, connection):
        handled.append(frame.opaque)
        return frame.answer(body=BIG)

    segment = b"".join(question(number).to_bytes() for number in range(500))
    async with server_of(handle) as server, peer_of(server) as peer:
        await until(lambda: server._connections)
        (connection,) = server._connections
        connection.data_received(segment)
        count = len(handled)
        getattr(connection, leaves)()
        await peer.ended()
        await until(lambda: server.lost_ones)
        assert len(handled) == count < 500


@pytest.mark.simulated
async def test_a_connection_on_which_nothing_is_said_for_long_is_closed(caplog):
    caplog.set_level("INFO")
    async with (
        server_of() as server,
        peer_of(server) as idle,
        peer_of(server) as busy,
    ):
        for number in range(3):
            await pass_time(60)
            busy.write(question(number))
            assert (await busy.frame()).opaque == number
        await idle.ended()
        assert now_s() == pytest.approx(180, abs=0.1)  # the idle one went meanwhile
        assert len(server._connections) == 1
    assert caplog.text.count("closing idle peer=") == 1


@pytest.mark.simulated
async def test_a_peer_that_dribbles_a_frame_is_cut_off(caplog):
    data = question(0, bytes(200)).to_bytes()
    async with server_of() as server, peer_of(server) as slow, peer_of(server) as busy:
        for at in range(115):
            slow.write(data[at : at + 1])
            busy.write(question(at))
            assert (await busy.frame()).opaque == at
            await pass_time(1)
        await slow.ended()
        assert 120 <= now_s() <= 131
        assert len(server._connections) == 1
    assert caplog.text.count("a frame was not whole after 120 s") == 1


@pytest.mark.simulated
async def test_a_peer_whose_frames_come_slowly_but_whole_is_not_cut_off():
    data = question(0, bytes(200)).to_bytes()
    third = len(data) // 3
    async with server_of() as server, peer_of(server) as slow:
        for at in range(0, 3 * len(data), third):  # a frame begins as another ends
            slow.write((3 * data)[at : at + third])
            await pass_time(28)
        assert now_s() > 2 * 120
        assert [(await slow.frame()).opaque for _ in range(3)] == [0, 0, 0]


@pytest.mark.simulated
async def test_an_idle_peer_that_did_not_read_its_answers_is_gone_at_once():
    async with server_of() as server, peer_of(server) as peer:
        await until(lambda: server._connections)
        (connection,) = server._connections
        for _ in range(200):
            connection.send(Frame(0, body=BIG))
        await pass_time(140)
        assert server._connections == {}
        await peer.ended()


async def test_half_frames_take_no_more_than_allowed_of_all_peers(monkeypatch, caplog):
    monkeypatch.setattr(server_module, "MAX_KEPT_BYTES", 5000)
    part = question(0, bytes(9000)).to_bytes()[:2000]
    async with (
        server_of() as server,
        peer_of(server) as small,
        peer_of(server) as greedy,
        peer_of(server) as last,
    ):
        small.write(part[:1500])
        await until(lambda: server._kept_bytes == 1500)
        greedy.write(part)
        await until(lambda: server._kept_bytes == 3500)
        last.write(part[:1900])
        await greedy.ended()
        await until(lambda: len(server._connections) == 2)
        assert server._kept_bytes == 3400
        small.write(question(0, bytes(9000)).to_bytes()[1500:])
        assert len((await small.frame()).body) == 9000
        await until(lambda: server._kept_bytes == 1900)
    assert "of all peers' wait for the rest, allowed 5000" in caplog.text
    assert server._kept_bytes == 0


async def test_more_peers_than_allowed_are_turned_away(monkeypatch):
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 2)
    async with server_of() as server, peer_of(server) as first:
        async with peer_of(server) as second:
            for peer in (first, second):
                peer.write(question(1))
                await peer.frame()
            async with peer_of(server) as third:
                await third.ended()
        await until(lambda: len(server._connections) == 1)
        async with peer_of(server) as fourth:
            fourth.write(question(2))
            assert (await fourth.frame()).opaque == 2


async def test_a_server_listens_on_this_machine_alone_unless_told_otherwise():
    server = RemotingServer(echo)
    try:
        port = await server.listen(0)
        assert server._servers[0].sockets[0].getsockname() == (HOST, port)
        port = await server.listen(0, ANY_ADDRESS)
        assert server._servers[1].sockets[0].getsockname() == ("0.0.0.0", port)
    finally:
        await server.stop()


async def test_one_server_listens_on_several_ports():
    async with server_of() as server, client_of() as client:
        second = await server.listen(0)
        for port in (server.port, second):
            answer = await client.call(f"{HOST}:{port}", QUESTION, b"hello")
            assert answer.body == b"hello"
        own = sorted(connection.own[1] for connection in server._connections)
        assert own == sorted([server.port, second])


async def test_a_taken_port_is_an_error_of_the_server():
    async with server_of() as server:
        other = RemotingServer(echo)
        with pytest.raises(OSError, match="in use"):
            await other.listen(server.port)
        await other.stop()


async def test_a_server_that_stops_lets_answers_leave_first():
    async with server_of() as server, peer_of(server) as peer:
        await until(lambda: server._connections)
        (connection,) = server._connections
        for _ in range(100):
            connection.send(Frame(0, body=BIG))
        assert connection._is_full
        stopping = asyncio.create_task(server.stop())
        for _ in range(100):
            assert (await peer.frame()).body == BIG
        await stopping
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, server.port)


@pytest.mark.simulated
async def test_a_server_that_stops_waits_not_for_ever_for_who_does_not_read():
    async with server_of() as server, peer_of(server):
        await until(lambda: server._connections)
        (connection,) = server._connections
        for _ in range(200):
            connection.send(Frame(0, body=BIG))
        await server.stop()
        assert not connection.is_open
        await until(lambda: server.lost_ones)
