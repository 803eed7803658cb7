"""What a consumer calls with each message, and what that may say of it.

A message that comes again lies in its group's retry topic by then; a listener sees it
with the topic that it was sent to.

Source: ConsumeConcurrentlyStatus.java, ConsumeOrderlyStatus.java,
DefaultMQPushConsumerImpl.resetRetryAndNamespace, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from rmqlab.protocol.message import RETRY_TOPIC, StoredMessage

log = logging.getLogger(__name__)


class Consumed(Enum):
    """What a listener may return; nothing at all means SUCCESS."""

    SUCCESS = auto()
    RECONSUME_LATER = auto()
    """Not consumed: it comes again.  An orderly consumer suspends its queue."""
    SUSPEND_CURRENT_QUEUE_A_MOMENT = auto()
    """RocketMQ's other word for it, that of its orderly consumers."""


@dataclass(frozen=True)
class Later:
    """Not consumed, and when it may come again."""

    delay_level: int = 0
    """Of the broker's messageDelayLevel; 0: longer each time; < 0: a dead letter."""
    suspend_ms: int | None = None
    """How long an orderly consumer suspends the queue; None: as its settings say."""


Outcome = Consumed | Later | None
Listener = Callable[[StoredMessage], Outcome | Awaitable[Outcome]]
"""A plain one is called on the loop and must be quick; an awaitable may take its
time."""


def first_topic(message: StoredMessage) -> str:
    """Return the topic that a message was sent to, however often it has come since."""
    return message.properties.get(RETRY_TOPIC) or message.topic


async def heard(listener: Listener, message: StoredMessage) -> Later | None:
    """Return what the listener says of a message: None, it is consumed.

    What the listener raises goes on to the caller.
    """
    topic = first_topic(message)
    outcome = listener(message if topic == message.topic else _sent_to(message, topic))
    if inspect.isawaitable(outcome):
        outcome = await _awaited(outcome, message)
    if outcome is None or outcome is Consumed.SUCCESS:
        return None
    return outcome if isinstance(outcome, Later) else Later()


async def consumed(listener: Listener, message: StoredMessage) -> Later | None:
    """As `heard`; a listener that raises has not consumed the message."""
    try:
        return await heard(listener, message)
    except Exception:
        log.exception("listener failed message=%s", message)
        return Later()


async def _awaited(outcome: Awaitable[Outcome], message: StoredMessage) -> Outcome:
    """Wait for a listener, unless the consumer is closed and waits no longer."""
    try:
        return await outcome
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task and task.cancelling():
            log.warning("listener did not finish in time message=%s", message)
            raise
        raise RuntimeError("what the listener waited for was cancelled") from error


def _sent_to(message: StoredMessage, topic: str) -> StoredMessage:
    return replace(message, topic=topic)
