"""Push consumers without `async`."""

from __future__ import annotations

from functools import partial

from rmqlab.client.allocate import Allocate, averagely
from rmqlab.client.blocking.client import BlockingClient
from rmqlab.client.blocking.thread import THREAD, Driver
from rmqlab.client.offsets import ConsumeFrom
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
        *,
        since_ms: int | None = None,
        orderly: bool = False,
        broadcasting: bool = False,
        allocate: Allocate = averagely,
    ) -> None:
        make = partial(
            PushConsumer,
            *(group, name_servers, listener, config),
            start=start,
            since_ms=since_ms,
            orderly=orderly,
            broadcasting=broadcasting,
            allocate=allocate,
            place=driver.place,
        )
        super().__init__(driver, make)

    def subscribe(self, topic: str, text: str = "*", kind: str = "TAG") -> None:
        """See `PushConsumer.subscribe`."""
        self._wait(self.inner.subscribe(topic, text, kind))

    @property
    def queues(self) -> list[MessageQueue]:
        """See `PushConsumer.queues`."""
        return self.inner.queues
