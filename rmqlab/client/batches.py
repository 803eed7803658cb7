"""Splits what is too much for one batch.

    for some in split(messages):
        await producer.send_batch(some)

A batch is one request and one write to the log, and all of it is stored or nothing.
The broker's maxMessageSize is for all of it together.

Source: MessageBatch.java, MessageDecoder.encodeMessages, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rmqlab.client.outgoing import part_of
from rmqlab.protocol.batch import encoded_size
from rmqlab.protocol.message import NAME_END, UNIQ_KEY, VALUE_END, Message

MOST_BYTES = 1 << 20
"""A quarter of what brokers take unless they are told otherwise: room for longer ids
and properties, and no send that holds up all others."""

ID_BYTES = len(VALUE_END + UNIQ_KEY + NAME_END) + 32


def split(
    messages: Iterable[Message], most_bytes: int = MOST_BYTES
) -> Iterator[list[Message]]:
    """Yield the messages, in order, in batches that are no larger as they travel.

    One that is larger alone is a batch of its own: the producer says what is wrong.
    """
    batch: list[Message] = []
    batch_bytes = 0
    for message in messages:
        size = size_of(message)
        if batch and batch_bytes + size > most_bytes:
            yield batch
            batch, batch_bytes = [], 0
        batch.append(message)
        batch_bytes += size
    if batch:
        yield batch


def size_of(message: Message) -> int:
    """Return how many bytes a message has within a batch, with the id it will get."""
    missing = 0 if UNIQ_KEY in message.properties else ID_BYTES
    return encoded_size(part_of(message)) + missing
