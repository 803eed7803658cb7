"""Brings what is sent to the next queue in turn, and after a failure elsewhere.

A send that got no answer may have happened: trying again may store the message twice.
RocketMQ tries again all the same, and so does this.

Not here: which queue is next (`selection`), what the failures mean together (`sent`).

Source: DefaultMQProducerImpl.sendDefaultImpl, sendSelectImpl and sendKernelImpl, 4.9.7.
"""

from __future__ import annotations

import asyncio

from rmqlab.client import routes
from rmqlab.client.instance import ClientInstance
from rmqlab.client.outgoing import Outgoing
from rmqlab.client.selection import Selector, Turns
from rmqlab.client.sent import (
    STORED,
    SendError,
    SendResult,
    SendStatus,
    may_go_elsewhere,
    not_sent,
)
from rmqlab.errors import NotConnected, RemoteError, RmqError
from rmqlab.protocol.bodies import TopicRoute
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.message import MessageQueue
from rmqlab.protocol.messaging import SendMessage, SendReply


class Delivery:
    """The attempts of one producer."""

    def __init__(self, instance: ClientInstance, group: str) -> None:
        self._instance, self._group, self._config = instance, group, instance.config
        self._turns = Turns(
            instance.random.randrange(1 << 16),
            avoids_faults=self._config.send_latency_fault_enable,
        )
        self._queues: dict[str, tuple[TopicRoute, list[MessageQueue]]] = {}

    async def deliver(
        self, outgoing: Outgoing, select: Selector | None, timeout_s: float | None
    ) -> SendResult:
        """Send until a broker has stored it, and return where; see `Producer.send`.

        Who selects the queue has one attempt: elsewhere it would be another queue.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        deadline = started + (timeout_s or self._config.send_msg_timeout / 1000)
        queues = await self.queues(outgoing.topic)
        attempts = 1 if select else 1 + self._config.retry_times_when_send_failed
        asked: list[str] = []
        failures: list[RmqError] = []
        stored: SendResult | None = None
        while len(asked) < attempts and loop.time() < deadline:
            queue = select(queues) if select else self._next(queues, asked)
            asked.append(queue.broker_name)
            try:
                stored = await self._try(outgoing, queue, deadline - loop.time())
            except RmqError as error:
                failures.append(error)
                if not may_go_elsewhere(error):
                    break
            else:
                if self._is_enough(stored):
                    break
        if stored is not None:
            return stored
        raise not_sent(outgoing.topic, asked, failures, loop.time() - started)

    async def tell(self, outgoing: Outgoing, select: Selector | None) -> None:
        """Send once, and wait for no answer; see `Producer.send_one_way`."""
        queues = await self.queues(outgoing.topic)
        queue = select(queues) if select else self._next(queues, [])
        try:
            address = self._instance.master_of(queue.broker_name)
            header = self._header(outgoing, queue)
            await self._instance.remoting.tell(address, header, outgoing.body)
        except NotConnected as error:
            raise not_sent(outgoing.topic, [queue.broker_name], [error], 0) from error

    async def queues(self, topic: str) -> list[MessageQueue]:
        """Return the queues of a topic that may be written to.

        A topic that is not there yet has those of the topic that lends new ones its
        settings, if it does.  One that is there and not to be written to has none; but
        that is asked for anew each time: its master may just have come back.

        Raises:
            SendError: there is none.
            NotConnected: no name server answered.
        """
        route = await self._instance.route(topic)
        queues = self._writable(topic, route) if route else []
        if route and not queues:
            route = await self._instance.fetch_route(topic) or route
            queues = self._writable(topic, route)
        if route is None:
            default = await self._instance.fetch_route(self._config.create_topic_key)
            if default:
                most = self._config.default_topic_queue_nums
                route = routes.as_default(default, most)
                queues = routes.writable_queues(topic, route)
        if not queues:
            raise SendError(
                f"No route info of this topic, {topic}. Create it, or switch "
                "autoCreateTopicEnable on, and see that a master of it is up. Asked: "
                f"the name server {self._instance.name_server}.",
                is_definite=True,
            )
        return queues

    def _writable(self, topic: str, route: TopicRoute) -> list[MessageQueue]:
        """Return a route's queues, worked out once: every send asks for them."""
        known, queues = self._queues.get(topic, (None, []))
        if route is not known:
            queues = routes.writable_queues(topic, route)
            self._queues[topic] = route, queues
        return queues

    def _next(self, queues: list[MessageQueue], asked: list[str]) -> MessageQueue:
        return self._turns.next(queues, asked[-1] if asked else None, self._now_ms())

    def _now_ms(self) -> float:
        return asyncio.get_running_loop().time() * 1000

    def _is_enough(self, result: SendResult) -> bool:
        """Whether to leave it at that; else the message is stored elsewhere, too."""
        is_safe = result.status is SendStatus.SEND_OK
        return is_safe or not self._config.retry_another_broker_when_not_store_o_k

    async def _try(
        self, outgoing: Outgoing, queue: MessageQueue, timeout_s: float
    ) -> SendResult:
        """Send once, and note how the broker did."""
        began_ms = self._now_ms()
        try:
            result = await self._send(outgoing, queue, timeout_s)
        except RmqError:
            self._turns.failed(queue.broker_name, self._now_ms())
            raise
        now_ms = self._now_ms()
        self._turns.answered(queue.broker_name, now_ms - began_ms, now_ms)
        return result

    async def _send(
        self, outgoing: Outgoing, queue: MessageQueue, timeout_s: float
    ) -> SendResult:
        address = self._instance.master_of(queue.broker_name)
        header = self._header(outgoing, queue)
        remoting = self._instance.remoting
        answer = await remoting.call(address, header, outgoing.body, timeout_s)
        return result_of(answer, outgoing, queue, address)

    def _header(self, outgoing: Outgoing, queue: MessageQueue) -> SendMessage:
        now_ms = self._instance.clock.now_ms()
        return outgoing.header(self._group, queue.queue_id, now_ms, self._config)


def result_of(
    answer: Frame, outgoing: Outgoing, queue: MessageQueue, address: str
) -> SendResult:
    """Return where a broker stored it.

    Raises:
        RemoteError: it did not.
    """
    if answer.code not in STORED:
        raise RemoteError(answer.code, answer.remark, address)
    reply = SendReply.parse(answer.fields)
    return SendResult(
        SendStatus(ResponseCode(answer.code)),
        outgoing.msg_id,
        reply.msg_id,
        queue._replace(queue_id=reply.queue_id),
        reply.queue_offset,
    )
