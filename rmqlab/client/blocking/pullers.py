"""Consumers that ask, without `async`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any, TypeVar

from rmqlab.client.blocking.client import BlockingClient
from rmqlab.client.blocking.thread import THREAD, Driver
from rmqlab.client.lite_pull import POLL_S, LitePullConsumer
from rmqlab.client.pull import PullResult
from rmqlab.client.pull_consumer import PullConsumer
from rmqlab.protocol.message import MessageQueue, StoredMessage
from rmqlab.settings import ClientConfig

P = TypeVar("P", PullConsumer, LitePullConsumer)


class BlockingPlaces(BlockingClient[P]):
    """`Places` without `async`."""

    def begin(self, queue: MessageQueue) -> int:
        """See `Places.begin`."""
        return self._wait(self.inner.begin(queue))

    def end(self, queue: MessageQueue) -> int:
        """See `Places.end`."""
        return self._wait(self.inner.end(queue))

    def at_time(self, queue: MessageQueue, when_ms: int) -> int:
        """See `Places.at_time`."""
        return self._wait(self.inner.at_time(queue, when_ms))

    def committed(self, queue: MessageQueue) -> int | None:
        """See `Places.committed`."""
        return self._wait(self.inner.committed(queue))


class BlockingPullConsumer(BlockingPlaces[PullConsumer]):
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

    def update(self, queue: MessageQueue, offset: int) -> None:
        """See `PullConsumer.update`."""
        self.inner.update(queue, offset)

    def save(self) -> None:
        """See `PullConsumer.save`."""
        self._wait(self.inner.save())


class BlockingLitePullConsumer(BlockingPlaces[LitePullConsumer]):
    """`LitePullConsumer` without `async`; ``for message in consumer`` never ends."""

    def __init__(
        self,
        group: str,
        name_servers: str,
        config: ClientConfig | None = None,
        driver: Driver = THREAD,
        **options: Any,
    ) -> None:
        own = group, name_servers, config
        super().__init__(
            driver, lambda: LitePullConsumer(*own, place=driver.place, **options)
        )

    def subscribe(self, topic: str, text: str = "*", kind: str = "TAG") -> None:
        """See `LitePullConsumer.subscribe`."""
        self._wait(self.inner.subscribe(topic, text, kind))

    def unsubscribe(self, topic: str) -> None:
        """See `LitePullConsumer.unsubscribe`."""
        self._wait(self.inner.unsubscribe(topic))

    def assign(self, queues: Collection[MessageQueue]) -> None:
        """See `LitePullConsumer.assign`."""
        self._wait(self.inner.assign(queues))

    @property
    def assignment(self) -> list[MessageQueue]:
        """See `LitePullConsumer.assignment`."""
        return self.inner.assignment

    def poll(self, timeout_s: float = POLL_S) -> list[StoredMessage]:
        """See `LitePullConsumer.poll`."""
        return self._wait(self.inner.poll(timeout_s))

    def __iter__(self) -> Iterator[StoredMessage]:
        """Yield messages as they come, for ever."""
        messages = aiter(self.inner)
        while True:
            yield self._wait(_next_of(messages))

    def pause(self, queues: Collection[MessageQueue]) -> None:
        """See `LitePullConsumer.pause`."""
        self.inner.pause(queues)

    def resume(self, queues: Collection[MessageQueue]) -> None:
        """See `LitePullConsumer.resume`."""
        self.inner.resume(queues)

    def seek(self, queue: MessageQueue, offset: int) -> None:
        """See `LitePullConsumer.seek`."""
        self._wait(self.inner.seek(queue, offset))

    def commit(self) -> None:
        """See `LitePullConsumer.commit`."""
        self._wait(self.inner.commit())


async def _next_of(messages: AsyncIterator[StoredMessage]) -> StoredMessage:
    return await anext(messages)
