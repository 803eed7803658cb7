"""A client that belongs to a consumer group, as brokers learn it from its heartbeats.

Whoever belongs to a group must want the same of the same topics, for any member may be
given any queue.

Source: MQClientInstance.unregisterConsumer, DefaultMQPushConsumerImpl.subscribe, 4.9.7.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from rmqlab.client import checks, understood
from rmqlab.client.instance import ClientInstance
from rmqlab.protocol.membership import ConsumerData, Heartbeat, Subscription
from rmqlab.protocol.messaging import UnregisterClient


class Member:
    """One member: `data` is what its heartbeats say beside its subscriptions.

    Raises:
        ConfigError: no group may be called so.
    """

    def __init__(self, instance: ClientInstance, data: ConsumerData) -> None:
        checks.check_group(data.group_name, "consumer")
        self._instance, self.data = instance, data
        self.group = data.group_name
        self.subscriptions: dict[str, Subscription] = {}
        """By topic."""
        instance.describe = self._heartbeat

    def _heartbeat(self) -> Heartbeat:
        wanted = list(self.subscriptions.values())
        data = replace(self.data, subscriptions=wanted)
        return Heartbeat(self._instance.client_id, consumers=[data])

    async def subscribe(self, topic: str, text: str = "*", kind: str = "TAG") -> None:
        """Want something of a topic, and tell the brokers; see `Subscription.of`.

        Raises:
            Refused, RemoteError: nobody understands `text`, or a broker does not.
            NotConnected, NoAnswer: a broker could not be asked about it.
        """
        version = self._instance.clock.now_ms()
        wanted = Subscription.of(topic, text, version, kind)
        await understood.check(self._instance, self.group, wanted)
        self.subscriptions[topic] = wanted
        await self._instance.beat()

    async def unsubscribe(self, topic: str) -> None:
        """Want nothing more of a topic, and tell the brokers."""
        self.subscriptions.pop(topic, None)
        await self._instance.beat()

    async def leave(self) -> None:
        """Say goodbye to the brokers, so that others take over at once."""
        header = UnregisterClient(self._instance.client_id, consumer_group=self.group)
        remoting = self._instance.remoting
        addresses = [
            address
            for one in self._instance.brokers()
            for address in one.broker_addrs.values()
            if remoting.is_connected(address)
        ]
        calls = (remoting.call(one, header) for one in addresses)
        await asyncio.gather(*calls, return_exceptions=True)
