"""Places in a queue, as its broker knows them.

    0  1  2  3  4  5  6  7  8 │
          └ begin   └ committed └ end: the next message's

The oldest messages are removed in time, so a queue begins where it begins.

Source: MQAdminImpl.java, RemoteBrokerOffsetStore.fetchConsumeOffsetFromBroker, 4.9.7.
"""

from __future__ import annotations

from rmqlab.client.instance import ClientInstance
from rmqlab.errors import RemoteError
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.header import Header
from rmqlab.protocol.message import MessageQueue
from rmqlab.protocol.messaging import (
    GetMaxOffset,
    GetMinOffset,
    OffsetReply,
    QueryConsumerOffset,
    SearchOffset,
)


async def begin(instance: ClientInstance, queue: MessageQueue) -> int:
    """Return the offset of the oldest message that is still there; see `end`."""
    return await _ask(instance, queue, GetMinOffset(queue.topic, queue.queue_id))


async def end(instance: ClientInstance, queue: MessageQueue) -> int:
    """Return the offset that the next message will have.

    Raises:
        NotConnected, NoAnswer: the queue's broker, or every name server, is away.
        RemoteError: it answered something else.
    """
    return await _ask(instance, queue, GetMaxOffset(queue.topic, queue.queue_id))


async def at_time(instance: ClientInstance, queue: MessageQueue, when_ms: int) -> int:
    """Return the offset of what was stored at a time, or nearest to it; see `end`."""
    header = SearchOffset(queue.topic, queue.queue_id, when_ms)
    return await _ask(instance, queue, header)


async def committed(
    instance: ClientInstance, group: str, queue: MessageQueue
) -> int | None:
    """Return before which offset a group has consumed all, None if unknown; see `end`.

    Of a group that is new to a queue whose messages are all still in memory, a broker
    says 0.
    """
    header = QueryConsumerOffset(group, queue.topic, queue.queue_id)
    try:
        return await _ask(instance, queue, header)
    except RemoteError as error:
        if error.code != ResponseCode.QUERY_NOT_FOUND:
            raise
        return None


async def _ask(instance: ClientInstance, queue: MessageQueue, header: Header) -> int:
    await instance.route(queue.topic)
    address = instance.address_of(queue.broker_name)
    answer = await instance.remoting.ask(address, header)
    return OffsetReply.parse(answer.fields).offset


class Places:
    """A consumer that can be asked for them; see `end` for what is raised."""

    instance: ClientInstance
    group: str

    async def begin(self, queue: MessageQueue) -> int:
        """Return the offset of the oldest message that is still there."""
        return await begin(self.instance, queue)

    async def end(self, queue: MessageQueue) -> int:
        """Return the offset that the next message will have."""
        return await end(self.instance, queue)

    async def at_time(self, queue: MessageQueue, when_ms: int) -> int:
        """Return the offset of what was stored at a time, in ms since 1970."""
        return await at_time(self.instance, queue, when_ms)

    async def committed(self, queue: MessageQueue) -> int | None:
        """Return before which offset the group has consumed all, None if unknown."""
        return await committed(self.instance, self.group, queue)
