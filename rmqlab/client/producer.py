"""A producer: picks queues in turn, and tries another broker when one fails.

A send that got no answer may have happened: trying again may store the message twice.
RocketMQ tries again all the same, and so does this.

Source: DefaultMQProducerImpl.sendDefaultImpl, MQFaultStrategy.java,
MQClientAPIImpl.processSendResponse, release 4.9.7.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Self

from rmqlab.client import routes
from rmqlab.client.faults import FaultTable
from rmqlab.client.instance import ClientInstance
from rmqlab.client.place import Place
from rmqlab.client.unique_ids import UniqueIds
from rmqlab.errors import NotConnected, RemoteError, RmqError, Unavailable
from rmqlab.protocol.codes import ResponseCode, SysFlag
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.half_message import is_half
from rmqlab.protocol.membership import Heartbeat
from rmqlab.protocol.message import UNIQ_KEY, Message, MessageQueue, join_properties
from rmqlab.protocol.messaging import SendMessageV2, SendReply, UnregisterClient
from rmqlab.settings import ClientConfig


class SendStatus(Enum):
    """How safe a stored message is.  In all four cases it will be consumed."""

    SEND_OK = ResponseCode.SUCCESS
    FLUSH_DISK_TIMEOUT = ResponseCode.FLUSH_DISK_TIMEOUT
    FLUSH_SLAVE_TIMEOUT = ResponseCode.FLUSH_SLAVE_TIMEOUT
    SLAVE_NOT_AVAILABLE = ResponseCode.SLAVE_NOT_AVAILABLE

    def __repr__(self) -> str:
        """``SEND_OK``: the code is of no use to a reader."""
        return self.name


STORED = {status.value.value for status in SendStatus}

TRIED_AGAIN = {
    ResponseCode.TOPIC_NOT_EXIST,
    ResponseCode.SERVICE_NOT_AVAILABLE,
    ResponseCode.SYSTEM_ERROR,
    ResponseCode.NO_PERMISSION,
    ResponseCode.NO_BUYER_ID,
    ResponseCode.NOT_IN_CURRENT_UNIT,
}
"""Refusals after which another broker may say yes."""


class SendError(RmqError):
    """No broker took the message.

    `is_definite` is True where it is certainly in no log; otherwise an attempt was
    left without an answer.
    """

    def __init__(self, text: str, *, is_definite: bool) -> None:
        super().__init__(text)
        self.is_definite = is_definite


@dataclass(frozen=True, slots=True)
class SendResult:
    """Where a message went and how safe it is there.

    `msg_id` is the producer's own id, `offset_msg_id` the broker's.
    """

    status: SendStatus
    msg_id: str
    offset_msg_id: str
    queue: MessageQueue
    queue_offset: int


class Producer:
    """Sends messages; use it as an async context manager."""

    def __init__(
        self,
        group: str,
        name_servers: str,
        config: ClientConfig | None = None,
        place: Place | None = None,
    ) -> None:
        self.group = group
        self.instance = ClientInstance(name_servers, config, place)
        self.instance.describe = self._heartbeat
        self.config = self.instance.config
        here = self.instance.place
        self._ids = UniqueIds(here.random, here.pid, here.zone)
        self._turn = self.instance.random.randrange(1 << 16)
        self._faults = FaultTable()

    async def __aenter__(self) -> Self:
        await self.instance.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye to the brokers and close the connections."""
        header = UnregisterClient(self.instance.client_id, producer_group=self.group)
        masters = [one.broker_addrs.get(0) for one in self.instance.brokers()]
        calls = (
            self.instance.remoting.call(address, header)
            for address in masters
            if address and self.instance.remoting.is_connected(address)
        )
        await asyncio.gather(*calls, return_exceptions=True)
        await self.instance.stop()

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(self.instance.client_id, [self.group])

    async def send(
        self,
        message: Message,
        queue: MessageQueue | None = None,
        timeout_s: float | None = None,
    ) -> SendResult:
        """Send a message and return where it went.

        Without a `queue` the queues of all brokers are taken in turn, and a failed
        attempt is followed by others, elsewhere, until `timeout_s` is over
        (send_msg_timeout, for all attempts together).  So is one that was stored but
        not SEND_OK, if retryAnotherBrokerWhenNotStoreOK says so: then it is stored
        twice, and the last result counts.

        Raises:
            SendError: no route, or no broker took it; the text names who was asked.
            RemoteError: a broker refused in a way that no other one would mend.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        deadline = started + (timeout_s or self.config.send_msg_timeout / 1000)
        queues = await self._queues(message.topic)
        attempts = 1 if queue else 1 + self.config.retry_times_when_send_failed
        message.properties.setdefault(
            UNIQ_KEY, self._ids.next(self.instance.clock.now_ms())
        )
        asked: list[str] = []
        failures: list[RmqError] = []
        stored: SendResult | None = None
        while len(asked) < attempts and loop.time() < deadline:
            chosen = queue or self._next_queue(queues, asked[-1] if asked else None)
            asked.append(chosen.broker_name)
            try:
                left_s = deadline - loop.time()
                stored = await self._try(message, chosen, left_s)
            except RmqError as error:
                failures.append(error)
                if not _may_go_elsewhere(error):
                    break
            else:
                if self._is_enough(stored):
                    break
        if stored is not None:
            return stored
        raise _not_sent(message.topic, asked, failures, loop.time() - started)

    def _is_enough(self, result: SendResult) -> bool:
        """Whether to leave it at that; else the message is stored elsewhere, too."""
        is_safe = result.status is SendStatus.SEND_OK
        return is_safe or not self.config.retry_another_broker_when_not_store_o_k

    async def _queues(self, topic: str) -> list[MessageQueue]:
        route = await self.instance.route(topic)
        queues = routes.writable_queues(topic, route) if route else []
        if not queues:
            default = await self.instance.fetch_route(self.config.create_topic_key)
            if default:
                route = routes.as_default(default, self.config.default_topic_queue_nums)
                queues = routes.writable_queues(topic, route)
        if not queues:
            raise SendError(
                f"No route info of this topic, {topic}. Create it, or switch "
                "autoCreateTopicEnable on, and see that a master of it is up.",
                is_definite=True,
            )
        return queues

    def _next_queue(
        self, queues: list[MessageQueue], failed_broker: str | None
    ) -> MessageQueue:
        """Return the next queue in turn, of another broker than the one that failed."""
        if self.config.send_latency_fault_enable:
            return self._next_sound_queue(queues)
        for _ in queues:
            self._turn += 1
            queue = queues[self._turn % len(queues)]
            if queue.broker_name != failed_broker:
                return queue
        self._turn += 1
        return queues[self._turn % len(queues)]

    def _next_sound_queue(self, queues: list[MessageQueue]) -> MessageQueue:
        """Return the next queue whose broker is not left alone, or of the least bad."""
        now_ms = self._now_ms()
        in_turn = [
            queues[(self._turn + 1 + one) % len(queues)] for one in range(len(queues))
        ]
        sound = [
            one for one in in_turn if self._faults.is_available(one.broker_name, now_ms)
        ]
        least_bad = self._faults.least_bad(now_ms)
        chosen = (
            sound or [one for one in in_turn if one.broker_name == least_bad] or in_turn
        )
        self._turn += 1 + in_turn.index(chosen[0])
        return chosen[0]

    def _now_ms(self) -> float:
        return asyncio.get_running_loop().time() * 1000

    async def _try(
        self, message: Message, queue: MessageQueue, timeout_s: float
    ) -> SendResult:
        """Send once, and note how the broker did where that is asked for."""
        if not self.config.send_latency_fault_enable:
            return await self._send_once(message, queue, timeout_s)
        began_ms = self._now_ms()
        try:
            result = await self._send_once(message, queue, timeout_s)
        except RmqError:
            self._faults.failed(queue.broker_name, self._now_ms())
            raise
        now_ms = self._now_ms()
        self._faults.answered(queue.broker_name, now_ms - began_ms, now_ms)
        return result

    async def _send_once(
        self, message: Message, queue: MessageQueue, timeout_s: float
    ) -> SendResult:
        brokers = self.instance.brokers()
        address = routes.master_address(brokers, queue.broker_name)
        if address is None:
            raise NotConnected(f"The broker[{queue.broker_name}] has no master now")
        header = SendMessageV2(
            producer_group=self.group,
            topic=message.topic,
            default_topic=self.config.create_topic_key,
            default_topic_queue_nums=self.config.default_topic_queue_nums,
            queue_id=queue.queue_id,
            sys_flag=SysFlag.TRANSACTION_PREPARED if is_half(message.properties) else 0,
            born_timestamp=self.instance.clock.now_ms(),
            flag=message.flag,
            properties=join_properties(message.all_properties()),
            reconsume_times=0,
            unit_mode=False,
            batch=False,
        )
        remoting = self.instance.remoting
        answer = await remoting.call(address, header, message.body, timeout_s)
        return self._result(answer, message, queue, address)

    def _result(
        self, answer: Frame, message: Message, queue: MessageQueue, address: str
    ) -> SendResult:
        if answer.code not in STORED:
            raise RemoteError(answer.code, answer.remark, address)
        reply = SendReply.parse(answer.fields)
        return SendResult(
            SendStatus(ResponseCode(answer.code)),
            message.properties[UNIQ_KEY],
            reply.msg_id,
            queue._replace(queue_id=reply.queue_id),
            reply.queue_offset,
        )


def _may_go_elsewhere(error: RmqError) -> bool:
    """Whether another broker may take what this one did not."""
    if isinstance(error, RemoteError):
        return error.code in TRIED_AGAIN
    return isinstance(error, Unavailable)


def _not_sent(
    topic: str, asked: list[str], failures: list[RmqError], cost_s: float
) -> RmqError:
    """Return the error that names who was asked, worded as RocketMQ's client does."""
    last = failures[-1] if failures else None
    if last is not None and not _may_go_elsewhere(last):
        return last
    return SendError(
        f"Send [{len(asked)}] times, still failed, cost [{int(cost_s * 1000)}]ms, "
        f"Topic: {topic}, BrokersSent: [{', '.join(asked)}]; "
        f"last: {last or 'the time was up'}",
        is_definite=all(getattr(one, "is_definite", False) for one in failures),
    )
