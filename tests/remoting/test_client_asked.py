"""A server asks the client over the client's own connection."""

from __future__ import annotations

import pytest

from rmqlab.errors import WireError
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Flag, Frame
from tests.remoting.peers import QUESTION, Silent, client_of, question, server_of
from tests.support import until


async def over_the_connection(client, *frames):
    """Let a server ask; return its frames' answers."""
    silent, answers = Silent(), []

    def handle(frame, connection):
        if frame.is_response:
            answers.append(frame)
            return
        silent(frame, connection)

    async with server_of(handle) as server:
        await client.tell(server.address, QUESTION)
        await until(lambda: silent.asked)
        ((_, connection),) = silent.asked
        for frame in frames:
            connection.send(frame)
        expected = [one for one in frames if not one.is_oneway]
        await until(lambda: len(answers) == len(expected))
        assert client.is_connected(server.address)
    return answers


async def test_a_server_may_ask_over_the_clients_connection():
    async with client_of() as client:
        client.asked[QUESTION.CODE] = lambda frame, address: frame.answer(
            body=b"from " + address.split(":")[0].encode()
        )
        (answer,) = await over_the_connection(client, question(5))
    assert (answer.opaque, answer.body) == (5, b"from 127.0.0.1")


async def test_what_a_client_cannot_answer_is_answered_with_code_3():
    async with client_of() as client:
        (answer,) = await over_the_connection(client, Frame(999, opaque=5))
    assert answer.code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED
    assert answer.remark == " request type 999 not supported"


async def test_a_servers_one_way_request_is_heard_and_not_answered():
    heard = []

    def hear(frame, address):
        heard.append(frame.opaque)
        return frame.answer()

    async with client_of() as client:
        client.asked[QUESTION.CODE] = hear
        (answer,) = await over_the_connection(
            client, question(1, flag=Flag.ONEWAY), question(2)
        )
    assert (heard, answer.opaque) == ([1, 2], 2)


@pytest.mark.parametrize(
    ("error", "remark"),
    [
        (WireError("no field"), "no field"),
        (FileNotFoundError("/home/x"), "FileNotFoundError: the log of this node"),
    ],
)
async def test_a_servers_request_that_fails_costs_no_connection(error, remark):
    def fail(frame, address):
        raise error

    async with client_of() as client:
        client.asked[QUESTION.CODE] = fail
        first, second = await over_the_connection(client, question(1), question(2))
    assert (first.code, second.code) == (ResponseCode.SYSTEM_ERROR,) * 2
    assert first.remark.startswith(remark)
