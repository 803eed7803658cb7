"""A consumer group's own two topics.

    orders ──► failed ──► %RETRY%kitchen, after a while ──► failed … 16 times
                                                              └──► %DLQ%kitchen

Source: TopicConfigManager.createTopicInSendMessageBackMethod,
SendMessageProcessor.handleRetryAndDLQ, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.broker.call import Call, Tell
from rmqlab.broker.memory import Memory
from rmqlab.errors import Refused
from rmqlab.protocol.bodies import GroupConfig, TopicConfig
from rmqlab.protocol.codes import FAQ_SUFFIX, ResponseCode, TopicSysFlag
from rmqlab.protocol.message import DLQ_PREFIX, RETRY_PREFIX

DLQ_QUEUES = 1
HEEDS_LIMIT = 121
"""The version (3.4.9) from which on a client may say itself how often it tries."""


class GroupTopics:
    """Finds a group's topics, and makes them where they are missing."""

    def __init__(self, memory: Memory, tell: Tell) -> None:
        self._topics, self._groups, self._tell = memory.topics, memory.groups, tell

    def group(self, name: str, now_ms: int) -> GroupConfig:
        """Return a group's settings.

        Raises:
            Refused: SUBSCRIPTION_GROUP_NOT_EXIST; it is unknown and may not be made.
        """
        group = self._groups.find_or_create(name, now_ms)
        if group is None:
            raise Refused(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
                f"subscription group not exist, {name} {FAQ_SUFFIX}",
            )
        return group

    def retry(self, group: GroupConfig, now_ms: int, *, is_unit: bool) -> TopicConfig:
        """Return the topic of what comes again."""
        queues, flag = group.retry_queue_nums, TopicSysFlag.UNIT_SUB if is_unit else 0
        name = RETRY_PREFIX + group.group_name
        topic = TopicConfig(name, queues, queues, topic_sys_flag=flag)
        return self._found(topic, now_ms)

    def dead(self, group: GroupConfig, now_ms: int) -> TopicConfig:
        """Return the topic of the dead letters; it may be read, unlike 4.4's."""
        name = DLQ_PREFIX + group.group_name
        return self._found(TopicConfig(name, DLQ_QUEUES, DLQ_QUEUES), now_ms)

    def _found(self, topic: TopicConfig, now_ms: int) -> TopicConfig:
        found = self._topics.get(topic.topic_name)
        if found is None:
            self._topics.put(topic, now_ms)
            self._tell.topics_changed()
        return found or topic


def most_times(group: GroupConfig, asked: int | None, call: Call) -> int:
    """Return how often a message may come again: what the client says, or the group."""
    heeds = asked is not None and call.frame.version >= HEEDS_LIMIT
    return asked if heeds and asked is not None else group.retry_max_times
