"""Topics: made, changed, removed, listed, and how full their queues are.

Source: AdminBrokerProcessor.updateAndCreateTopic, deleteTopic, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.broker.call import NOT_SET, Answer, Call, Tell
from rmqlab.broker.memory import Memory
from rmqlab.errors import Refused
from rmqlab.protocol import bodies
from rmqlab.protocol import message as messages
from rmqlab.protocol.admin import (
    CreateTopic,
    DeleteTopic,
    GetAllTopicConfig,
    GetSystemTopics,
    GetTopicStats,
)
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import MessageQueue
from rmqlab.settings import BrokerRole, StoreConfig
from rmqlab.store.store import MessageStore

FILTER_TYPES = ("SINGLE_TAG", "MULTI_TAG")


class TopicHandler:
    """Answers what administrators ask about topics."""

    def __init__(self, memory: Memory, store: MessageStore, tell: Tell) -> None:
        self._config, self._store, self._tell = memory.config, store, tell
        self._topics, self._offsets = memory.topics, memory.offsets

    def create(self, asked: CreateTopic, call: Call) -> Answer:
        """Create a topic or change its settings, and tell the name servers.

        Raises:
            Refused: SYSTEM_ERROR; the name, the filter type, or this is a slave.
        """
        self._check(asked.topic)
        if asked.topic_filter_type not in FILTER_TYPES:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"topicFilterType={asked.topic_filter_type!r}, allowed {FILTER_TYPES}",
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

    def _check(self, topic: str) -> None:
        refuse_on_slave(self._store.config)
        messages.check_topic(topic)
        if self._topics.is_system(topic):
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"The topic[{topic}] is conflict with system topic.",
            )

    def delete(self, asked: DeleteTopic, call: Call) -> Answer:
        """Forget a topic, remove its queues, and how far groups were in them.

        Its messages stay in the log until that file is old.  A topic of the same name
        begins at offset 0 again.

        Raises:
            Refused: SYSTEM_ERROR; the name, or this is a slave.
            StoreError: the disk refused to remove a file.
        """
        self._check(asked.topic)
        if self._topics.remove(asked.topic, call.now_ms):
            self._tell.topics_changed()
        self._store.drop_queues(lambda topic, _: topic == asked.topic)
        self._offsets.forget_topic(asked.topic)
        return call.answer()

    def stats(self, asked: GetTopicStats, call: Call) -> Answer:
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
            queue = MessageQueue(asked.topic, self._config.broker_name, queue_id)
            table[bodies.queue_key(queue)] = {
                "lastUpdateTimestamp": last if high > low else 0,
                "maxOffset": high,
                "minOffset": low,
            }
        return call.answer(body=bodies.encode({"offsetTable": table}))

    def all(self, _: GetAllTopicConfig, call: Call) -> Answer:
        """Return topics.json."""
        body = bodies.encode(self._topics.to_json())
        return Answer(call.frame.answer(fields={}, body=body))

    def system(self, _: GetSystemTopics, call: Call) -> Answer:
        """Return the topics that are here because the broker needs them."""
        found = {"topicList": sorted(self._topics.system)}
        return call.answer(body=bodies.encode(found))


def refuse_on_slave(config: StoreConfig) -> None:
    """Refuse to change a table that a slave has from its master.

    Raises:
        Refused: SYSTEM_ERROR; this is a slave.
    """
    if config.broker_role is BrokerRole.SLAVE:
        raise Refused(
            ResponseCode.SYSTEM_ERROR,
            "Can't modify topic or subscription group from slave broker, please "
            "execute it from master broker.",
        )
