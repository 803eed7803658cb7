"""How the queues of an order topic are spread, as the name servers keep it.

    orders = broker-a:8;broker-b:8      a key-value setting of ORDER_TOPIC_CONFIG

Its queues keep their places while a broker is away, so that what belongs together
stays in one queue.

Source: UpdateTopicSubCommand.java, DefaultMQAdminExtImpl.createOrUpdateOrderConf,
release 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

from rmqlab.client.admin import Admin
from rmqlab.errors import RemoteError
from rmqlab.mqadmin.command import Said
from rmqlab.mqadmin.places import everywhere
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.routing import GetKvConfig, KvReply, PutKvConfig

ORDER_NAMESPACE = "ORDER_TOPIC_CONFIG"


@dataclass(frozen=True, slots=True)
class OrderSet(Said):
    """The name servers know how the topic's queues are spread."""

    NAME = "order"
    target: str
    conf: str

    def __str__(self) -> str:
        """Return RocketMQ's sentence."""
        return f"set {self.target} orderConf. isOrder=true, orderConf=[{self.conf}]"


async def set_order(admin: Admin, flags: Namespace, addresses: list[str]) -> OrderSet:
    """Say on every name server how many queues the topic has on which broker."""
    places = await everywhere(admin)
    names = sorted({one.broker for one in places if one.address in addresses})
    counts = {name: str(flags.write_queue_nums) for name in names}
    conf = _joined(counts)
    for at in admin.name_servers:
        before = {} if flags.cluster_name else await _order(admin, at, flags.topic)
        value = _joined(before | counts)
        await admin.call(at, PutKvConfig(ORDER_NAMESPACE, flags.topic, value))
    return OrderSet("cluster" if flags.cluster_name else "broker", conf)


async def _order(admin: Admin, name_server: str, topic: str) -> dict[str, str]:
    """Return what a name server knows of an order topic's queues by broker."""
    try:
        answer = await admin.call(name_server, GetKvConfig(ORDER_NAMESPACE, topic))
    except RemoteError as error:
        if error.code != ResponseCode.QUERY_NOT_FOUND:
            raise
        return {}
    parts = KvReply.parse(answer.fields).value.split(";")
    return dict(part.split(":", 1) for part in parts if ":" in part)


def _joined(counts: dict[str, str]) -> str:
    return ";".join(f"{name}:{count}" for name, count in counts.items())
