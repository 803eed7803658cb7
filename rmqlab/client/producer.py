"""A producer: checks a message, gives it an id, and sends it in one of four ways.

    send           returns where the message is, and how safe
    send_batch     … several of one topic in one request
    send_one_way   returns when it is on its way: nobody learns whether it arrived
    request        returns the reply of who consumed it

Not here: queues, brokers and repeated attempts (`delivery`).

Source: DefaultMQProducer.java, DefaultMQProducerImpl.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Self

from rmqlab.client import checks, outgoing
from rmqlab.client.delivery import Delivery
from rmqlab.client.instance import ClientInstance
from rmqlab.client.place import Place
from rmqlab.client.requests import Requests
from rmqlab.client.selection import Selector, only
from rmqlab.client.sent import SendResult
from rmqlab.client.unique_ids import UniqueIds
from rmqlab.protocol.membership import Heartbeat
from rmqlab.protocol.message import UNIQ_KEY, Message, MessageQueue, StoredMessage
from rmqlab.protocol.messaging import UnregisterClient
from rmqlab.settings import ClientConfig


class Producer:
    """Sends messages; use it as an async context manager.

    Raises:
        ConfigError: no group may be called `group`.
    """

    def __init__(
        self,
        group: str,
        name_servers: str,
        config: ClientConfig | None = None,
        place: Place | None = None,
    ) -> None:
        checks.check_group(group, "producer")
        self.group = group
        self.instance = ClientInstance(name_servers, config, place)
        self.instance.describe = self._heartbeat
        self.config = self.instance.config
        here = self.instance.place
        self._ids = UniqueIds(here.random, here.pid, here.zone)
        self._delivery = Delivery(self.instance, group)
        self._requests = Requests(self.instance)

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
        *,
        select: Selector | None = None,
    ) -> SendResult:
        """Send a message and return where it went.

        Where neither `queue` nor `select` says which, the queues of all brokers are
        taken in turn, and a failed attempt is followed by others, elsewhere, until
        `timeout_s` is over (send_msg_timeout, for all attempts together).  So is one
        that was stored but not SEND_OK, if retryAnotherBrokerWhenNotStoreOK says so:
        then it is stored twice, and the last result counts.

        Raises:
            SendError: what is given is not to be sent, no route, or no broker took it;
                the text names who was asked.
            NotConnected: no name server answered.
            RemoteError: a broker refused in a way that no other one would mend.
        """
        select = self._selector(message.topic, queue, select)
        return await self._delivery.deliver(self._ready(message), select, timeout_s)

    async def send_batch(
        self,
        messages: Sequence[Message],
        queue: MessageQueue | None = None,
        timeout_s: float | None = None,
        *,
        select: Selector | None = None,
    ) -> SendResult:
        """Send several messages of one topic to one queue: all are stored, or none.

        They may differ in all but topic and `wait_store_ok`; none may be delayed.  See
        `batches.split` for what is too much at once.

        Raises:
            SendError, NotConnected, RemoteError: see `send`.
        """
        most_bytes = self.config.max_message_size
        checks.check_batch(messages)
        for message in messages:
            checks.check_message(message, most_bytes)
            self._name(message)
        batch = outgoing.of_batch(messages)
        checks.check_body(batch.body, most_bytes)
        select = self._selector(batch.topic, queue, select)
        return await self._delivery.deliver(batch, select, timeout_s)

    async def request(
        self,
        message: Message,
        timeout_s: float | None = None,
        queue: MessageQueue | None = None,
        *,
        select: Selector | None = None,
    ) -> StoredMessage:
        """Send a message and return the reply of who consumed it.

        `timeout_s` (send_msg_timeout) is for both.  See `requests.reply_to` for the
        other side.

        Raises:
            SendError, NotConnected, RemoteError: see `send`.
            NoAnswer: the message is stored, and no reply came in time.
        """
        limit_s = timeout_s or self.config.send_msg_timeout / 1000
        return await self._requests.ask(
            message,
            lambda asking: self.send(asking, queue, limit_s, select=select),
            limit_s,
        )

    async def send_one_way(
        self,
        message: Message,
        queue: MessageQueue | None = None,
        *,
        select: Selector | None = None,
    ) -> None:
        """Send a message once and wait for no answer: it may be lost unnoticed.

        Raises:
            SendError: what is given is not to be sent, no route, or no connection.
            NotConnected: no name server answered.
        """
        select = self._selector(message.topic, queue, select)
        await self._delivery.tell(self._ready(message), select)

    def _selector(
        self, topic: str, queue: MessageQueue | None, select: Selector | None
    ) -> Selector | None:
        if queue is None:
            return select
        checks.check_queue(queue, topic)
        return only(queue)

    def _ready(self, message: Message) -> outgoing.Outgoing:
        checks.check_message(message, self.config.max_message_size)
        self._name(message)
        compress_from = self.config.compress_msg_body_over_howmuch
        return outgoing.of_message(message, compress_from)

    def _name(self, message: Message) -> None:
        """Give a message its id; one that is sent again keeps it."""
        now_ms = self.instance.clock.now_ms()
        message.properties.setdefault(UNIQ_KEY, self._ids.next(now_ms))
