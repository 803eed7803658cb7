"""The client without `async`: for scripts, notebooks and the interpreter.

    with BlockingProducer("shop", "127.0.0.1:9876") as producer:
        producer.send(Message("orders", b"one coffee"))

All of a process share one loop on one thread, one of the only two in the system.  It
keeps heartbeats and pulls going while the caller does something else.  Listeners run
on that thread.  In a simulation there is no thread: time passes while a call lasts.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, Protocol, Self, TypeVar

from rmqlab.client.admin import MOST_BY_KEY, Admin, QueueStats
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.place import Place
from rmqlab.client.producer import Producer, SendResult
from rmqlab.client.push import Listener, PushConsumer
from rmqlab.protocol.bodies import ClusterInfo, TopicConfig, TopicRoute
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.header import Header
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


class Driver(Protocol):
    """Who runs the loop that clients live on, and where that is."""

    @property
    def place(self) -> Place | None:
        """Where the clients are; None: here."""
        ...

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have it done and return the result."""
        ...


class ClientThread:
    """The loop of this process's client thread."""

    place: Place | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """See `run`."""
        return run(work)


THREAD = ClientThread()


async def _made(make: Any, *arguments: Any, **options: Any) -> Any:
    """Build a client on the loop that it will live on."""
    return await make(*arguments, **options).__aenter__()


class BlockingProducer:
    """`Producer` without `async`."""

    inner: Producer

    def __init__(
        self,
        group: str,
        name_servers: str,
        config: ClientConfig | None = None,
        driver: Driver = THREAD,
    ) -> None:
        made = _made(Producer, group, name_servers, config, driver.place)
        self._driver, self.inner = driver, driver.run(made)

    def send(
        self,
        message: Message,
        queue: MessageQueue | None = None,
        timeout_s: float | None = None,
    ) -> SendResult:
        """See `Producer.send`."""
        return self._driver.run(self.inner.send(message, queue, timeout_s))

    def close(self) -> None:
        """See `Producer.close`."""
        self._driver.run(self.inner.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class BlockingConsumer:
    """`PushConsumer` without `async`; the listener runs on the client's thread."""

    inner: PushConsumer

    def __init__(
        self,
        group: str,
        name_servers: str,
        listener: Listener,
        config: ClientConfig | None = None,
        start: ConsumeFrom = ConsumeFrom.LAST_OFFSET,
        driver: Driver = THREAD,
    ) -> None:
        consumer = PushConsumer, group, name_servers, listener, config
        made = _made(*consumer, start=start, place=driver.place)
        self._driver, self.inner = driver, driver.run(made)

    def subscribe(self, topic: str, text: str = "*", kind: str = "TAG") -> None:
        """See `PushConsumer.subscribe`."""
        self._driver.run(self.inner.subscribe(topic, text, kind))

    @property
    def queues(self) -> list[MessageQueue]:
        """See `PushConsumer.queues`."""
        return self.inner.queues

    def close(self) -> None:
        """See `PushConsumer.close`."""
        self._driver.run(self.inner.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class BlockingAdmin:
    """`Admin` without `async`."""

    inner: Admin

    def __init__(
        self,
        name_servers: str,
        config: ClientConfig | None = None,
        driver: Driver = THREAD,
    ) -> None:
        made = _made(Admin, name_servers, config, driver.place)
        self._driver, self.inner = driver, driver.run(made)

    def cluster(self) -> ClusterInfo:
        """See `Admin.cluster`."""
        return self._driver.run(self.inner.cluster())

    def topics(self) -> list[str]:
        """See `Admin.topics`."""
        return self._driver.run(self.inner.topics())

    def route(self, topic: str) -> TopicRoute | None:
        """See `Admin.route`."""
        return self._driver.run(self.inner.route(topic))

    def create_topic(
        self, topic: str, queues: int = 8, broker_name: str | None = None
    ) -> list[str]:
        """See `Admin.create_topic`."""
        return self._driver.run(self.inner.create_topic(topic, queues, broker_name))

    def settings(self, address: str) -> dict[str, str]:
        """Return one broker's settings; see `Admin.settings`."""
        return self._driver.run(self.inner.settings(address))

    def topic_configs(self, address: str) -> dict[str, TopicConfig]:
        """See `Admin.topic_configs`."""
        return self._driver.run(self.inner.topic_configs(address))

    def consumer_offsets(self, address: str) -> dict[str, dict[int, int]]:
        """See `Admin.consumer_offsets`."""
        return self._driver.run(self.inner.consumer_offsets(address))

    def runtime_info(self, address: str) -> dict[str, str]:
        """See `Admin.runtime_info`."""
        return self._driver.run(self.inner.runtime_info(address))

    def queue_stats(self, topic: str) -> list[QueueStats]:
        """See `Admin.queue_stats`."""
        return self._driver.run(self.inner.queue_stats(topic))

    def messages(
        self, queue: MessageQueue, address: str | None = None, start: int = 0
    ) -> list[StoredMessage]:
        """Return all messages of a queue; see `Admin.messages`."""

        async def collect() -> list[StoredMessage]:
            return [one async for one in self.inner.messages(queue, address, start)]

        return self._driver.run(collect())

    def messages_by_key(
        self, topic: str, key: str, most: int = MOST_BY_KEY
    ) -> list[StoredMessage]:
        """See `Admin.messages_by_key`."""
        return self._driver.run(self.inner.messages_by_key(topic, key, most))

    def call(self, address: str, header: Header, body: bytes = b"") -> Frame:
        """Ask one server something; see `Admin.call`."""
        return self._driver.run(self.inner.call(address, header, body))

    def close(self) -> None:
        """Close the connections."""
        self._driver.run(self.inner.instance.stop())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
