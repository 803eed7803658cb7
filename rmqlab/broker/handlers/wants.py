"""Which messages a pull wants: those of its group's subscription, or of its own.

Tags are compared in the queue, by their hashes; the client compares them again.  A
SQL92 filter is asked of each message's properties, and the client trusts the broker.

On purpose clearer than RocketMQ, where a pull whose own filter is none gets every
message: here it is refused, as a heartbeat's is.

Source: PullMessageProcessor.java, ExpressionMessageFilter.java,
ExpressionForRetryMessageFilter.java, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rmqlab.broker.memory import Memory
from rmqlab.broker.tables.filters import condition_of
from rmqlab.broker.tables.holds import Arrived
from rmqlab.errors import CorruptRecord, Refused
from rmqlab.protocol.bodies import GroupConfig
from rmqlab.protocol.codes import FAQ_SUFFIX, PullSysFlag, ResponseCode
from rmqlab.protocol.membership import NOT_PARSED, Subscription
from rmqlab.protocol.message import RETRY_PREFIX, RETRY_TOPIC
from rmqlab.protocol.messaging import PullMessage
from rmqlab.protocol.record import Blank, decode, properties_of
from rmqlab.protocol.sql92 import SqlError

Matches = Callable[[Mapping[str, str]], bool]
"""Whether a message with these properties is wanted."""
UNSUPPORTED = "The broker does not support consumer to filter message by "


class Wants(NamedTuple):
    """A subscription, and what it says of properties where it says anything."""

    subscription: Subscription
    matches: Matches | None = None

    def code(self, tags_code: int) -> bool:
        """Whether a message whose tag has this hash may be wanted."""
        return self.subscription.wants_code(tags_code)

    def record(self, data: bytes) -> bool:
        """Whether a message of the log is wanted, whose tag is."""
        if self.matches is None:
            return True
        try:
            record = decode(data, check_crc=False)
        except CorruptRecord:
            return False
        return not isinstance(record, Blank) and self.matches(properties_of(record))

    def message(self, arrived: Arrived) -> bool:
        """Whether a message that has just arrived is wanted."""
        return self.code(arrived.tags_code) and (
            self.matches is None or self.matches(arrived.properties)
        )


def wants_of(memory: Memory, asked: PullMessage, group: GroupConfig) -> Wants:
    """Return what a pull wants.

    Raises:
        Refused: the expression is none, the group told no subscription of the topic or
            an older one, or SQL92 is switched off.
    """
    is_own = asked.sys_flag & PullSysFlag.SUBSCRIPTION
    told = _own(asked) if is_own else _told(memory, asked, group)
    if told.is_tag_filter:
        return Wants(told, _of_retried(memory, asked))
    kind, expression = told.expression_type, told.sub_string
    if not is_own:
        kind, expression = _kept(memory, asked)
    if not memory.config.enable_property_filter:
        raise Refused(ResponseCode.SYSTEM_ERROR, UNSUPPORTED + told.expression_type)
    try:
        return Wants(told, condition_of(kind, expression).matches)
    except SqlError as error:
        raise Refused(
            ResponseCode.SUBSCRIPTION_PARSE_FAILED, f"{NOT_PARSED}: {error}"
        ) from error


def _own(asked: PullMessage) -> Subscription:
    kind = asked.expression_type or "TAG"
    return Subscription.of(asked.topic, asked.subscription, asked.sub_version, kind)


def _told(memory: Memory, asked: PullMessage, group: GroupConfig) -> Subscription:
    members = memory.clients.consumers(asked.consumer_group)
    if members is None:
        raise Refused(
            ResponseCode.SUBSCRIPTION_NOT_EXIST,
            f"the consumer's group info not exist{FAQ_SUFFIX}",
        )
    is_broadcast = members.data.message_model == "BROADCASTING"
    if is_broadcast and not group.consume_broadcast_enable:
        raise Refused(
            ResponseCode.NO_PERMISSION,
            f"the consumer group[{asked.consumer_group}] can not consume by "
            "broadcast way",
        )
    told = members.subscriptions.get(asked.topic)
    if told is None:
        raise Refused(
            ResponseCode.SUBSCRIPTION_NOT_EXIST,
            f"the consumer's subscription not exist{FAQ_SUFFIX}",
        )
    if told.sub_version < asked.sub_version:
        raise Refused(
            ResponseCode.SUBSCRIPTION_NOT_LATEST,
            "the consumer's subscription not latest",
        )
    return told


def _kept(memory: Memory, asked: PullMessage) -> tuple[str, str]:
    """Return the kind and the text of the filter that a heartbeat told."""
    found = memory.filters.get(asked.topic, asked.consumer_group)
    if found is None:
        raise Refused(
            ResponseCode.FILTER_DATA_NOT_EXIST,
            "The broker's consumer filter data is not exist!Your expression may be "
            "wrong!",
        )
    if found.client_version < asked.sub_version:
        raise Refused(
            ResponseCode.FILTER_DATA_NOT_LATEST,
            "the consumer's consumer filter data not latest",
        )
    return found.expression_type, found.expression


def _of_retried(memory: Memory, asked: PullMessage) -> Matches | None:
    """Return what the group's filters say of its retried messages, if they may."""
    if not memory.config.filter_support_retry:
        return None
    if not asked.topic.startswith(RETRY_PREFIX):
        return None
    group = asked.topic.removeprefix(RETRY_PREFIX)

    def matches(properties: Mapping[str, str]) -> bool:
        found = memory.filters.get(properties.get(RETRY_TOPIC, ""), group)
        return found is None or found.condition.matches(properties)

    return matches
