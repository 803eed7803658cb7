"""Puts a message that a group failed to consume on its retry topic, to come again.

    orders ──► failed ──► SCHEDULE_TOPIC_XXXX ──► %RETRY%kitchen ──► failed ──► …
                           10 s, 30 s, 1 m, …                         %DLQ%kitchen

What is stored is a copy: the original stays where it is, for other groups.

Not here: the delivery when the time has come (`services.delayed`).

Source: SendMessageProcessor.asyncConsumerSendMsgBack, release 4.9.7.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from rmqlab.broker.call import Answer, Call, Tell
from rmqlab.broker.group_topics import GroupTopics, most_times
from rmqlab.broker.memory import Memory
from rmqlab.errors import DiskFull, Refused, StoreError
from rmqlab.protocol import message as messages
from rmqlab.protocol.bodies import GroupConfig, TopicConfig
from rmqlab.protocol.codes import Permission, ResponseCode
from rmqlab.protocol.messaging import SendBack
from rmqlab.protocol.record import Record, properties_of
from rmqlab.store.results import PutStatus
from rmqlab.store.store import MessageStore

FIRST_LEVEL = 3
"""The first repetition's delay; each further one has the next level."""


class RetryHandler:
    """Answers CONSUMER_SEND_MSG_BACK."""

    def __init__(
        self, memory: Memory, store: MessageStore, tell: Tell, random: Random
    ) -> None:
        self._config, self._store, self._random = memory.config, store, random
        self._stats = memory.stats
        self._group_topics = GroupTopics(memory, tell)

    def send_back(self, asked: SendBack, call: Call) -> Answer:
        """Store a copy that comes again later, or is a dead letter.

        Raises:
            Refused: the group is unknown, a permission forbids it, there is no such
                message, or the store takes none.
        """
        group = self._group_topics.group(asked.group, call.now_ms)
        if not self._config.broker_permission & Permission.WRITE:
            raise self._forbidden(f"broker[{self._config.broker_i_p1}]")
        if group.retry_queue_nums <= 0:
            return call.answer()
        is_unit = asked.unit_mode
        topic = self._group_topics.retry(group, call.now_ms, is_unit=is_unit)
        if not topic.perm & Permission.WRITE:
            raise self._forbidden(f"topic[{topic.topic_name}]")
        failed = self._store.reading.record_at(asked.offset)
        if failed is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"look message by offset failed, {asked.offset}",
            )
        copy = self._copy(failed, asked, group, topic, call)
        first_topic = properties_of(copy)[messages.RETRY_TOPIC]
        self._put(copy)
        if copy.topic == messages.SCHEDULE_TOPIC:
            self._stats.put(copy.topic, 1, copy.size)
        self._stats.sent_back(asked.group, first_topic)
        return call.answer()

    def _copy(
        self,
        failed: Record,
        asked: SendBack,
        group: GroupConfig,
        topic: TopicConfig,
        call: Call,
    ) -> Record:
        properties = properties_of(failed)
        first_id = messages.offset_msg_id(failed.store_host, failed.physical_offset)
        properties.setdefault(messages.RETRY_TOPIC, failed.topic)
        properties.setdefault(messages.ORIGIN_MESSAGE_ID, first_id)
        properties[messages.WAIT] = "false"
        queues, level = group.retry_queue_nums, asked.delay_level
        times, most = (
            failed.reconsume_times,
            most_times(group, asked.max_reconsume_times, call),
        )
        if times >= most or level < 0:
            topic, queues, level = self._group_topics.dead(group, call.now_ms), 1, 0
        elif level == 0:
            level = FIRST_LEVEL + times
        properties[messages.DELAY] = str(level)
        return replace(
            failed,
            topic=topic.topic_name,
            queue_id=self._random.randrange(queues),
            properties=messages.join_properties(properties).encode(),
            store_timestamp=call.now_ms,
            reconsume_times=times + 1,
            prepared_offset=0,
        )

    def _put(self, copy: Record) -> None:
        try:
            put = self._store.put(copy)
        except DiskFull as error:
            why = f"{PutStatus.SERVICE_NOT_AVAILABLE.name} ({error})"
            raise Refused(ResponseCode.SYSTEM_ERROR, why) from error
        except StoreError as error:
            raise Refused(
                ResponseCode.SYSTEM_ERROR, f"the message is not stored: {error}"
            ) from error
        if put.status is not PutStatus.PUT_OK:
            raise Refused(ResponseCode.SYSTEM_ERROR, put.status.name)

    def _forbidden(self, what: str) -> Refused:
        return Refused(
            ResponseCode.NO_PERMISSION, f"the {what} sending message is forbidden"
        )
