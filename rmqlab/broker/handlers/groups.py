"""Consumer and producer groups as administrators see them: settings and clients.

Not here: what clients say of themselves (`group`), how far groups are (`progress`).

Source: AdminBrokerProcessor.updateAndCreateSubscriptionGroup, getConsumerConnectionList
and their neighbours, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, cast

from rmqlab.broker.call import Answer, Call, Peer, Tell
from rmqlab.broker.handlers.topics import refuse_on_slave
from rmqlab.broker.memory import Memory
from rmqlab.broker.tables.clients import Member
from rmqlab.errors import Refused, WireError
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.admin import (
    DeleteGroup,
    GetAllGroupConfig,
    GetAllProducers,
    GetConsumerConnections,
    GetProducerConnections,
    UpdateGroup,
)
from rmqlab.protocol.bodies import GroupConfig
from rmqlab.protocol.codes import ResponseCode
from rmqlab.settings import StoreConfig


class GroupsHandler:
    """Answers what administrators ask about groups."""

    def __init__(self, memory: Memory, config: StoreConfig, tell: Tell) -> None:
        self._groups, self._offsets = memory.groups, memory.offsets
        self._clients = memory.clients
        self._config, self._tell = config, tell

    def update(self, _: UpdateGroup, call: Call) -> Answer:
        """Create a group or change its settings.

        Raises:
            Refused: SYSTEM_ERROR; the body is no group's settings, or this is a slave.
        """
        refuse_on_slave(self._config)
        try:
            group = GroupConfig.from_json(fastjson.loads(call.frame.body))
        except WireError as error:
            raise Refused(ResponseCode.SYSTEM_ERROR, str(error)) from error
        self._groups.put(group, call.now_ms)
        self._tell.topics_changed()
        return call.answer()

    def delete(self, asked: DeleteGroup, call: Call) -> Answer:
        """Forget a group's settings and, if asked to, how far it is.

        Raises:
            Refused: SYSTEM_ERROR; this is a slave.
        """
        refuse_on_slave(self._config)
        self._groups.remove(asked.group_name, call.now_ms)
        if asked.remove_offset:
            self._offsets.forget_group(asked.group_name)
        self._tell.topics_changed()
        return call.answer()

    def all(self, _: GetAllGroupConfig, call: Call) -> Answer:
        """Return subscriptionGroup.json."""
        return call.answer(body=bodies.encode(self._groups.to_json()))

    def consumers(self, asked: GetConsumerConnections, call: Call) -> Answer:
        """Return the clients of a consumer group, and what it subscribes to.

        Raises:
            Refused: CONSUMER_NOT_ONLINE.
        """
        group = self._clients.consumers(asked.consumer_group)
        if group is None:
            raise Refused(
                ResponseCode.CONSUMER_NOT_ONLINE,
                f"the consumer group[{asked.consumer_group}] not online",
            )
        subscriptions = group.subscriptions.items()
        found = {
            "connectionSet": _connections(group.members),
            "consumeFromWhere": group.data.consume_from_where,
            "consumeType": group.data.consume_type,
            "messageModel": group.data.message_model,
            "subscriptionTable": {name: one.to_json() for name, one in subscriptions},
        }
        return call.answer(body=bodies.encode(found))

    def producers(self, asked: GetProducerConnections, call: Call) -> Answer:
        """Return the clients of a producer group.

        Raises:
            Refused: SYSTEM_ERROR; it has none.
        """
        members = self._clients.producers(asked.producer_group)
        if not members:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"the producer group[{asked.producer_group}] not exist",
            )
        found = {"connectionSet": _connections(members)}
        return call.answer(body=bodies.encode(found))

    def all_producers(self, _: GetAllProducers, call: Call) -> Answer:
        """Return the producers of every group."""
        groups = self._clients.all_producers()
        found = {name: _producers(members) for name, members in groups}
        return call.answer(body=bodies.encode({"data": found}))


def _connections(members: dict[Hashable, Member]) -> list[dict[str, Any]]:
    return [
        {
            "clientAddr": _address(who),
            "clientId": one.client_id,
            "language": one.language,
            "version": one.version,
        }
        for who, one in members.items()
    ]


def _producers(members: dict[Hashable, Member]) -> list[dict[str, Any]]:
    return [
        {
            "clientId": one.client_id,
            "language": one.language,
            "lastUpdateTimestamp": one.heard_ms,
            "remoteIP": f"/{_address(who)}",
            "version": one.version,
        }
        for who, one in members.items()
    ]


def _address(connection: Hashable) -> str:
    host, port = cast("Peer", connection).peer
    return f"{host}:{port}"
