"""Producers without `async`."""

from __future__ import annotations

from rmqlab.client.blocking.client import BlockingClient
from rmqlab.client.blocking.thread import THREAD, Driver
from rmqlab.client.producer import Producer, SendResult
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.settings import ClientConfig


class BlockingProducer(BlockingClient[Producer]):
    """`Producer` without `async`."""

    def __init__(
        self,
        group: str,
        name_servers: str,
        config: ClientConfig | None = None,
        driver: Driver = THREAD,
    ) -> None:
        super().__init__(
            driver, lambda: Producer(group, name_servers, config, driver.place)
        )

    def send(
        self,
        message: Message,
        queue: MessageQueue | None = None,
        timeout_s: float | None = None,
    ) -> SendResult:
        """See `Producer.send`."""
        return self._wait(self.inner.send(message, queue, timeout_s))
