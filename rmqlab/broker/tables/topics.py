"""The topics of a broker: their settings, and how a new one comes to be.

A topic that nobody created can come into being on first send: if the topic named as
default (``TBW102``) is here and may be inherited from, the new one takes its
permission and as many queues as the sender wishes, up to the default's.

Source: TopicConfigManager.java, release 4.9.7.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rmqlab.protocol.bodies import TopicConfig, TopicTable, with_permission
from rmqlab.protocol.codes import READ_WRITE, Permission
from rmqlab.protocol.message import (
    DEFAULT_TOPIC,
    RETRY_PREFIX,
    SCHEDULE_TOPIC,
    SYSTEM_PREFIX,
    SYSTEM_TOPICS,
)
from rmqlab.protocol.replies import reply_topic
from rmqlab.settings import BrokerConfig

OWN_TOPIC = Permission.READ | Permission.WRITE | Permission.INHERIT
DELAY_LEVELS = 18


class Topics:
    """All topics of one broker, with the version that name servers compare."""

    FILE = "topics.json"

    def __init__(self, config: BrokerConfig, now_ms: int) -> None:
        self._config = config
        self.table = TopicTable()
        self.table.data_version.timestamp = now_ms
        for topic in _built_in(config):
            self.table.topics[topic.topic_name] = topic

    def get(self, name: str) -> TopicConfig | None:
        """Return a topic's settings."""
        return self.table.topics.get(name)

    def put(self, topic: TopicConfig, now_ms: int) -> None:
        """Create a topic or change its settings."""
        self.table.topics[topic.topic_name] = topic
        self.table.data_version = self.table.data_version.next(now_ms)

    def remove(self, name: str, now_ms: int) -> bool:
        """Forget a topic; return whether it was here."""
        if self.table.topics.pop(name, None) is None:
            return False
        self.table.data_version = self.table.data_version.next(now_ms)
        return True

    @property
    def system(self) -> set[str]:
        """The topics that a broker needs, whether they are here yet or not."""
        return SYSTEM_TOPICS | {one.topic_name for one in _built_in(self._config)}

    def is_system(self, name: str) -> bool:
        """Whether a topic is none that anybody may make, change or remove."""
        return name in self.system or name.startswith(SYSTEM_PREFIX)

    def touch(self, now_ms: int) -> None:
        """Have the table differ from what name servers know: all will be told anew."""
        self.table.data_version = self.table.data_version.next(now_ms)

    def create_on_send(
        self,
        name: str,
        default_topic: str,
        queue_nums: int,
        now_ms: int,
        sys_flag: int = 0,
    ) -> TopicConfig | None:
        """Create a topic from the default one; None where that is not allowed."""
        default = self.get(default_topic)
        if default_topic == DEFAULT_TOPIC and not self._config.auto_create_topic_enable:
            default = default and with_permission(default, READ_WRITE)
        if default and default.perm & Permission.INHERIT:
            queues = max(0, min(queue_nums, default.write_queue_nums))
            topic = replace(
                default,
                topic_name=name,
                read_queue_nums=queues,
                write_queue_nums=queues,
                perm=default.perm & ~Permission.INHERIT,
                topic_sys_flag=sys_flag,
                order=False,
            )
        elif name.startswith(RETRY_PREFIX):
            topic = TopicConfig(name, 1, 1, topic_sys_flag=sys_flag)
        else:
            return None
        self.put(topic, now_ms)
        return topic

    def create_retry(
        self, group: str, queue_nums: int, now_ms: int, sys_flag: int = 0
    ) -> bool:
        """Create a group's retry topic where it is missing; return whether it was."""
        name = RETRY_PREFIX + group
        if name in self.table.topics:
            return False
        topic = TopicConfig(name, queue_nums, queue_nums, topic_sys_flag=sys_flag)
        self.put(topic, now_ms)
        return True

    def create_own(self, name: str, now_ms: int) -> bool:
        """Create a topic of the broker's own where it is missing; return whether."""
        if name in self.table.topics:
            return False
        self.put(TopicConfig(name, 1, 1), now_ms)
        return True

    def set_ordered(self, names: set[str], now_ms: int) -> bool:
        """Make these topics and no others ordered; return whether any changed.

        Source: TopicConfigManager.updateOrderTopicConfig.
        """
        topics = self.table.topics
        wrong = [
            one for one in topics.values() if one.order != (one.topic_name in names)
        ]
        for topic in wrong:
            topics[topic.topic_name] = replace(topic, order=not topic.order)
        if wrong:
            self.table.data_version = self.table.data_version.next(now_ms)
        return bool(wrong)

    @property
    def version(self) -> int:
        """How often the table was changed."""
        return self.table.data_version.counter

    def registered(self) -> TopicTable:
        """Return the table as name servers get it: the broker's permission applies."""
        permission = self._config.broker_permission
        if permission == READ_WRITE:
            return self.table
        topics = self.table.topics.items()
        return TopicTable(
            self.table.data_version,
            {name: with_permission(topic, permission) for name, topic in topics},
        )

    @property
    def state(self) -> object:
        """What differs after every change."""
        version = self.table.data_version
        return version.counter, version.timestamp

    def to_json(self) -> dict[str, Any]:
        """Return the table as in topics.json."""
        return self.table.to_json()

    def load(self, found: Any) -> None:
        """Take over what topics.json holds; built-in topics it lacks stay.

        Raises:
            WireError: it is no topics.json.
        """
        loaded = TopicTable.from_json(found)
        self.table.data_version = loaded.data_version
        self.table.topics.update(loaded.topics)

    def replace(self, found: Any) -> bool:
        """Become a copy of a master's table; return whether it differed.

        Raises:
            WireError: it is no topics.json.
        """
        loaded = TopicTable.from_json(found)
        if loaded.data_version == self.table.data_version:
            return False
        self.table = loaded
        return True


def _built_in(config: BrokerConfig) -> list[TopicConfig]:
    cluster, own = config.broker_cluster_name, config.broker_name
    queues = config.default_topic_queue_nums
    topics = [
        TopicConfig("SELF_TEST_TOPIC", 1, 1),
        TopicConfig("BenchmarkTest", 1024, 1024),
        TopicConfig(cluster, perm=_if(enabled=config.cluster_topic_enable)),
        TopicConfig(own, 1, 1, perm=_if(enabled=config.broker_topic_enable)),
        TopicConfig("OFFSET_MOVED_EVENT", 1, 1),
        TopicConfig(SCHEDULE_TOPIC, DELAY_LEVELS, DELAY_LEVELS),
        TopicConfig(reply_topic(cluster), 1, 1),
    ]
    if config.auto_create_topic_enable:
        topics.append(TopicConfig(DEFAULT_TOPIC, queues, queues, OWN_TOPIC))
    return topics


def _if(*, enabled: bool) -> int:
    return OWN_TOPIC if enabled else Permission.INHERIT
