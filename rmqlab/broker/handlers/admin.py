"""Offsets and times of queues, and tables for slaves.

Source: AdminBrokerProcessor.java, release 4.9.7.
"""

from __future__ import annotations

from typing import Any

from rmqlab.broker.call import Answer, Call
from rmqlab.broker.memory import Memory
from rmqlab.protocol import bodies
from rmqlab.protocol.admin import (
    GetAllConsumerOffset,
    GetAllDelayOffset,
)
from rmqlab.protocol.messaging import (
    GetEarliestTime,
    GetMaxOffset,
    GetMinOffset,
    OffsetReply,
    SearchOffset,
    TimeReply,
)
from rmqlab.store.store import MessageStore


class AdminHandler:
    """Answers what administrators and slaves ask."""

    def __init__(self, memory: Memory, store: MessageStore) -> None:
        self._config, self._store = memory.config, store
        self._topics = memory.topics
        self._offsets, self._delays = memory.offsets, memory.delays

    def max_offset(self, asked: GetMaxOffset, call: Call) -> Answer:
        """Return the offset of a queue's next message; 0 for an unknown queue."""
        offset = self._store.queues.max_offset(asked.topic, asked.queue_id)
        return call.answer(OffsetReply(offset))

    def min_offset(self, asked: GetMinOffset, call: Call) -> Answer:
        """Return the offset of a queue's oldest message; 0 for an unknown queue."""
        offset = self._store.queues.min_offset(asked.topic, asked.queue_id)
        return call.answer(OffsetReply(offset))

    def offset_at(self, asked: SearchOffset, call: Call) -> Answer:
        """Return the offset of the message that was stored nearest to a time."""
        where = asked.topic, asked.queue_id, asked.timestamp
        return call.answer(OffsetReply(self._store.reading.offset_at(*where)))

    def earliest_time(self, asked: GetEarliestTime, call: Call) -> Answer:
        """Return when a queue's oldest message was stored."""
        found = self._store.reading.earliest_ms(asked.topic, asked.queue_id)
        return call.answer(TimeReply(found))

    def all_offsets(self, _: GetAllConsumerOffset, call: Call) -> Answer:
        """Return consumerOffset.json."""
        return _table(call, self._offsets.to_json())

    def all_delays(self, _: GetAllDelayOffset, call: Call) -> Answer:
        """Return delayOffset.json."""
        return _table(call, self._delays.to_json())


def _table(call: Call, found: Any) -> Answer:
    return call.answer(body=bodies.encode(found))
