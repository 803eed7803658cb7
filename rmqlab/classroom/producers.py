"""A producer for notebooks: it takes a topic and a text instead of a message.

producer.send("orders", "one coffee", keys="order-7", select=by_hash("customer-3"))

What more a message has is given by its own names: see `Message`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rmqlab.client.blocking import BlockingProducer
from rmqlab.client.selection import Selector
from rmqlab.client.sent import SendResult
from rmqlab.protocol.message import Message, MessageQueue, StoredMessage


class LabProducer(BlockingProducer):
    """`Producer` for notebooks."""

    def send(  # type: ignore[override]
        self,
        topic: str,
        body: str,
        *,
        queue: MessageQueue | None = None,
        timeout_s: float | None = None,
        select: Selector | None = None,
        **more: Any,
    ) -> SendResult:
        """Send one message; see `Producer.send`."""
        message = _message(topic, body, more)
        return super().send(message, queue, timeout_s, select=select)

    def send_batch(  # type: ignore[override]
        self,
        topic: str,
        bodies: Iterable[str],
        *,
        queue: MessageQueue | None = None,
        timeout_s: float | None = None,
        select: Selector | None = None,
        **more: Any,
    ) -> SendResult:
        """Send several messages at once; see `Producer.send_batch`."""
        batch = [_message(topic, one, more) for one in bodies]
        return super().send_batch(batch, queue, timeout_s, select=select)

    def send_one_way(  # type: ignore[override]
        self,
        topic: str,
        body: str,
        *,
        queue: MessageQueue | None = None,
        select: Selector | None = None,
        **more: Any,
    ) -> None:
        """Send one message and wait for no answer; see `Producer.send_one_way`."""
        super().send_one_way(_message(topic, body, more), queue, select=select)

    def request(  # type: ignore[override]
        self,
        topic: str,
        body: str,
        *,
        timeout_s: float | None = None,
        queue: MessageQueue | None = None,
        select: Selector | None = None,
        **more: Any,
    ) -> StoredMessage:
        """Send one message and return the reply to it; see `Producer.request`."""
        message = _message(topic, body, more)
        return super().request(message, timeout_s, queue, select=select)


def _message(topic: str, body: str, more: dict[str, Any]) -> Message:
    more = more | {"properties": dict(more.get("properties", {}))}  # a message's own
    return Message(topic, body.encode(), **more)
