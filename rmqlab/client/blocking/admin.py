"""An admin's view of a cluster without `async`."""

from __future__ import annotations

from typing import Any

from rmqlab.client import groups
from rmqlab.client.admin import MOST_BY_KEY, TIMEOUT_S, Admin, QueueStats
from rmqlab.client.blocking.client import BlockingClient
from rmqlab.client.blocking.thread import THREAD, Driver
from rmqlab.client.groups import Members, Progress
from rmqlab.protocol.bodies import ClusterInfo, TopicConfig, TopicRoute
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.header import Header
from rmqlab.protocol.message import MessageQueue, StoredMessage
from rmqlab.settings import ClientConfig


class BlockingAdmin(BlockingClient[Admin]):
    """`Admin` without `async`."""

    def __init__(
        self,
        name_servers: str,
        config: ClientConfig | None = None,
        driver: Driver = THREAD,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        own = name_servers, config, driver.place, timeout_s
        super().__init__(driver, lambda: Admin(*own))

    def cluster(self) -> ClusterInfo:
        """See `Admin.cluster`."""
        return self._wait(self.inner.cluster())

    def topics(self) -> list[str]:
        """See `Admin.topics`."""
        return self._wait(self.inner.topics())

    def route(self, topic: str) -> TopicRoute | None:
        """See `Admin.route`."""
        return self._wait(self.inner.route(topic))

    def create_topic(
        self, topic: str, queues: int = 8, broker_name: str | None = None
    ) -> list[str]:
        """See `Admin.create_topic`."""
        return self._wait(self.inner.create_topic(topic, queues, broker_name))

    def settings(self, address: str) -> dict[str, str]:
        """Return one broker's settings; see `Admin.settings`."""
        return self._wait(self.inner.settings(address))

    def topic_configs(self, address: str) -> dict[str, TopicConfig]:
        """See `Admin.topic_configs`."""
        return self._wait(self.inner.topic_configs(address))

    def consumer_offsets(self, address: str) -> dict[str, dict[int, int]]:
        """See `Admin.consumer_offsets`."""
        return self._wait(self.inner.consumer_offsets(address))

    def runtime_info(self, address: str) -> dict[str, str]:
        """See `Admin.runtime_info`."""
        return self._wait(self.inner.runtime_info(address))

    def queue_stats(self, topic: str) -> list[QueueStats]:
        """See `Admin.queue_stats`."""
        return self._wait(self.inner.queue_stats(topic))

    def messages(
        self, queue: MessageQueue, address: str | None = None, start: int = 0
    ) -> list[StoredMessage]:
        """Return all messages of a queue; see `Admin.messages`."""

        async def collect() -> list[StoredMessage]:
            return [one async for one in self.inner.messages(queue, address, start)]

        return self._wait(collect())

    def messages_by_key(
        self, topic: str, key: str, most: int = MOST_BY_KEY
    ) -> list[StoredMessage]:
        """See `Admin.messages_by_key`."""
        return self._wait(self.inner.messages_by_key(topic, key, most))

    def members(self, group: str) -> Members:
        """Return who belongs to a group; see `groups.members`."""
        return self._wait(groups.members(self.inner, group))

    def shares(self, group: str) -> dict[str, list[MessageQueue]]:
        """Return which queues each member of a group consumes; see `groups.shares`."""
        return self._wait(groups.shares(self.inner, group))

    def progress(self, group: str, topic: str | None = None) -> Progress:
        """Return how far a group is; see `groups.progress`."""
        return self._wait(groups.progress(self.inner, group, topic))

    def running_info(
        self, group: str, client_id: str, *, with_stacks: bool = False
    ) -> dict[str, Any]:
        """Return what a member says of itself; see `groups.running_info`."""
        asked = groups.running_info(
            self.inner, group, client_id, with_stacks=with_stacks
        )
        return self._wait(asked)

    def call(self, address: str, header: Header, body: bytes = b"") -> Frame:
        """Ask one server something; see `Admin.call`."""
        return self._wait(self.inner.call(address, header, body))
