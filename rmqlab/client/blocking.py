"""The client without `async`: for scripts, notebooks and the interpreter.

    with BlockingProducer("shop", "127.0.0.1:9876") as producer:
        producer.send(Message("orders", b"one coffee"))

All of a process share one loop on one thread, one of the only two in the system.  It
keeps heartbeats and pulls going while the caller does something else.  Listeners run
on that thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, Self, TypeVar

from rmqlab.client.admin import Admin, QueueStats
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.producer import Producer, SendResult
from rmqlab.client.push import Listener, PushConsumer
from rmqlab.protocol.bodies import ClusterInfo, TopicConfig, TopicRoute
from rmqlab.protocol.message import Message, MessageQueue, StoredMessage
from rmqlab.settings import ClientConfig

T = TypeVar("T")


@cache
def shared_loop() -> asyncio.AbstractEventLoop:
    """Return this process's client loop, started on its thread when first asked for."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="rmqlab-client", daemon=True).start()
    return loop


def begin(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Have the client loop do something while the caller goes on."""
    return asyncio.run_coroutine_threadsafe(work, shared_loop())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Have the client loop do something and wait for it.

    An interrupt (Ctrl-C, or a notebook's stop button) ends both.
    """
    future = begin(work)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def _made(make: Any, *arguments: Any, **options: Any) -> Any:
    """Build a client on the loop that it will live on."""
    return await make(*arguments, **options).__aenter__()


class BlockingProducer:
    """`Producer` without `async`."""

    def __init__(
        self, group: str, name_servers: str, config: ClientConfig | None = None
    ) -> None:
        self.inner: Producer = run(_made(Producer, group, name_servers, config))

    def send(
        self,
        message: Message,
        queue: MessageQueue | None = None,
        timeout_s: float | None = None,
    ) -> SendResult:
        """See `Producer.send`."""
        return run(self.inner.send(message, queue, timeout_s))

    def close(self) -> None:
        """See `Producer.close`."""
        run(self.inner.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class BlockingConsumer:
    """`PushConsumer` without `async`; the listener runs on the client's thread."""

    def __init__(
        self,
        group: str,
        name_servers: str,
        listener: Listener,
        config: ClientConfig | None = None,
        start: ConsumeFrom = ConsumeFrom.LAST_OFFSET,
    ) -> None:
        self.inner: PushConsumer = run(
            _made(PushConsumer, group, name_servers, listener, config, start=start)
        )

    def subscribe(self, topic: str, expression: str = "*") -> None:
        """See `PushConsumer.subscribe`."""
        run(self.inner.subscribe(topic, expression))

    @property
    def queues(self) -> list[MessageQueue]:
        """See `PushConsumer.queues`."""
        return self.inner.queues

    def close(self) -> None:
        """See `PushConsumer.close`."""
        run(self.inner.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class BlockingAdmin:
    """`Admin` without `async`."""

    def __init__(self, name_servers: str, config: ClientConfig | None = None) -> None:
        self.inner: Admin = run(_made(Admin, name_servers, config))

    def cluster(self) -> ClusterInfo:
        """See `Admin.cluster`."""
        return run(self.inner.cluster())

    def topics(self) -> list[str]:
        """See `Admin.topics`."""
        return run(self.inner.topics())

    def route(self, topic: str) -> TopicRoute | None:
        """See `Admin.route`."""
        return run(self.inner.route(topic))

    def create_topic(
        self, topic: str, queues: int = 8, broker_name: str | None = None
    ) -> list[str]:
        """See `Admin.create_topic`."""
        return run(self.inner.create_topic(topic, queues, broker_name))

    def topic_configs(self, address: str) -> dict[str, TopicConfig]:
        """See `Admin.topic_configs`."""
        return run(self.inner.topic_configs(address))

    def consumer_offsets(self, address: str) -> dict[str, dict[int, int]]:
        """See `Admin.consumer_offsets`."""
        return run(self.inner.consumer_offsets(address))

    def runtime_info(self, address: str) -> dict[str, str]:
        """See `Admin.runtime_info`."""
        return run(self.inner.runtime_info(address))

    def queue_stats(self, topic: str) -> list[QueueStats]:
        """See `Admin.queue_stats`."""
        return run(self.inner.queue_stats(topic))

    def messages(
        self, queue: MessageQueue, address: str | None = None, start: int = 0
    ) -> list[StoredMessage]:
        """Return all messages of a queue; see `Admin.messages`."""

        async def collect() -> list[StoredMessage]:
            return [one async for one in self.inner.messages(queue, address, start)]

        return run(collect())

    def close(self) -> None:
        """Close the connections."""
        run(self.inner.instance.stop())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
