"""A name server: answers from its table, and forgets silent brokers.

Source: NamesrvController.java, DefaultRequestProcessor.java, release 4.9.7.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from typing import Any, ClassVar, Self

from rmqlab.clock import Clock, SystemClock
from rmqlab.errors import Refused
from rmqlab.namesrv.routes import RouteTable
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.bodies import TopicTable
from rmqlab.protocol.codes import FAQ_SUFFIX, ResponseCode, Version
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.header import Header
from rmqlab.protocol.routing import (
    GetClusterInfo,
    GetRoute,
    GetTopicList,
    RegisterBroker,
    UnregisterBroker,
)
from rmqlab.remoting import Connection, RemotingServer
from rmqlab.service import Service
from rmqlab.settings import NamesrvConfig

log = logging.getLogger(__name__)

BODY_CRC_MASK = 0x7FFFFFFF

Handler = Callable[["NameServer", Frame, Connection], Frame]


class NameServer:
    """One name server.  It knows nothing of any other."""

    def __init__(self, config: NamesrvConfig, clock: Clock | None = None) -> None:
        self.config = config
        self.routes = RouteTable()
        self.port = 0
        self._clock = clock or SystemClock()
        self._server = RemotingServer(self._handle, self._hung_up)
        self._expiry = Expiry(self.routes, self._clock)
        self._by_code: dict[int, Handler] = {
            header.CODE: handler for header, handler in self.HANDLERS.items()
        }

    async def start(self) -> None:
        """Listen, and start to watch for silence.

        Raises:
            OSError: the port is taken.
        """
        self.port = await self._server.listen(self.config.listen_port)
        self._expiry.start()
        log.info("name server listens port=%d", self.port)

    async def stop(self) -> None:
        """Stop; everything it knew is gone."""
        await self._expiry.stop()
        await self._server.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    def _handle(self, frame: Frame, connection: Connection) -> Frame | None:
        handler = self._by_code.get(frame.code)
        if handler is None:
            raise Refused(
                ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
                f" request type {frame.code} not supported",
            )
        return handler(self, frame, connection)

    def _register(self, frame: Frame, connection: Connection) -> Frame:
        broker = RegisterBroker.parse(frame.fields)
        crc = zlib.crc32(frame.body) & BODY_CRC_MASK
        if broker.body_crc32 and broker.body_crc32 != crc:
            raise Refused(ResponseCode.SYSTEM_ERROR, "crc32 not match")
        table = _topic_table(frame.body, broker)
        reply = self.routes.register(broker, table, connection, self._clock.now_ms())
        log.info(
            "registered broker=%s id=%d address=%s topics=%d",
            broker.broker_name, broker.broker_id, broker.broker_addr, len(table.topics),
        )  # fmt: skip
        return frame.answer(fields=reply.to_wire())

    def _unregister(self, frame: Frame, connection: Connection) -> Frame:
        broker = UnregisterBroker.parse(frame.fields)
        self.routes.unregister(broker.broker_name, broker.broker_addr)
        log.info("unregistered broker=%s id=%d", broker.broker_name, broker.broker_id)
        return frame.answer()

    def _route(self, frame: Frame, connection: Connection) -> Frame:
        asked = GetRoute.parse(frame.fields)
        route = self.routes.route(asked.topic)
        if route is None:
            raise Refused(
                ResponseCode.TOPIC_NOT_EXIST,
                f"No topic route info in name server for the topic: {asked.topic}"
                + FAQ_SUFFIX,
            )
        found: Any = route.to_json()
        if asked.accept_standard_json_only or frame.version >= Version.V4_9_4:
            found = bodies.text_keys(found)
        return frame.answer(body=bodies.encode(found))

    def _cluster(self, frame: Frame, connection: Connection) -> Frame:
        return frame.answer(body=bodies.encode(self.routes.cluster().to_json()))

    def _topics(self, frame: Frame, connection: Connection) -> Frame:
        return frame.answer(body=bodies.encode({"topicList": self.routes.topics()}))

    HANDLERS: ClassVar[dict[type[Header], Handler]] = {
        RegisterBroker: _register,
        UnregisterBroker: _unregister,
        GetRoute: _route,
        GetClusterInfo: _cluster,
        GetTopicList: _topics,
    }
    """Everything that a name server answers, here; see README for what is to come."""

    def _hung_up(self, connection: Connection) -> None:
        for address in self.routes.hung_up(connection):
            log.warning("broker hung up address=%s", address)


class Expiry(Service):
    """Forgets brokers that were silent for two minutes."""

    first_s = 5.0
    interval_s = 10.0

    def __init__(self, routes: RouteTable, clock: Clock) -> None:
        super().__init__()
        self._routes, self._clock = routes, clock

    async def step(self) -> None:
        """Look once."""
        for address in self._routes.expire(self._clock.now_ms()):
            log.warning("broker expired address=%s", address)


def _topic_table(body: bytes, broker: RegisterBroker) -> TopicTable:
    """Return the topics of a registration; none where it has no body.

    Raises:
        Refused: the body is compressed, which this name server does not read yet.
        WireError: it is no registration.
    """
    if broker.compressed:
        raise Refused(
            ResponseCode.SYSTEM_ERROR,
            "compressed registrations are not read yet: set compressedRegister=false",
        )
    if not body:
        return TopicTable()
    found = fastjson.loads(body)
    wrapper = found.get("topicConfigSerializeWrapper") if isinstance(found, dict) else 0
    return TopicTable.from_json(wrapper)
