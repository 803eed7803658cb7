"""Asks the brokers of a topic whether they understand a subscription.

Tags are understood everywhere; SQL92 only where `enablePropertyFilter` is on.

Source: MQClientInstance.checkClientInBroker, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.client.instance import ClientInstance
from rmqlab.protocol import bodies
from rmqlab.protocol.grouping import CheckClientConfig
from rmqlab.protocol.membership import Subscription


async def check(
    instance: ClientInstance, group: str, subscription: Subscription
) -> None:
    """Return where every broker of the topic understands it, and on its absence.

    Raises:
        RemoteError: a broker does not; the text says why.
        NotConnected, NoAnswer: one could not be asked.
    """
    route = await instance.fetch_route(subscription.topic)
    if route is None or subscription.is_tag_filter:
        return
    asked = {
        "clientId": instance.client_id,
        "group": group,
        "subscriptionData": subscription.to_json(),
    }
    for broker in route.brokers:
        address = instance.address_of(broker.broker_name)
        await instance.remoting.ask(address, CheckClientConfig(), bodies.encode(asked))
