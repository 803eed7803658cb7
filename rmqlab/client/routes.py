"""From a route to the queues that one may write to or read from.

Source: MQClientInstance.topicRouteData2TopicPublishInfo and
topicRouteData2TopicSubscribeInfo, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rmqlab.protocol.bodies import BrokerData, TopicRoute
from rmqlab.protocol.codes import Permission
from rmqlab.protocol.message import MessageQueue

MASTER_ID = 0


def writable_queues(topic: str, route: TopicRoute) -> list[MessageQueue]:
    """Return the queues of all brokers that may be written to and have a master.

    Where they are fixed, for the sake of order, they are those whoever is there.
    """
    if route.order:
        return list(_fixed(topic, route.order))
    masters = {
        one.broker_name for one in route.brokers if MASTER_ID in one.broker_addrs
    }
    return [
        MessageQueue(topic, data.broker_name, queue_id)
        for data in sorted(route.queues, key=lambda data: data.broker_name)
        if data.perm & Permission.WRITE and data.broker_name in masters
        for queue_id in range(data.write_queue_nums)
    ]


def _fixed(topic: str, order: str) -> Iterator[MessageQueue]:
    """Yield the queues of ``broker-a:4;broker-b:4``."""
    for part in order.split(";"):
        name, _, count = part.partition(":")
        for queue_id in range(int(count) if count.isdecimal() else 0):
            yield MessageQueue(topic, name, queue_id)


def readable_queues(topic: str, route: TopicRoute) -> list[MessageQueue]:
    """Return the queues of all brokers that may be read from, sorted."""
    return sorted(
        MessageQueue(topic, data.broker_name, queue_id)
        for data in route.queues
        if data.perm & Permission.READ
        for queue_id in range(data.read_queue_nums)
    )


def as_default(route: TopicRoute, queue_nums: int) -> TopicRoute:
    """Return the default topic's route as that of a topic which is not there yet."""
    queues = [
        replace(
            data,
            read_queue_nums=min(queue_nums, data.read_queue_nums),
            write_queue_nums=min(queue_nums, data.read_queue_nums),
        )
        for data in route.queues
    ]
    return TopicRoute(queues, route.brokers)


def address(brokers: list[BrokerData], name: str, broker_id: int) -> str | None:
    """Return the address of one broker, or of any with that name where it is gone."""
    for data in brokers:
        if data.broker_name == name and data.broker_addrs:
            others = next(iter(sorted(data.broker_addrs.items())))[1]
            return data.broker_addrs.get(broker_id, others)
    return None


def master_address(brokers: list[BrokerData], name: str) -> str | None:
    """Return the address of a broker name's master, None where it has none."""
    for data in brokers:
        if data.broker_name == name:
            return data.broker_addrs.get(MASTER_ID)
    return None
