"""Topics, tables, measurements and settings, for tools and for slaves.

Source: AdminBrokerProcessor.java, release 4.9.7.
"""

from __future__ import annotations

from typing import Any

from rmqlab.broker.call import NOT_SET, Answer, Call, Tell
from rmqlab.broker.memory import Memory
from rmqlab.config import to_properties
from rmqlab.errors import Refused
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol import message as messages
from rmqlab.protocol.admin import (
    BrokerConfigReply,
    CreateTopic,
    GetAllConsumerOffset,
    GetAllDelayOffset,
    GetAllGroupConfig,
    GetAllTopicConfig,
    GetBrokerConfig,
    GetTopicStats,
)
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.messaging import (
    GetEarliestTime,
    GetMaxOffset,
    GetMinOffset,
    OffsetReply,
    SearchOffset,
    TimeReply,
)
from rmqlab.settings import BrokerRole
from rmqlab.store.store import MessageStore

FILTER_TYPES = ("SINGLE_TAG", "MULTI_TAG")


class AdminHandler:
    """Answers what administrators and slaves ask."""

    def __init__(self, memory: Memory, store: MessageStore, tell: Tell) -> None:
        self._config, self._store = memory.config, store
        self._topics, self._groups = memory.topics, memory.groups
        self._offsets = memory.offsets
        self._tell = tell

    def create_topic(self, asked: CreateTopic, call: Call) -> Answer:
        """Create a topic or change its settings, and tell the name servers.

        Raises:
            Refused: SYSTEM_ERROR; the name, the filter type, or this is a slave.
        """
        messages.check_topic(asked.topic)
        if (
            asked.topic in messages.NOT_SENDABLE
            or asked.topic == messages.DEFAULT_TOPIC
        ):
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"The topic[{asked.topic}] is conflict with system topic.",
            )
        if asked.topic_filter_type not in FILTER_TYPES:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"topicFilterType={asked.topic_filter_type!r}, allowed {FILTER_TYPES}",
            )
        if self._store.config.broker_role is BrokerRole.SLAVE:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                "Can't modify topic or subscription group from slave broker, please "
                "execute it from master broker.",
            )
        topic = TopicConfig(
            asked.topic,
            asked.read_queue_nums,
            asked.write_queue_nums,
            asked.perm,
            asked.topic_filter_type,
            asked.topic_sys_flag or 0,
        )
        self._topics.put(topic, call.now_ms)
        self._tell.topics_changed()
        answer = call.answer(remark=NOT_SET)
        return answer._replace(known_at=self._topics.version)

    def topic_stats(self, asked: GetTopicStats, call: Call) -> Answer:
        """Return the offsets of a topic's queues and the time of their last message.

        Raises:
            Refused: TOPIC_NOT_EXIST.
        """
        topic = self._topics.get(asked.topic)
        if topic is None:
            raise Refused(
                ResponseCode.TOPIC_NOT_EXIST, f"topic[{asked.topic}] not exist"
            )
        table = {}
        for queue_id in range(topic.write_queue_nums):
            low = self._store.queues.min_offset(asked.topic, queue_id)
            high = self._store.queues.max_offset(asked.topic, queue_id)
            last = self._store.reading.stored_ms(asked.topic, queue_id, high - 1)
            key = fastjson.Key(
                {
                    "brokerName": self._config.broker_name,
                    "queueId": queue_id,
                    "topic": asked.topic,
                }.items()
            )
            table[key] = {
                "lastUpdateTimestamp": last if high > low else 0,
                "maxOffset": high,
                "minOffset": low,
            }
        return call.answer(body=bodies.encode({"offsetTable": table}))

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

    def all_topics(self, _: GetAllTopicConfig, call: Call) -> Answer:
        """Return topics.json."""
        body = bodies.encode(self._topics.to_json())
        return Answer(call.frame.answer(fields={}, body=body))

    def all_groups(self, _: GetAllGroupConfig, call: Call) -> Answer:
        """Return subscriptionGroup.json."""
        return _table(call, self._groups.to_json())

    def all_offsets(self, _: GetAllConsumerOffset, call: Call) -> Answer:
        """Return consumerOffset.json."""
        return _table(call, self._offsets.to_json())

    def all_delays(self, _: GetAllDelayOffset, call: Call) -> Answer:
        """Return delayOffset.json; there are no delay levels here yet."""
        return _table(call, {"offsetTable": {}})

    def broker_config(self, _: GetBrokerConfig, call: Call) -> Answer:
        """Return the settings as `.properties` text."""
        version = self._topics.table.data_version.to_json()
        reply = BrokerConfigReply(fastjson.dumps(version))
        text = to_properties(self._config, self._store.config)
        return call.answer(reply, text.encode())


def _table(call: Call, found: Any) -> Answer:
    return call.answer(body=bodies.encode(found))
