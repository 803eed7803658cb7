"""Consumers without `async`."""

from __future__ import annotations

from rmqlab.client.blocking.client import BlockingClient
from rmqlab.client.blocking.thread import THREAD, Driver
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.pull import PullResult
from rmqlab.client.pull_consumer import PullConsumer
from rmqlab.client.push import Listener, PushConsumer
from rmqlab.protocol.message import MessageQueue
from rmqlab.settings import ClientConfig


class BlockingConsumer(BlockingClient[PushConsumer]):
    """`PushConsumer` without `async`; the listener runs on the client's thread."""

    def __init__(
        self,
        group: str,
        name_servers: str,
        listener: Listener,
        config: ClientConfig | None = None,
        start: ConsumeFrom = ConsumeFrom.LAST_OFFSET,
        driver: Driver = THREAD,
    ) -> None:
        own = group, name_servers, listener, config
        super().__init__(
            driver, lambda: PushConsumer(*own, start=start, place=driver.place)
        )

    def subscribe(self, topic: str, text: str = "*", kind: str = "TAG") -> None:
        """See `PushConsumer.subscribe`."""
        self._wait(self.inner.subscribe(topic, text, kind))

    @property
    def queues(self) -> list[MessageQueue]:
        """See `PushConsumer.queues`."""
        return self.inner.queues


class BlockingPullConsumer(BlockingClient[PullConsumer]):
    """`PullConsumer` without `async`."""

    def __init__(
        self,
        group: str,
        name_servers: str,
        config: ClientConfig | None = None,
        driver: Driver = THREAD,
    ) -> None:
        own = group, name_servers, config
        super().__init__(driver, lambda: PullConsumer(*own, place=driver.place))

    def queues(self, topic: str) -> list[MessageQueue]:
        """See `PullConsumer.queues`."""
        return self._wait(self.inner.queues(topic))

    def pull(
        self,
        queue: MessageQueue,
        offset: int,
        text: str = "*",
        kind: str = "TAG",
        *,
        limit: int | None = None,
        wait: bool = False,
    ) -> PullResult:
        """See `PullConsumer.pull`."""
        what = queue, offset, text, kind
        return self._wait(self.inner.pull(*what, limit=limit, wait=wait))

    def begin(self, queue: MessageQueue) -> int:
        """See `PullConsumer.begin`."""
        return self._wait(self.inner.begin(queue))

    def end(self, queue: MessageQueue) -> int:
        """See `PullConsumer.end`."""
        return self._wait(self.inner.end(queue))

    def at_time(self, queue: MessageQueue, when_ms: int) -> int:
        """See `PullConsumer.at_time`."""
        return self._wait(self.inner.at_time(queue, when_ms))

    def committed(self, queue: MessageQueue) -> int | None:
        """See `PullConsumer.committed`."""
        return self._wait(self.inner.committed(queue))

    def update(self, queue: MessageQueue, offset: int) -> None:
        """See `PullConsumer.update`."""
        self.inner.update(queue, offset)

    def save(self) -> None:
        """See `PullConsumer.save`."""
        self._wait(self.inner.save())
