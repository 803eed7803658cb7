"""How far groups are in the queues of their topics.

Source: AdminBrokerProcessor.getConsumeStats, fetchAllConsumeStatsInBroker,
queryTopicConsumeByWho, queryConsumeTimeSpan, queryConsumeQueue, release 4.9.7.
"""

from __future__ import annotations

from typing import Any

from rmqlab.broker.call import NOT_SET, Answer, Call
from rmqlab.broker.memory import Memory
from rmqlab.clock import moment
from rmqlab.errors import Refused
from rmqlab.protocol import bodies
from rmqlab.protocol.admin import (
    GetAllConsumeStats,
    GetConsumeStats,
    GetConsumeTimeSpan,
    GetTopicGroups,
    QueryConsumeQueue,
)
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import MessageQueue
from rmqlab.store.consume_queue import ConsumeQueue
from rmqlab.store.store import MessageStore

MOST_ENTRIES = 10_000
"""Of a queue in one answer: more would not fit a frame."""


class ProgressHandler:
    """Answers how far groups are."""

    def __init__(self, memory: Memory, store: MessageStore) -> None:
        self._config, self._store = memory.config, store
        self._topics, self._groups = memory.topics, memory.groups
        self._clients, self._offsets = memory.clients, memory.offsets
        self._stats = memory.stats

    def consume_stats(self, asked: GetConsumeStats, call: Call) -> Answer:
        """Return how far a group is in each read queue of one or all of its topics."""
        group, tps = asked.consumer_group, 0.0
        table: dict[Any, Any] = {}
        wanted = (asked.topic or "").strip()
        for name in [wanted] if wanted else self._offsets.topics_of(group):
            topic = self._topics.get(name)
            if topic and self._wants(group, name):
                table |= self._table(group, topic, topic.read_queue_nums)
                tps += self._stats.get_tps(group, name)
        found = {"consumeTps": tps, "offsetTable": table}
        return call.answer(body=bodies.encode(found))

    def all_consume_stats(self, asked: GetAllConsumeStats, call: Call) -> Answer:
        """Return how far every group is in each write queue of all of its topics."""
        groups, behind = [], 0
        for group in self._groups.names:
            found = []
            for name in self._offsets.topics_of(group):
                topic = self._topics.get(name)
                if topic is None or (asked.is_order and not topic.order):
                    continue
                if self._wants(group, name):
                    table = self._table(group, topic, topic.write_queue_nums)
                    behind += sum(map(_behind, table.values()))
                    tps = self._stats.get_tps(group, name)
                    found.append({"consumeTps": tps, "offsetTable": table})
            groups.append({group: found})
        config = self._config
        answer = {
            "brokerAddr": f"{config.broker_i_p1}:{config.listen_port}",
            "consumeStatsList": groups,
            "totalDiff": behind,
        }
        return call.answer(body=bodies.encode(answer))

    def _wants(self, group: str, topic: str) -> bool:
        """Whether the group may still consume the topic, as far as its members say."""
        online = self._clients.consumers(group)
        if online is None or not online.subscriptions:
            return True
        return topic in online.subscriptions

    def _table(self, group: str, topic: TopicConfig, queues: int) -> dict[Any, Any]:
        table = {}
        for queue_id in range(queues):
            place = topic.topic_name, queue_id
            offset = max(0, self._offsets.get(group, *place) or 0)
            table[self._key(*place)] = {
                "brokerOffset": self._store.queues.max_offset(*place),
                "consumerOffset": offset,
                "lastTimestamp": self._store.reading.stored_ms(*place, offset - 1),
            }
        return table

    def _key(self, topic: str, queue_id: int) -> Any:
        name = self._config.broker_name
        return bodies.queue_key(MessageQueue(topic, name, queue_id))

    def groups_of(self, asked: GetTopicGroups, call: Call) -> Answer:
        """Return the groups that consume a topic: those online, those with offsets."""
        online = self._clients.groups_of(asked.topic)
        known = dict.fromkeys(online + self._offsets.groups_of(asked.topic))
        return call.answer(body=bodies.encode({"groupList": list(known)}))

    def time_span(self, asked: GetConsumeTimeSpan, call: Call) -> Answer:
        """Return when a topic's messages were stored, and the one a group is at.

        Raises:
            Refused: TOPIC_NOT_EXIST.
        """
        topic = self._topics.get(asked.topic)
        if topic is None:
            raise Refused(
                ResponseCode.TOPIC_NOT_EXIST, f"topic[{asked.topic}] not exist"
            )
        spans = [
            self._span(asked, queue_id, call.now_ms)
            for queue_id in range(topic.write_queue_nums)
        ]
        return call.answer(body=bodies.encode({"consumeTimeSpanSet": spans}))

    def _span(
        self, asked: GetConsumeTimeSpan, queue_id: int, now_ms: int
    ) -> dict[str, Any]:
        place, reading = (asked.topic, queue_id), self._store.reading
        end = self._store.queues.max_offset(*place)
        offset = max(0, self._offsets.get(asked.group, *place) or 0)
        oldest = reading.earliest_ms(*place)
        newest = reading.stored_ms(*place, end - 1) or -1
        consumed = (reading.stored_ms(*place, offset - 1) or -1) if offset else oldest
        waits = now_ms - reading.stored_ms(*place, offset) if offset < end else 0
        return {
            "consumeTimeStamp": consumed,
            "consumeTimeStampStr": moment(consumed),
            "delayTime": waits,
            "maxTimeStamp": newest,
            "maxTimeStampStr": moment(newest),
            "messageQueue": self._key(*place).as_dict(),
            "minTimeStamp": oldest,
            "minTimeStampStr": moment(oldest),
        }

    def queue(self, asked: QueryConsumeQueue, call: Call) -> Answer:
        """Return entries of a queue and, given a group, which of them it wants.

        Raises:
            Refused: SYSTEM_ERROR; there is no such queue.
        """
        queue = self._store.queues.find(asked.topic, asked.queue_id)
        if queue is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"{asked.queue_id}@{asked.topic} is not exist!",
            )
        if not queue.min_offset <= asked.index < queue.max_offset:
            remark = f"Index {asked.index} of {asked.queue_id}@{asked.topic} is "
            return call.answer(remark=f"{remark}not exist!")
        found = self._entries(asked, queue)
        return call.answer(body=bodies.encode(found), remark=NOT_SET)

    def _entries(self, asked: QueryConsumeQueue, queue: ConsumeQueue) -> dict[str, Any]:
        found: dict[str, Any] = {
            "maxQueueIndex": queue.max_offset,
            "minQueueIndex": queue.min_offset,
        }
        wanted = None
        if asked.consumer_group is not None:
            group = self._clients.consumers(asked.consumer_group)
            wanted = group.subscriptions.get(asked.topic) if group else None
            offline = f"{asked.consumer_group}@{asked.topic} is not online!"
            found["filterData"] = "null" if wanted else offline
        if wanted:
            found["subscriptionData"] = wanted.to_json()
        found["queueData"] = [
            {
                "eval": wanted is not None and wanted.wants_code(entry.tags_code),
                "physicOffset": entry.log_offset,
                "physicSize": entry.size,
                "tagsCode": entry.tags_code,
            }
            for entry in queue.entries(asked.index, min(asked.count, MOST_ENTRIES))
        ]
        return dict(sorted(found.items()))


def _behind(row: dict[str, int]) -> int:
    return row["brokerOffset"] - row["consumerOffset"]
