"""A client against servers that are slow, wrong, silent or gone."""

from __future__ import annotations

import asyncio
import gc
import struct

import pytest

from rmqlab.errors import NoAnswer, NotConnected, RemoteError, WireError
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import MAX_FRAME_BYTES, Flag, Frame
from rmqlab.remoting import RemotingClient
from tests.remoting.peers import (
    QUESTION,
    Silent,
    client_of,
    echo,
    scripted_server,
    server_of,
)
from tests.support import HOST, free_port, until

LONG_S = 20.0
AT_ONCE_S = 0.01


def refuse(frame, connection):
    return frame.answer(ResponseCode.NO_PERMISSION, remark="not you")


def ask_all(client, address, count):
    """Ask several times at once; return the tasks."""
    return [
        asyncio.create_task(client.call(address, QUESTION, b"%d" % number, LONG_S))
        for number in range(count)
    ]


async def outcomes(tasks):
    """Return what each task ended with; a cancelled one is an error of the test."""
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert not any(isinstance(one, asyncio.CancelledError) for one in found)
    return found


async def test_a_question_travels_with_its_fields_and_comes_back_answered():
    async with server_of() as server, client_of() as client:
        answer = await client.call(server.address, QUESTION, b"coffee")
    assert answer.fields == QUESTION.to_wire()
    assert (answer.code, answer.body) == (ResponseCode.SUCCESS, b"coffee")


async def test_a_call_returns_a_refusal_and_an_ask_raises_it():
    async with server_of(refuse) as server, client_of() as client:
        answer = await client.call(server.address, QUESTION)
        assert (answer.code, answer.remark) == (ResponseCode.NO_PERMISSION, "not you")
        with pytest.raises(RemoteError) as refused:
            await client.ask(server.address, QUESTION)
        assert refused.value.code == ResponseCode.NO_PERMISSION
        assert refused.value.is_definite
        assert str(refused.value) == (
            f"CODE: 16  DESC: not you  BROKER: {server.address}"
        )


async def test_all_questions_to_an_address_share_one_connection():
    async with server_of() as server, client_of() as client:
        answers = await outcomes(ask_all(client, server.address, 50))
        assert [one.body for one in answers] == [b"%d" % n for n in range(50)]
        assert len(server._connections) == 1
        assert client.is_connected(server.address)


async def test_answers_that_come_out_of_order_find_who_asked():
    silent = Silent()
    async with server_of(silent) as server, client_of() as client:
        tasks = ask_all(client, server.address, 20)
        await until(lambda: len(silent.asked) == 20)
        for asked, connection in reversed(silent.asked):
            connection.send(echo(asked, connection))
        answers = await outcomes(tasks)
    assert [one.body for one in answers] == [b"%d" % n for n in range(20)]


async def test_a_one_way_request_expects_nothing():
    silent = Silent()
    async with server_of(silent) as server, client_of() as client:
        await client.tell(server.address, QUESTION, b"coffee")
        await until(lambda: silent.asked)
        ((frame, _),) = silent.asked
        assert (frame.flag, frame.body) == (Flag.ONEWAY, b"coffee")
        (link,) = client._links.values()
        assert not link._waiting


async def test_no_answer_in_time_names_address_question_and_limit():
    silent = Silent()
    async with server_of(silent) as server, client_of() as client:
        await client.tell(server.address, QUESTION)  # so that it is connected
        with pytest.raises(NoAnswer) as error:
            await client.call(server.address, QUESTION, timeout_s=AT_ONCE_S)
        assert str(error.value) == (
            f"no answer from {server.address} to GET_MAX_OFFSET within 0.01 s"
        )
        assert not error.value.is_definite


async def test_an_answer_that_comes_too_late_is_nobodys():
    silent = Silent()
    async with server_of(silent) as server, client_of() as client:
        await client.tell(server.address, QUESTION)
        with pytest.raises(NoAnswer):
            await client.call(server.address, QUESTION, timeout_s=AT_ONCE_S)
        (second,) = ask_all(client, server.address, 1)
        await until(lambda: len(silent.asked) == 3)
        for asked, connection in silent.asked[1:]:
            connection.send(asked.answer(body=asked.body + b"!"))
        assert (await second).body == b"0!"
        assert len(server._connections) == 1


async def test_a_cancelled_question_leaves_nothing_behind():
    silent = Silent()
    async with server_of(silent) as server, client_of() as client:
        (task,) = ask_all(client, server.address, 1)
        await until(lambda: silent.asked)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (link,) = client._links.values()
        assert not link._waiting
        assert client.is_connected(server.address)


@pytest.mark.parametrize("address", ["nonsense", f"{HOST}:port", f"{HOST}:99999", ""])
async def test_an_address_that_is_none_is_named(address):
    async with client_of() as client:
        with pytest.raises(NotConnected, match=f"connect to {address} failed: "):
            await client.call(address, QUESTION)
        with pytest.raises(NotConnected):
            await client.tell(address, QUESTION)


async def test_an_address_without_a_port_is_told_what_one_looks_like():
    async with client_of() as client:
        with pytest.raises(NotConnected, match=r"10\.0\.0\.1 failed: .* host:port"):
            await client.call("10.0.0.1", QUESTION)


async def test_where_nobody_listens_nothing_was_asked_for_certain():
    address = f"{HOST}:{free_port()}"
    async with client_of() as client:
        with pytest.raises(NotConnected, match=f"connect to {address} failed: ") as no:
            await client.call(address, QUESTION)
        assert no.value.is_definite
        assert "Errno" not in str(no.value)  # the numbers are the system's own
        assert not client.is_connected(address)


async def never_connect(*arguments, **more):
    """Stands in for a host that does not answer at all."""
    await asyncio.Event().wait()


async def test_a_host_that_does_not_answer_was_asked_nothing_for_certain():
    asyncio.get_running_loop().create_connection = never_connect
    async with client_of() as client:
        with pytest.raises(NotConnected) as error:
            await client.call("10.0.0.1:10911", QUESTION, timeout_s=AT_ONCE_S)
        assert str(error.value) == (
            "connect to 10.0.0.1:10911 failed: no answer within 0.01 s"
        )
        assert error.value.is_definite


async def test_a_connection_that_fails_when_nobody_waits_any_more_is_no_news():
    async def fail_later(*arguments):
        await given_up.wait()
        raise OSError("No route to host")

    loop, given_up, problems = asyncio.get_running_loop(), asyncio.Event(), []
    loop.create_connection = fail_later
    loop.set_exception_handler(lambda loop, context: problems.append(context))
    async with client_of() as client:
        with pytest.raises(NotConnected):
            await client.call("10.0.0.1:10911", QUESTION, timeout_s=AT_ONCE_S)
        given_up.set()
        await until(lambda: not client._connecting)
    gc.collect()
    assert problems == []


async def test_a_connection_is_made_once_however_many_ask():
    loop = asyncio.get_running_loop()
    connect, made = loop.create_connection, []

    async def counted(*arguments):
        made.append(arguments)
        return await connect(*arguments)

    loop.create_connection = counted
    async with server_of() as server, client_of() as client:
        await outcomes(ask_all(client, server.address, 10))
    assert len(made) == 1


async def test_a_connection_that_breaks_fails_all_who_wait_and_no_later_one():
    async def break_then_answer(peer):
        first = await peer.frame()
        if first.body != b"again":
            await peer.frame()
            return
        peer.write(first.answer(body=b"welcome back"))
        await peer.ended()

    async with scripted_server(break_then_answer) as address, client_of() as client:
        for error in await outcomes(ask_all(client, address, 2)):
            assert isinstance(error, NoAnswer)
            assert f"the connection to {address} broke before" in str(error)
        await until(lambda: not client.is_connected(address))
        answer = await client.call(address, QUESTION, b"again")
        assert answer.body == b"welcome back"
        await client.close()


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request\r\n", struct.pack(">iI", 8, 4) + b"nope"]
)
async def test_an_answer_that_is_no_frame_ends_the_connection(caplog, data):
    async def talk_nonsense(peer):
        await peer.frame()
        peer.write(data)
        await peer.ended()

    async with scripted_server(talk_nonsense) as address, client_of() as client:
        with pytest.raises(NoAnswer):
            await client.call(address, QUESTION)
        assert not client.is_connected(address)
    assert f"closing peer={address}: " in caplog.text


@pytest.mark.parametrize("cut", [1, 4, 8, 30])
async def test_an_answer_cut_in_the_middle_is_no_answer(cut):
    async def vanish(peer):
        asked = await peer.frame()
        peer.write(asked.answer(body=b"coffee").to_bytes()[:cut])

    async with scripted_server(vanish) as address, client_of() as client:
        with pytest.raises(NoAnswer, match="broke before the answer came"):
            await client.call(address, QUESTION)


async def test_answers_to_nobody_are_passed_over():
    async def answer_too_much(peer):
        asked = await peer.frame()
        stray = Frame(0, opaque=asked.opaque + 1, flag=Flag.RESPONSE)
        peer.write(stray, asked.answer(body=b"first"), asked.answer(body=b"second"))
        await peer.ended()

    async with scripted_server(answer_too_much) as address, client_of() as client:
        assert (await client.call(address, QUESTION)).body == b"first"
        assert client.is_connected(address)
        await client.close()


async def test_a_request_longer_than_any_server_reads_is_refused_here():
    async with server_of() as server, client_of() as client:
        with pytest.raises(WireError, match=r"frame length \d+, allowed 4 to"):
            await client.call(server.address, QUESTION, bytes(MAX_FRAME_BYTES))
        (link,) = client._links.values()
        assert not link._waiting
        assert (await client.call(server.address, QUESTION, b"a")).body == b"a"


async def test_a_client_that_closes_fails_all_who_wait():
    silent = Silent()
    async with server_of(silent) as server, client_of() as client:
        tasks = ask_all(client, server.address, 5)
        await until(lambda: len(silent.asked) == 5)
        await client.close()
        for error in await outcomes(tasks):
            assert isinstance(error, NoAnswer)
        await until(lambda: server.lost_ones)


async def test_a_client_that_closes_while_it_connects_fails_all_who_wait():
    asyncio.get_running_loop().create_connection = never_connect
    async with client_of() as client:
        tasks = ask_all(client, "10.0.0.1:10911", 3)
        await until(lambda: client._connecting)
        await client.close()
        for error in await outcomes(tasks):
            assert isinstance(error, NotConnected)
            assert str(error) == "connect to 10.0.0.1:10911 failed: given up"


async def test_who_is_cancelled_while_it_connects_is_cancelled_alone():
    silent = Silent()
    async with server_of(silent) as server, client_of() as client:
        first, second = ask_all(client, server.address, 2)
        await until(lambda: client._connecting or silent.asked)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await until(lambda: silent.asked)
        asked, connection = silent.asked[-1]
        connection.send(echo(asked, connection))
        assert (await second).body == b"1"


async def test_a_server_that_stops_fails_all_who_wait():
    silent = Silent()
    async with server_of(silent) as server, client_of() as client:
        tasks = ask_all(client, server.address, 5)
        await until(lambda: len(silent.asked) == 5)
        await server.stop()
        for error in await outcomes(tasks):
            assert isinstance(error, NoAnswer)
        with pytest.raises(NotConnected):
            await client.call(server.address, QUESTION)


async def test_a_closing_connection_is_not_asked_again():
    async with server_of() as server, client_of() as client:
        await client.call(server.address, QUESTION)
        (link,) = client._links.values()
        link.connection.close()
        assert (await client.call(server.address, QUESTION, b"a")).body == b"a"
        assert client.is_connected(server.address)


async def test_when_all_is_closed_nothing_is_left_running():
    async with server_of() as server:
        client = RemotingClient()
        await outcomes(ask_all(client, server.address, 3))
        await client.close()
        with pytest.raises(NotConnected, match="this client is closed"):
            await client.call(server.address, QUESTION)
        assert not client.is_connected(server.address)
    gc.collect()  # a socket left open would warn here, and a warning is an error
    assert asyncio.all_tasks() == {asyncio.current_task()}
