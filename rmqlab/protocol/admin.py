"""Headers for topics, a broker's tables and its measurements.

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


@request(RequestCode.GET_ALL_TOPIC_CONFIG)
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


@request(RequestCode.GET_BROKER_CONFIG)
class GetBrokerConfig(Header):
    """Give me your settings as `.properties` text."""


@header
class BrokerConfigReply(Header):
    """The data version of the settings, as JSON text."""

    version: str
