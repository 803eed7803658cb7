"""What a test asks of any cluster, wherever it runs: `name_servers` says where.

Every call has connections of its own, so that whatever was killed in between is found
again, and nothing is left to be closed.
"""

from __future__ import annotations

from typing import Any

from rmqlab.client import Admin, Producer, SendResult, routes
from rmqlab.errors import RemoteError
from rmqlab.protocol.admin import GetTopicStats
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import Message, MessageQueue, StoredMessage

GROUP = "rmqlab_testing"


async def send(
    name_servers: str, topic: str, body: bytes | str, **more: Any
) -> SendResult:
    """Send a message; `more` is of `Message`: tags, keys, properties, delay_level.

    Raises:
        SendError: no broker took it.
    """
    data = body.encode() if isinstance(body, str) else body
    async with Producer(GROUP, name_servers) as producer:
        return await producer.send(Message(topic, data, **more))


async def create_topic(name_servers: str, topic: str, queues: int) -> None:
    """Create a topic on every master.

    Raises:
        NotConnected, RemoteError: see `Admin.create_topic`.
    """
    async with Admin(name_servers) as admin:
        await admin.create_topic(topic, queues)


async def messages(name_servers: str, topic: str) -> list[StoredMessage]:
    """Return what lies in a topic now, oldest first; nothing where there is none.

    Brokers are asked themselves: one that has just made a topic may not have told yet.
    A master is; or else one of its slaves.

    Raises:
        NotConnected, NoAnswer: a broker is away.
    """
    async with Admin(name_servers) as admin:
        brokers = list((await admin.cluster()).brokers.values())
        found = []
        for data in brokers:
            at = routes.address(brokers, data.broker_name, routes.MASTER_ID)
            assert at is not None, "name servers forget a name without a broker"
            for queue_id, start in await _filled(admin, at, topic):
                queue = MessageQueue(topic, data.broker_name, queue_id)
                found += [one async for one in admin.messages(queue, at, start)]
    return sorted(found, key=lambda one: (one.store_timestamp, one.physical_offset))


async def _filled(admin: Admin, address: str, topic: str) -> list[tuple[int, int]]:
    """Return which queues of a broker have messages, and where each begins."""
    try:
        table = (await admin.ask(address, GetTopicStats(topic)))["offsetTable"]
    except RemoteError as error:
        if error.code == ResponseCode.TOPIC_NOT_EXIST:
            return []
        raise
    return [
        (key.as_dict()["queueId"], stats["minOffset"])
        for key, stats in table.items()
        if stats["minOffset"] < stats["maxOffset"]
    ]
