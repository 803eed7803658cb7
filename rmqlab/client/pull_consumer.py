"""A consumer that asks: which queue, from which offset, how many messages, and when.

    async with PullConsumer("audit", "127.0.0.1:9876") as consumer:
        for queue in await consumer.queues("orders"):
            offset = await consumer.committed(queue) or 0
            result = await consumer.pull(queue, offset)
            ...
            consumer.update(queue, result.next_offset)

It shares nothing out and knows no retries: whoever uses it decides who pulls what, and
what is consumed.  Such offsets are told to the broker every five seconds and at close.

Source: DefaultMQPullConsumer.java, DefaultMQPullConsumerImpl.java, release 4.9.7.
"""

from __future__ import annotations

from typing import Self

from rmqlab.client import routes
from rmqlab.client.admin import NoRoute
from rmqlab.client.instance import ClientInstance
from rmqlab.client.member import Member
from rmqlab.client.offsets import GroupOffsets, OffsetSaver
from rmqlab.client.place import Place
from rmqlab.client.positions import Places
from rmqlab.client.pull import PullResult, pull
from rmqlab.protocol.membership import ConsumerData, Subscription
from rmqlab.protocol.message import MessageQueue
from rmqlab.settings import ClientConfig


class PullConsumer(Places):
    """One client of a group that pulls where it is told to; an async context manager.

    All that asks raises `NotConnected` or `NoAnswer` where a server is away, and
    `RemoteError` where it refused.
    """

    def __init__(
        self,
        group: str,
        name_servers: str,
        config: ClientConfig | None = None,
        *,
        place: Place | None = None,
    ) -> None:
        self.group = group
        self.instance = ClientInstance(name_servers, config, place)
        data = ConsumerData(group, consume_type="CONSUME_ACTIVELY")
        self._member = Member(self.instance, data)
        self._offsets = GroupOffsets(self.instance, group)
        self._saver = OffsetSaver(self._offsets, self.instance.config)
        self._broker_ids: dict[MessageQueue, int] = {}
        """Which of a broker's machines suggests itself for the queue's next pull."""

    async def __aenter__(self) -> Self:
        await self.instance.start()
        self._saver.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def queues(self, topic: str) -> list[MessageQueue]:
        """Return the queues of a topic that may be read, sorted.

        Raises:
            NoRoute: the topic has none.
        """
        route = await self.instance.fetch_route(topic)
        if route is None:
            raise NoRoute(topic)
        return routes.readable_queues(topic, route)

    async def pull(
        self,
        queue: MessageQueue,
        offset: int,
        text: str = "*",
        kind: str = "TAG",
        *,
        limit: int | None = None,
        wait: bool = False,
    ) -> PullResult:
        """Return what a queue has from an offset on; `limit` is pullBatchSize.

        `text` filters as in `Member.subscribe`.  With `wait` the broker answers once
        there is a message, or after 15 seconds.
        """
        if queue.topic not in self._member.subscriptions:
            await self._member.subscribe(queue.topic)
        suggested = self._broker_ids.get(queue, routes.MASTER_ID)
        result = await pull(
            self.instance,
            self.group,
            queue,
            offset,
            Subscription.of(queue.topic, text, kind=kind),
            limit=limit or self.instance.config.pull_batch_size,
            address=self.instance.address_of(queue.broker_name, suggested),
            suspend=wait,
        )
        self._broker_ids[queue] = result.suggested_broker_id
        return result

    def update(self, queue: MessageQueue, offset: int) -> None:
        """Everything of a queue before `offset` is consumed; the broker hears later."""
        self._offsets.update(queue, offset)

    async def save(self) -> None:
        """Tell the brokers all that was updated now."""
        await self._offsets.save_all()

    async def close(self) -> None:
        """Save the offsets, say goodbye."""
        await self._saver.stop()
        await self.save()
        await self._member.leave()
        await self.instance.stop()
