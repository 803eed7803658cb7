"""The cluster asked as a whole: brokers, topics, routes, queues, messages.

Source: DefaultMQAdminExtImpl.java, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple, Self

from rmqlab.client import routes
from rmqlab.client.instance import ClientInstance
from rmqlab.client.place import Place
from rmqlab.client.pull import PullStatus, pull
from rmqlab.config import parse_properties
from rmqlab.errors import NotConnected, RemoteError, RmqError
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import (
    CreateTopic,
    GetAllConsumerOffset,
    GetAllTopicConfig,
    GetBrokerConfig,
    GetRuntimeInfo,
    GetTopicStats,
)
from rmqlab.protocol.bodies import ClusterInfo, TopicConfig, TopicRoute, TopicTable
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.header import Header
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.message import (
    DEFAULT_TOPIC,
    MessageQueue,
    StoredMessage,
    keys_of,
)
from rmqlab.protocol.messaging import QueryMessage, ViewMessage
from rmqlab.protocol.record import decode_all, to_message
from rmqlab.protocol.routing import GetClusterInfo, GetTopicList
from rmqlab.settings import ClientConfig

GROUP = "TOOLS_CONSUMER"
"""The group in whose name tools read; every broker has it."""
TIMEOUT_S = 5.0
MOST_BY_KEY = 32
LATEST_MS = (1 << 63) - 1


class NoRoute(RmqError):
    """No broker that lives has registered the topic."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"No topic route info in name server for the topic: {topic}")


class QueueStats(NamedTuple):
    """One queue: its oldest and next offsets, and when its last message was stored."""

    queue: MessageQueue
    min_offset: int
    max_offset: int
    last_stored_ms: int


class Admin:
    """Asks name servers and brokers; use it as an async context manager.

    A broker that has not answered within `timeout_s` does not answer.
    """

    def __init__(
        self,
        name_servers: str,
        config: ClientConfig | None = None,
        place: Place | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.instance = ClientInstance(name_servers, config, place)
        self._timeout_s = timeout_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.instance.stop()

    @property
    def name_servers(self) -> tuple[str, ...]:
        """The addresses of the name servers, in the order in which they were given."""
        return self.instance.name_servers

    async def cluster(self) -> ClusterInfo:
        """Return which brokers a name server knows.

        Raises:
            NotConnected: no name server answered.
        """
        answer = await self.instance.ask_name_server(GetClusterInfo())
        return ClusterInfo.from_json(fastjson.loads(answer.body))

    async def topics(self) -> list[str]:
        """Return the names of all topics that a name server knows."""
        answer = await self.instance.ask_name_server(GetTopicList())
        return list(fastjson.loads(answer.body).get("topicList", []))

    async def route(self, topic: str) -> TopicRoute | None:
        """Return a topic's route as a name server has it now."""
        return await self.instance.fetch_route(topic)

    async def known_route(self, topic: str) -> TopicRoute:
        """Return a topic's route as a name server has it now.

        Raises:
            NoRoute: it has none.
            NotConnected: no name server answered.
        """
        route = await self.route(topic)
        if route is None:
            raise NoRoute(topic)
        return route

    async def addresses(self, topic: str) -> list[str]:
        """Return where a topic's brokers are: masters, or who stands in for one.

        Raises:
            NoRoute, NotConnected: see `known_route`.
        """
        return list((await self.addresses_by_name(topic)).values())

    async def addresses_by_name(self, topic: str) -> dict[str, str]:
        """Return the same by broker names, sorted; see `addresses`."""
        brokers = (await self.known_route(topic)).brokers
        names = sorted(one.broker_name for one in brokers)
        found = {one: routes.address(brokers, one, routes.MASTER_ID) for one in names}
        return {name: address for name, address in found.items() if address}

    async def call(
        self,
        address: str,
        header: Header,
        body: bytes = b"",
        timeout_s: float | None = None,
    ) -> Frame:
        """Ask one server something.

        Raises:
            NotConnected, NoAnswer: it is away.
            RemoteError: it refused.
        """
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        return await self.instance.remoting.ask(address, header, body, limit_s)

    async def ask(
        self,
        address: str,
        header: Header,
        body: bytes = b"",
        timeout_s: float | None = None,
    ) -> Any:
        """Ask one server something and return the JSON that it answers; see `call`."""
        answer = await self.call(address, header, body, timeout_s)
        return fastjson.loads(answer.body) if answer.body else {}

    async def runtime_info(self, address: str) -> dict[str, str]:
        """Return a broker's measurements; see `ask`."""
        return dict((await self.ask(address, GetRuntimeInfo()))["table"])

    async def settings(self, address: str) -> dict[str, str]:
        """Return one broker's settings, by RocketMQ's keys; see `ask`."""
        answer = await self.call(address, GetBrokerConfig())
        return {one.key: one.value for one in parse_properties(answer.body.decode())}

    async def topic_configs(self, address: str) -> dict[str, TopicConfig]:
        """Return the topics that one broker has; see `ask`."""
        return TopicTable.from_json(await self.ask(address, GetAllTopicConfig())).topics

    async def consumer_offsets(self, address: str) -> dict[str, dict[int, int]]:
        """Return one broker's group offsets by ``topic@group``; see `ask`."""
        table = (await self.ask(address, GetAllConsumerOffset()))["offsetTable"]
        return {
            key: {int(queue_id): at for queue_id, at in queues.items()}
            for key, queues in table.items()
        }

    async def create_topic(
        self, topic: str, queues: int = 8, broker_name: str | None = None
    ) -> list[str]:
        """Create a topic on every master, or on one; return their addresses.

        Raises:
            NotConnected: there is no such master.
            RemoteError: a broker refused.
        """
        cluster = await self.cluster()
        header = CreateTopic(topic, DEFAULT_TOPIC, queues, queues, 6, "SINGLE_TAG", 0)
        done = []
        for name, data in sorted(cluster.brokers.items()):
            master = data.broker_addrs.get(routes.MASTER_ID)
            if master and broker_name in (None, name):
                await self.ask(master, header)
                done.append(master)
        if not done:
            wanted = broker_name or "any broker"
            raise NotConnected(
                f"no master of {wanted} is registered: see `rmqlab status`"
            )
        return done

    async def queue_stats(self, topic: str) -> list[QueueStats]:
        """Return every queue of a topic, sorted; masters are asked, else a slave."""
        route = await self.route(topic)
        found = []
        for data in route.brokers if route else []:
            address = self.instance.address_of(data.broker_name)
            table = (await self.ask(address, GetTopicStats(topic)))["offsetTable"]
            for key, stats in table.items():
                queue = MessageQueue(topic, data.broker_name, key.as_dict()["queueId"])
                low, high = stats["minOffset"], stats["maxOffset"]
                found.append(QueueStats(queue, low, high, stats["lastUpdateTimestamp"]))
        return sorted(found)

    async def messages(
        self, queue: MessageQueue, address: str | None = None, start: int = 0
    ) -> AsyncIterator[StoredMessage]:
        """Yield the messages that a queue has now, from `address` or its master.

        Raises:
            NotConnected, NoAnswer, RemoteError: see `pull.pull`.
        """
        everything = Subscription.of(queue.topic, "*")
        offset, end = start, None
        if address is None:
            await self.instance.route(queue.topic)  # says where its broker is
        while end is None or offset < end:
            result = await pull(
                self.instance, GROUP, queue, offset, everything, address=address
            )
            end = result.max_offset if end is None else end
            for message in result.messages:
                yield message
            moved = result.next_offset > offset
            if not moved or result.status is PullStatus.NO_NEW_MSG:
                return
            offset = result.next_offset

    async def messages_by_key(
        self, topic: str, key: str, most: int = MOST_BY_KEY
    ) -> list[StoredMessage]:
        """Return the newest messages with a key, of each broker at most so many.

        A broker may find others by the same hash: the key is compared here, too.

        Raises:
            NotConnected, NoAnswer, RemoteError: a broker is away, or refused.
        """
        route = await self.route(topic)
        header = QueryMessage(topic, key, most, 0, LATEST_MS)
        found = []
        for data in route.brokers if route else []:
            address = self.instance.address_of(data.broker_name)
            try:
                answer = await self.call(address, header)
            except RemoteError as error:
                if error.code != ResponseCode.QUERY_NOT_FOUND:
                    raise
                continue
            found += [to_message(one) for one in decode_all(answer.body)]
        return [one for one in found if key in keys_of(one.properties)]

    async def message_at(self, address: str, physical_offset: int) -> StoredMessage:
        """Return the message at an offset of a broker's commit log; see `ask`."""
        header = ViewMessage(physical_offset)
        answer = await self.call(address, header)
        return to_message(next(decode_all(answer.body)))
