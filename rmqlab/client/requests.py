"""Requests and replies: a message is sent, and its sender waits for what is replied.

    asker ── message ──▶ topic ──▶ a consumer, which sends `reply_to(message, body)`
    asker ◀── PUSH_REPLY_MESSAGE_TO_CLIENT ── broker ◀── the reply ──┘

The reply is pushed over the connection that the asker has to the broker: it must know
the asker, by a heartbeat, before the reply comes.

Source: DefaultMQProducerImpl.request and prepareSendRequest, MessageUtil.java,
ClientRemotingProcessor.receiveReplyMessage, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from rmqlab.client.instance import ClientInstance
from rmqlab.client.sent import NotSendable
from rmqlab.errors import NoAnswer
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.grouping import PushReply
from rmqlab.protocol.message import (
    Message,
    StoredMessage,
    plain_body,
    split_properties,
)
from rmqlab.protocol.replies import (
    ARRIVED_AT,
    CLUSTER,
    CORRELATION_ID,
    MESSAGE_TYPE,
    REPLY,
    REPLY_TO,
    TTL,
    reply_topic,
)

log = logging.getLogger(__name__)


class Requests:
    """The requests of one producer that wait for a reply, each until its time is up."""

    def __init__(self, instance: ClientInstance) -> None:
        self._instance = instance
        self._waiting: dict[str, asyncio.Future[StoredMessage]] = {}
        self._known: set[str] = set()
        """The topics whose brokers know us."""
        instance.remoting.asked[PushReply.CODE] = self._arrived

    async def ask(
        self,
        message: Message,
        send: Callable[[Message], Awaitable[object]],
        timeout_s: float,
    ) -> StoredMessage:
        """Send a message and return what is replied; see `Producer.request`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        name = str(UUID(int=self._instance.random.getrandbits(128), version=4))
        own = {
            CORRELATION_ID: name,
            REPLY_TO: self._instance.client_id,
            TTL: str(int(timeout_s * 1000)),
        }
        reply: asyncio.Future[StoredMessage] = loop.create_future()
        self._waiting[name] = reply
        try:
            await self._introduce(message.topic)
            await send(replace(message, properties=message.properties | own))
            async with asyncio.timeout_at(deadline):
                return await reply
        except TimeoutError:
            raise NoAnswer(
                f"send request message to <{message.topic}> OK, but wait reply message "
                f"timeout, {own[TTL]} ms. Does a consumer of it reply?"
            ) from None
        finally:
            del self._waiting[name]

    async def _introduce(self, topic: str) -> None:
        """Have the brokers of a topic know us, at its first request."""
        if topic in self._known:
            return
        for one in (topic, self._instance.config.create_topic_key):
            await self._instance.route(one)
        await self._instance.beat()
        self._known.add(topic)

    def _arrived(self, frame: Frame, address: str) -> Frame:
        reply = self._reply(frame)
        waiting = self._waiting.get(reply.properties.get(CORRELATION_ID, ""))
        if waiting is None:
            log.warning("a reply that nobody waits for from=%s: %s", address, reply)
        elif not waiting.done():
            waiting.set_result(reply)
        return frame.answer()

    def _reply(self, frame: Frame) -> StoredMessage:
        """Return a reply as a message; it lies in no queue."""
        pushed = PushReply.parse(frame.fields)
        arrived = {ARRIVED_AT: str(self._instance.clock.now_ms())}
        return StoredMessage(
            topic=pushed.topic,
            queue_id=pushed.queue_id,
            queue_offset=0,
            physical_offset=0,
            size=0,
            body=plain_body(frame.body, pushed.sys_flag),
            properties=split_properties(pushed.properties or "") | arrived,
            flag=pushed.flag,
            sys_flag=pushed.sys_flag,
            born_timestamp=pushed.born_timestamp,
            born_host=_host(pushed.born_host),
            store_timestamp=pushed.store_timestamp,
            store_host=_host(pushed.store_host),
            reconsume_times=pushed.reconsume_times or 0,
        )


def reply_to(request: StoredMessage, body: bytes) -> Message:
    """Return the reply to a message that was consumed; any producer may send it.

    Raises:
        NotSendable: nobody waits for a reply to it.
    """
    for name in (CLUSTER, CORRELATION_ID, REPLY_TO):
        if name not in request.properties:
            raise NotSendable(
                "create reply message fail, requestMessage error, "
                f"property[{name}] is null."
            )
    kept = (CORRELATION_ID, REPLY_TO, TTL)
    asked = {k: v for k, v in request.properties.items() if k in kept}
    topic = reply_topic(request.properties[CLUSTER])
    return Message(topic, body, properties={MESSAGE_TYPE: REPLY} | asked)


def _host(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)
