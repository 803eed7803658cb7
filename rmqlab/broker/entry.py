"""Which topic and which queue a message goes to, or why it may not come in.

Source: AbstractSendMessageProcessor.msgCheck, SendMessageProcessor.preSend and
handleRetryAndDLQ, release 4.9.7.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from rmqlab.broker.call import Call, Tell
from rmqlab.broker.group_topics import GroupTopics, most_times
from rmqlab.broker.memory import Memory
from rmqlab.clock import time_text
from rmqlab.errors import Refused
from rmqlab.protocol import message as messages
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import FAQ_SUFFIX, Permission, ResponseCode, TopicSysFlag
from rmqlab.protocol.message import RETRY_PREFIX
from rmqlab.protocol.messaging import SendMessage


class Target(NamedTuple):
    """Where a message goes."""

    topic: TopicConfig
    queue_id: int


class Entry:
    """Looks at a send before anything is stored."""

    def __init__(self, memory: Memory, tell: Tell, random: Random) -> None:
        self._config, self._topics = memory.config, memory.topics
        self._tell, self._random = tell, random
        self._group_topics = GroupTopics(memory, tell)

    def target(self, asked: SendMessage, call: Call) -> Target:
        """Return the topic, made if it is missing and may be made, and the queue.

        Raises:
            Refused: it is too early, or topic or queue forbid it.
        """
        opens_ms = self._config.start_accept_send_request_time_stamp
        if call.now_ms < opens_ms:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"broker unable to service, until {time_text(opens_ms)}",
            )
        topic = self._topic(asked, call)
        queue_id = asked.queue_id
        if queue_id >= max(topic.write_queue_nums, topic.read_queue_nums):
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"request queueId[{queue_id}] is illegal, {topic} "
                f"Producer: {call.peer.peer[0]}:{call.peer.peer[1]}",
            )
        if queue_id < 0:
            queue_id = self._random.randrange(topic.write_queue_nums or 1)
        return Target(topic, queue_id)

    def _topic(self, asked: SendMessage, call: Call) -> TopicConfig:
        topic = self._topics.get(asked.topic)
        is_closed = not self._config.broker_permission & Permission.WRITE
        if is_closed and topic and topic.order:
            raise Refused(
                ResponseCode.NO_PERMISSION,
                f"the broker[{self._config.broker_i_p1}] sending message is forbidden",
            )
        messages.check_topic(asked.topic)
        if asked.topic in messages.NOT_SENDABLE:
            raise Refused(
                ResponseCode.NO_PERMISSION,
                f"Sending message to topic[{asked.topic}] is forbidden.",
            )
        return topic or self._created(asked, call)

    def _created(self, asked: SendMessage, call: Call) -> TopicConfig:
        topic = self._topics.create_on_send(
            asked.topic,
            asked.default_topic,
            asked.default_topic_queue_nums,
            call.now_ms,
            _unit_flag(asked),
        )
        if topic is None:
            raise Refused(
                ResponseCode.TOPIC_NOT_EXIST,
                f"topic[{asked.topic}] not exist, apply first please!{FAQ_SUFFIX}",
            )
        self._tell.topics_changed()
        return topic

    def retried(self, asked: SendMessage, target: Target, call: Call) -> Target:
        """Return the dead letters, where a consumer sends back what failed too often.

        It does so by sending to its group's retry topic; all else stays as it is.

        Raises:
            Refused: SUBSCRIPTION_GROUP_NOT_EXIST.
        """
        if not asked.topic.startswith(RETRY_PREFIX):
            return target
        name = asked.topic.removeprefix(RETRY_PREFIX)
        group = self._group_topics.group(name, call.now_ms)
        times = asked.reconsume_times or 0
        if times < most_times(group, asked.max_reconsume_times, call):
            return target
        return Target(self._group_topics.dead(group, call.now_ms), 0)


def _unit_flag(asked: SendMessage) -> int:
    if not asked.unit_mode:
        return 0
    is_retry = asked.topic.startswith(RETRY_PREFIX)
    return TopicSysFlag.UNIT_SUB if is_retry else TopicSysFlag.UNIT
