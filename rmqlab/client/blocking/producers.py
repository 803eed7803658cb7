"""Producers without `async`."""

from __future__ import annotations

from collections.abc import Sequence

from rmqlab.client.blocking.client import BlockingClient
from rmqlab.client.blocking.thread import THREAD, Driver
from rmqlab.client.producer import Producer
from rmqlab.client.selection import Selector
from rmqlab.client.sent import SendResult
from rmqlab.client.transaction import Check, Transacted, TransactionProducer, Work
from rmqlab.protocol.message import Message, MessageQueue, StoredMessage
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
        *,
        select: Selector | None = None,
    ) -> SendResult:
        """See `Producer.send`."""
        return self._wait(self.inner.send(message, queue, timeout_s, select=select))

    def send_batch(
        self,
        messages: Sequence[Message],
        queue: MessageQueue | None = None,
        timeout_s: float | None = None,
        *,
        select: Selector | None = None,
    ) -> SendResult:
        """See `Producer.send_batch`."""
        batch = self.inner.send_batch(messages, queue, timeout_s, select=select)
        return self._wait(batch)

    def request(
        self,
        message: Message,
        timeout_s: float | None = None,
        queue: MessageQueue | None = None,
        *,
        select: Selector | None = None,
    ) -> StoredMessage:
        """See `Producer.request`."""
        asked = self.inner.request(message, timeout_s, queue, select=select)
        return self._wait(asked)

    def send_one_way(
        self,
        message: Message,
        queue: MessageQueue | None = None,
        *,
        select: Selector | None = None,
    ) -> None:
        """See `Producer.send_one_way`."""
        self._wait(self.inner.send_one_way(message, queue, select=select))


class BlockingTransactionProducer(BlockingClient[TransactionProducer]):
    """`TransactionProducer` without `async`.

    `check`, and the work that goes with a send, run on the client's thread; either may
    return an awaitable.
    """

    def __init__(
        self,
        group: str,
        name_servers: str,
        check: Check,
        config: ClientConfig | None = None,
        driver: Driver = THREAD,
    ) -> None:
        own = group, name_servers, check, config
        super().__init__(driver, lambda: TransactionProducer(*own, driver.place))

    def send(
        self, message: Message, work: Work, timeout_s: float | None = None
    ) -> Transacted:
        """See `TransactionProducer.send`."""
        return self._wait(self.inner.send(message, work, timeout_s))
