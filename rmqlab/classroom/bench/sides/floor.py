"""The floor: a server that only acknowledges.

It is name server and broker in one, reads of a request no more than it must, stores
nothing and answers SEND_OK.  No server in plain asyncio can be faster to a client.

Not here: anything else that a client may ask; it gets SUCCESS and an empty answer.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct

from rmqlab.classroom.bench.ports import HOST
from rmqlab.protocol import fastjson
from rmqlab.protocol.bodies import BrokerData, QueueData, TopicRoute
from rmqlab.protocol.codes import READ_WRITE, RequestCode

HEAD = struct.Struct(">iI")
QUEUES = 4
SENT = {"msgId": "7F00000100002A9F0000000000000000", "queueId": "0", "queueOffset": "0"}


class Floor(asyncio.Protocol):
    """A connection to it."""

    def __init__(self, route: bytes) -> None:
        self._route, self._data = route, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._data += data
        answers = []
        while len(self._data) >= HEAD.size:
            length, header_length = HEAD.unpack_from(self._data)
            if len(self._data) < 4 + length:
                break
            asked = json.loads(self._data[HEAD.size : HEAD.size + header_length])
            self._data = self._data[4 + length :]
            answers.append(self._answer(asked))
        self._transport.write(b"".join(answers))

    def _answer(self, asked: dict[str, int]) -> bytes:
        is_route = asked["code"] == RequestCode.GET_ROUTEINFO_BY_TOPIC
        body = self._route if is_route else b""
        header = json.dumps(
            {"code": 0, "extFields": SENT, "flag": 1, "language": "PYTHON",
             "opaque": asked["opaque"], "version": 0}
        ).encode()  # fmt: skip
        return HEAD.pack(4 + len(header) + len(body), len(header)) + header + body


async def main() -> None:
    """Say on which port, and serve until this process is ended."""
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        route = TopicRoute(
            [QueueData("floor", QUEUES, QUEUES, READ_WRITE)],
            [BrokerData("floor", "floor", {0: f"{HOST}:{port}"})],
        )
        body = fastjson.dumps(route.to_json()).encode()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Floor(body), sock=listening)
        print(port, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
