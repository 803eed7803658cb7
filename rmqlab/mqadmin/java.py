"""Values as Java prints them, where mqadmin's output has them.

Source: AbstractMap.java, MessageQueue.java, Arrays.java.
"""

from __future__ import annotations

from collections.abc import Mapping

from rmqlab.protocol.message import MessageQueue


def map_text(pairs: Mapping[str, str]) -> str:
    """Return ``{KEYS=order-7, TAGS=paid}``."""
    return "{" + ", ".join(f"{key}={value}" for key, value in pairs.items()) + "}"


def queue_text(queue: MessageQueue) -> str:
    """Return ``MessageQueue [topic=orders, brokerName=broker-a, queueId=3]``."""
    return (
        f"MessageQueue [topic={queue.topic}, brokerName={queue.broker_name}, "
        f"queueId={queue.queue_id}]"
    )


def bytes_text(data: bytes) -> str:
    """Return ``[99, -17]``: Java's bytes have a sign."""
    signed = (byte - 256 if byte > 127 else byte for byte in data)
    return f"[{', '.join(map(str, signed))}]"


def value_text(value: object) -> str:
    """Return ``null``, ``true``, ``false``, or the value's own text."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
