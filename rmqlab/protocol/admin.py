"""Headers for topics, a broker's tables and its measurements.

Not here: what groups share (`grouping`).

Source: CreateTopicRequestHeader.java and its neighbours, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.protocol.codes import RequestCode
from rmqlab.protocol.header import Header, header, request


@request(RequestCode.UPDATE_AND_CREATE_TOPIC)
class CreateTopic(Header):
    """Create the topic on this broker, or change its settings."""

    topic: str
    default_topic: str
    read_queue_nums: int
    write_queue_nums: int
    perm: int
    topic_filter_type: str
    topic_sys_flag: int | None = None
    order: bool = False


@request(RequestCode.GET_TOPIC_STATS_INFO)
class GetTopicStats(Header):
    """How many messages has each queue of the topic, and of when is the last?"""

    topic: str


@request(RequestCode.GET_ALL_TOPIC_CONFIG, has_reply=True)
class GetAllTopicConfig(Header):
    """Give me your topics, as in topics.json."""


@request(RequestCode.GET_ALL_CONSUMER_OFFSET)
class GetAllConsumerOffset(Header):
    """Give me your groups' offsets, as in consumerOffset.json."""


@request(RequestCode.GET_ALL_DELAY_OFFSET)
class GetAllDelayOffset(Header):
    """Give me your delay levels' offsets, as in delayOffset.json."""


@request(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG)
class GetAllGroupConfig(Header):
    """Give me your groups' settings, as in subscriptionGroup.json."""


@request(RequestCode.GET_BROKER_RUNTIME_INFO)
class GetRuntimeInfo(Header):
    """Give me your measurements, by name."""


@request(RequestCode.GET_BROKER_CONFIG, has_reply=True)
class GetBrokerConfig(Header):
    """Give me your settings as `.properties` text."""


@header
class BrokerConfigReply(Header):
    """The data version of the settings, as JSON text."""

    version: str


@request(RequestCode.UPDATE_BROKER_CONFIG)
class UpdateBrokerConfig(Header):
    """Change the settings that the body, `.properties` text, names."""


@request(RequestCode.DELETE_TOPIC_IN_BROKER)
class DeleteTopic(Header):
    """Forget the topic, its queues and what groups consumed of it."""

    topic: str


@request(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER)
class GetSystemTopics(Header):
    """Which topics are here because the broker needs them?"""


@request(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP)
class UpdateGroup(Header):
    """Create a consumer group, or change its settings: the body (`GroupConfig`)."""


@request(RequestCode.DELETE_SUBSCRIPTIONGROUP)
class DeleteGroup(Header):
    """Forget a group's settings and, if `remove_offset`, how far it is."""

    group_name: str
    remove_offset: bool = False


@request(RequestCode.GET_CONSUMER_CONNECTION_LIST)
class GetConsumerConnections(Header):
    """Which clients are connected for the group, and what do they want?"""

    consumer_group: str


@request(RequestCode.GET_PRODUCER_CONNECTION_LIST)
class GetProducerConnections(Header):
    """Which clients are connected as producers of the group?"""

    producer_group: str


@request(RequestCode.GET_ALL_PRODUCER_INFO)
class GetAllProducers(Header):
    """Which producers are connected at all?"""


@request(RequestCode.GET_CONSUME_STATS)
class GetConsumeStats(Header):
    """How far is the group in each queue?  Without `topic`: of all its topics."""

    consumer_group: str
    topic: str | None = None


@request(RequestCode.GET_BROKER_CONSUME_STATS)
class GetAllConsumeStats(Header):
    """How far is each group in each queue?"""

    is_order: bool


@request(RequestCode.QUERY_TOPIC_CONSUME_BY_WHO)
class GetTopicGroups(Header):
    """Which groups consume the topic?"""

    topic: str


@request(RequestCode.QUERY_CONSUME_TIME_SPAN)
class GetConsumeTimeSpan(Header):
    """Of when are a queue's messages, and of when the one the group is at?"""

    topic: str
    group: str


@request(RequestCode.VIEW_BROKER_STATS_DATA)
class ViewStats(Header):
    """What was counted under this name and key in a minute, an hour, a day?"""

    stats_name: str
    stats_key: str


@request(RequestCode.QUERY_CONSUME_QUEUE)
class QueryConsumeQueue(Header):
    """Give me `count` entries of a consume queue from `index` on."""

    topic: str
    queue_id: int
    index: int
    count: int
    consumer_group: str | None = None


@request(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET)
class ResetOffset(Header):
    """Have the group's consumers go on at the messages of a time; -1 is the end.

    Without `is_force` nobody is sent forward.
    """

    topic: str
    group: str
    timestamp: int
    is_force: bool


@request(RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS)
class GetConsumerStatus(Header):
    """How far do the group's clients say that they are?"""

    topic: str
    group: str
    client_addr: str | None = None


@request(RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE)
class CleanQueues(Header):
    """Remove the consume-queue files whose messages are gone."""


@request(RequestCode.CLEAN_UNUSED_TOPIC)
class CleanTopics(Header):
    """Remove the consume queues of topics that are no longer here."""


@request(RequestCode.DELETE_EXPIRED_COMMITLOG)
class CleanLog(Header):
    """Remove the commit-log files that are old enough."""
