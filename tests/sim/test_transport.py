"""A connection as a protocol sees it: as asyncio and Linux have it."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.sim.tcp import WINDOW_BYTES
from tests.sim.two import LINK_S, PORT, Line

FULL = WINDOW_BYTES + (1 << 16)
"""Of what is written to a peer that does not read, what pauses the writer."""


def stuck(two):
    """Return a connection whose writer holds more than the kernels take."""
    near, far = two.pair()
    far.transport.pause_reading()
    near.transport.write(bytes(FULL + 1))
    two.sim.run(LINK_S)
    assert near.seen == ["made", "pause"]
    assert near.transport.get_write_buffer_size() == FULL + 1 - WINDOW_BYTES
    return near, far


# Writing


def test_a_writer_is_paused_by_a_peer_that_does_not_read_and_goes_on_with_it(two):
    near, far = stuck(two)
    far.transport.resume_reading()
    two.sim.run(LINK_S)
    assert near.seen == ["made", "pause", "resume"]
    assert len(far.data) == FULL + 1


def test_a_writer_is_not_paused_below_its_limit(two):
    near, far = two.pair()
    far.transport.pause_reading()
    near.transport.set_write_buffer_limits(high=1000)
    near.transport.write(bytes(WINDOW_BYTES + 1000))
    assert near.seen == ["made"]
    near.transport.write(b"x")
    assert near.seen == ["made", "pause"]
    assert near.transport.get_write_buffer_limits() == (250, 1000)


def test_what_its_process_still_held_is_lost_when_it_is_killed(two):
    _near, far = stuck(two)
    two.client.kill()
    far.transport.resume_reading()
    two.sim.run(LINK_S)
    assert far.seen == ["made", "data", "eof", "lost"]
    assert len(far.data) == WINDOW_BYTES


def test_nothing_is_written_to_a_connection_that_ends(two):
    near, far = two.pair()
    near.transport.close()
    near.transport.write(b"too late")
    two.sim.run(LINK_S)
    near.transport.write(b"much too late")
    two.sim.run(LINK_S)
    assert far.data == b""


def test_a_write_of_nothing_is_nothing(two):
    near, far = two.pair()
    near.transport.write(b"")
    two.sim.run(LINK_S)
    assert (far.seen, two.kinds("sent")) == (["made"], [])


def test_what_is_sent_is_told_as_it_leaves_the_process(two):
    near, far = two.pair()
    near.transport.write(bytearray(b"hello"))
    far.transport.write(memoryview(b"world"))
    assert two.kinds("sent") == [
        {"connection": 1, "node": "client", "data": b"hello"},
        {"connection": 1, "node": "srv", "data": b"world"},
    ]


# Reading


def test_a_reader_that_stops_reading_finds_everything_when_it_reads_again(two):
    near, far = two.pair()
    far.transport.pause_reading()
    near.transport.write(b"one ")
    near.transport.write(b"two")
    near.transport.close()
    two.sim.run(10.0)
    assert far.seen == ["made"]
    far.transport.resume_reading()
    two.sim.run(LINK_S)
    assert (far.seen, far.data) == (["made", "data", "eof", "lost"], b"one two")


def test_a_protocol_that_fails_loses_its_connection_and_is_reported(two, caplog):
    near, far = two.pair()
    far.data_received = lambda data: 1 / 0
    near.transport.write(b"x")
    two.sim.run(LINK_S)
    assert far.seen == ["made", "lost ZeroDivisionError"]
    assert near.seen == ["made", "eof", "lost"]
    (failure,) = two.server.loop.failures
    assert failure["exception"] is far.error
    assert "ZeroDivisionError" in caplog.text


def test_a_protocol_that_fails_as_it_is_told_of_its_connection_keeps_it(two, caplog):
    class Clumsy(Line):
        def connection_made(self, transport):
            super().connection_made(transport)
            raise LookupError

    two.listen(line=Clumsy)
    near = two.connect()
    near.transport.write(b"x")
    two.sim.run(LINK_S)
    assert two.accepted[0].seen == ["made", "data"]
    assert "LookupError" in caplog.text


# Ends


def test_who_closes_is_gone_and_its_peer_reads_to_the_end(two):
    near, far = two.pair()
    near.transport.write(b"last words")
    near.transport.close()
    assert near.seen == ["made"]
    assert near.transport.is_closing()
    two.sim.run(LINK_S)
    assert near.seen == ["made", "lost"]
    assert (far.seen, far.data) == (["made", "data", "eof", "lost"], b"last words")
    assert [facts["node"] for facts in two.kinds("closed")] == ["client", "srv"]


def test_who_closes_with_unsent_bytes_is_gone_once_they_are_sent(two):
    near, far = stuck(two)
    near.transport.close()
    two.sim.run(60.0)
    assert near.seen == ["made", "pause"]
    far.transport.resume_reading()
    two.sim.run(LINK_S)
    assert near.seen[-1] == "lost"
    assert (far.seen[-1], len(far.data)) == ("lost", FULL + 1)


def test_who_closes_with_unsent_bytes_is_gone_when_the_peer_is(two):
    near, _far = stuck(two)
    near.transport.close()
    two.server.kill()
    two.sim.run(LINK_S)
    assert near.seen == ["made", "pause", "lost ConnectionResetError"]


def test_who_aborts_drops_what_it_had_not_sent(two):
    near, far = stuck(two)
    near.transport.abort()
    two.sim.run(LINK_S)
    assert near.seen == ["made", "pause", "lost"]
    far.transport.resume_reading()
    two.sim.run(LINK_S)
    assert (far.seen[-2:], len(far.data)) == (["eof", "lost"], WINDOW_BYTES)


def test_who_closes_without_having_read_resets_the_peer(two):
    near, far = two.pair()
    far.transport.pause_reading()
    near.transport.write(b"unread")
    far.transport.write(b"but this arrives")
    two.sim.run(LINK_S)
    far.transport.close()
    two.sim.run(LINK_S)
    assert near.seen == ["made", "data", "lost ConnectionResetError"]
    assert two.kinds("closed")[-1]["why"] == "Connection reset by peer"


def test_a_reset_is_noticed_by_who_does_not_read_but_has_something_to_send(two):
    near, _far = stuck(two)
    near.transport.pause_reading()
    two.server.kill()
    two.sim.run(LINK_S)
    assert near.seen == ["made", "pause", "lost ConnectionResetError"]


def test_a_reset_is_noticed_by_who_does_not_read_when_it_writes(two):
    near, far = two.pair()
    far.transport.pause_reading()
    near.transport.pause_reading()
    near.transport.write(b"unread")
    two.sim.run(LINK_S)
    two.server.kill()
    two.sim.run(60.0)
    assert near.seen == ["made"]
    near.transport.write(b"x")
    two.sim.run(0.0)
    assert near.seen == ["made", "lost ConnectionResetError"]


def test_writing_to_a_peer_that_is_gone_works_once(two):
    near, _far = two.pair()
    near.keeps_open = True
    two.server.kill()
    two.sim.run(LINK_S)
    assert near.seen == ["made", "eof"]
    near.transport.write(b"x")
    two.sim.run(LINK_S)
    assert near.seen == ["made", "eof"]
    near.transport.write(b"y")
    two.sim.run(LINK_S)
    assert near.seen == ["made", "eof", "lost BrokenPipeError"]


def test_the_end_of_a_stream_that_came_before_a_reset_is_still_its_end(two):
    near, _far = two.pair()
    near.transport.pause_reading()
    two.server.kill()
    two.sim.run(LINK_S)
    near.transport.write(b"x")
    two.sim.run(LINK_S)
    near.transport.resume_reading()
    two.sim.run(LINK_S)
    assert near.seen == ["made", "eof", "lost"]


def test_the_end_of_a_stream_is_told_once_and_again_to_who_reads_again(two):
    near, _far = two.pair()
    near.keeps_open = True
    two.server.kill()
    two.sim.run(LINK_S)
    near.transport.resume_reading()
    two.sim.run(LINK_S)
    assert near.seen == ["made", "eof"]
    near.transport.pause_reading()
    near.transport.resume_reading()
    two.sim.run(LINK_S)
    assert near.seen == ["made", "eof", "eof"]


def test_who_closes_in_the_middle_of_reading_is_told_nothing_more(two):
    near, far = two.pair()

    def close(data):
        far.seen.append("data")
        far.transport.close()

    far.data_received = close
    near.transport.write(b"x")
    near.transport.close()
    two.sim.run(LINK_S)
    assert far.seen == ["made", "data", "lost"]


# Servers


def test_a_server_is_closed_when_its_last_connection_is_gone(two):
    server = two.listen()
    near = two.connect()
    two.sim.run(LINK_S)
    closed = two.server.start(server.wait_closed())
    server.close()
    two.sim.run(60.0)
    assert (server.is_serving(), closed.done()) == (False, False)
    near.transport.close()
    two.sim.run(LINK_S)
    assert closed.done()


def test_a_server_that_is_closed_serves_no_longer(two):
    async def serve():
        async with await asyncio.start_server(lambda *_: None, None, PORT) as server:
            asyncio.get_running_loop().call_later(1.0, server.close)
            await server.serve_forever()

    with pytest.raises(asyncio.CancelledError):
        two.sim.complete(two.server, serve())
    assert two.sim.now_s == 1.0
    with pytest.raises(ConnectionRefusedError):
        two.connect()
