"""How far the groups have consumed: asked, told, compared, and handed to another group.

Source: ConsumerManageProcessor.java, AdminBrokerProcessor.queryCorrectionOffset and
cloneGroupOffset, ConsumerOffsetManager.java, release 4.9.7.
"""

from __future__ import annotations

import logging

from rmqlab.broker.call import Answer, Call
from rmqlab.broker.memory import Memory
from rmqlab.errors import Refused
from rmqlab.protocol import bodies
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.grouping import CloneGroupOffset, QueryCorrectionOffset
from rmqlab.protocol.messaging import (
    OffsetReply,
    QueryConsumerOffset,
    UpdateConsumerOffset,
)
from rmqlab.store.store import MessageStore

log = logging.getLogger(__name__)

FARTHEST = (1 << 63) - 1


class OffsetHandler:
    """Answers what groups, and tools about them, ask of offsets."""

    def __init__(self, memory: Memory, store: MessageStore) -> None:
        self._memory, self._offsets, self._store = memory, memory.offsets, store

    def query(self, asked: QueryConsumerOffset, call: Call) -> Answer:
        """Return how far a group has consumed a queue.

        A group that never committed is told 0 while the queue's first message is there
        and fresh enough to be in memory: that is why CONSUME_FROM_LAST_OFFSET replays
        young topics.

        Raises:
            Refused: QUERY_NOT_FOUND; never committed, and the first message is old.
        """
        topic, queue_id = asked.topic, asked.queue_id
        offset = self._offsets.get(asked.consumer_group, topic, queue_id)
        if offset is None or offset < 0:
            is_old = self._store.queues.min_offset(topic, queue_id) > 0
            if is_old or self._store.reading.is_message_far_back(topic, queue_id, 0):
                raise Refused(
                    ResponseCode.QUERY_NOT_FOUND,
                    "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first",
                )
            offset = 0
        return call.answer(OffsetReply(offset))

    def update(self, asked: UpdateConsumerOffset, call: Call) -> Answer:
        """Remember how far a group has consumed a queue; back is allowed."""
        self._offsets.commit(
            asked.consumer_group, asked.topic, asked.queue_id, asked.commit_offset
        )
        return Answer(call.frame.answer(fields={}))

    def correction(self, asked: QueryCorrectionOffset, call: Call) -> Answer:
        """Return for each queue how far the topic's slowest group is.

        The largest number stands for: the compared group is behind that.  RocketMQ
        forgets, by an oversight, all offsets of the groups that are to be left out;
        here they stay.
        """
        topic = asked.topic
        without = {one for one in (asked.filter_groups or "").split(",") if one}
        least: dict[int, int] = {}
        groups = [one for one in self._offsets.groups_of(topic) if one not in without]
        for group in groups:
            for queue_id, offset in self._offsets.of(group, topic).items():
                if offset >= self._store.queues.min_offset(topic, queue_id):
                    least[queue_id] = min(offset, least.get(queue_id, FARTHEST))
        for queue_id, own in self._offsets.of(asked.compare_group, topic).items():
            if least.get(queue_id, FARTHEST) > own:
                least[queue_id] = FARTHEST
        found = {"correctionOffsets": dict(sorted(least.items()))}
        return call.answer(body=bodies.encode(found))

    def clone(self, asked: CloneGroupOffset, call: Call) -> Answer:
        """Give one group the offsets of another, in one topic or in all of its topics.

        Left out are topics that are not here, and those that the first group, being
        online, does not subscribe to.  RocketMQ clones nothing where no topic is named.
        """
        source, topic = asked.src_group, (asked.topic or "").strip()
        members = self._memory.clients.consumers(source)
        wanted = members.subscriptions if members and not asked.offline else {}
        for one in [topic] if topic else self._offsets.topics_of(source):
            if self._memory.topics.get(one) is None or (wanted and one not in wanted):
                log.warning("not cloned group=%s topic=%s", source, one)
            else:
                self._offsets.clone(source, asked.dest_group, one)
        return call.answer()
