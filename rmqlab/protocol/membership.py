"""The bodies by which clients belong to groups: heartbeats, members, subscriptions.

A subscription names a topic and what it wants of it: ``*`` is everything,
``paid || sent`` is two tags.  A broker filters by the tags' hashes, which is what its
consume queues hold; the client compares the tags themselves again.

Source: HeartbeatData.java, ConsumerData.java, SubscriptionData.java, FilterAPI.java,
release 4.9.7.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from rmqlab.errors import Refused, WireError
from rmqlab.protocol.bodies import Body
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import java_hash

ALL = "*"
NOT_PARSED = "parse the consumer's subscription failed"


@dataclass(slots=True)
class Subscription(Body):
    """What a group wants of one topic; `sub_version` orders its changes."""

    topic: str
    sub_string: str = ALL
    tags_set: list[str] = field(default_factory=list)
    code_set: list[int] = field(default_factory=list)
    sub_version: int = 0
    expression_type: str = "TAG"
    class_filter_mode: bool = False

    @classmethod
    def of(
        cls, topic: str, expression: str | None, version: int = 0, kind: str = "TAG"
    ) -> Self:
        """Return the subscription that an expression spells; SQL92 is not parsed here.

        Raises:
            Refused: SUBSCRIPTION_PARSE_FAILED; it has nothing between its ``||``, or is
                no tag expression and empty.
        """
        if kind != "TAG":
            if not expression:
                raise Refused(ResponseCode.SUBSCRIPTION_PARSE_FAILED, NOT_PARSED)
            return cls(topic, expression, [], [], version, kind)
        if not expression or expression == ALL:
            return cls(topic, ALL, sub_version=version)
        if not expression.replace("||", ""):
            raise Refused(ResponseCode.SUBSCRIPTION_PARSE_FAILED, NOT_PARSED)
        tags = [tag for part in expression.split("||") if (tag := part.strip())]
        hashes = [java_hash(tag) for tag in tags]
        return cls(topic, expression, tags, hashes, version)

    @property
    def is_tag_filter(self) -> bool:
        """Whether it is a tag expression, not SQL92."""
        return (self.expression_type or "TAG") == "TAG"

    def wants_code(self, tags_code: int) -> bool:
        """Whether a message whose tag has this hash may be wanted."""
        return (
            tags_code in self.code_set
            or self.sub_string == ALL
            or self.class_filter_mode
            or not self.is_tag_filter
        )

    def wants(self, tags: str | None) -> bool:
        """Whether a message with this very tag is wanted."""
        return not self.tags_set or tags in self.tags_set


@dataclass(slots=True)
class ConsumerData:
    """One group that a client consumes for."""

    group_name: str
    consume_type: str = "CONSUME_PASSIVELY"
    message_model: str = "CLUSTERING"
    consume_from_where: str = "CONSUME_FROM_LAST_OFFSET"
    subscriptions: list[Subscription] = field(default_factory=list)
    unit_mode: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "consumeFromWhere": self.consume_from_where,
            "consumeType": self.consume_type,
            "groupName": self.group_name,
            "messageModel": self.message_model,
            "subscriptionDataSet": [one.to_json() for one in self.subscriptions],
            "unitMode": self.unit_mode,
        }

    @classmethod
    def from_json(cls, found: Any) -> Self:
        """Return what the object says; absent parts keep their defaults.

        Raises:
            WireError: it is no object, or names no group.
        """
        if not isinstance(found, dict) or not isinstance(found.get("groupName"), str):
            raise WireError(f"no ConsumerData: {found!r}")
        subscriptions = found.get("subscriptionDataSet") or []
        if not isinstance(subscriptions, list):
            raise WireError(f"subscriptionDataSet is {subscriptions!r}, expected list")
        return cls(
            found["groupName"],
            found.get("consumeType") or "CONSUME_PASSIVELY",
            found.get("messageModel") or "CLUSTERING",
            found.get("consumeFromWhere") or "CONSUME_FROM_LAST_OFFSET",
            [Subscription.from_json(one) for one in subscriptions],
            bool(found.get("unitMode", False)),
        )


@dataclass(slots=True)
class Heartbeat:
    """What a client is: its id, its producer groups, its consumer groups."""

    client_id: str
    producer_groups: list[str] = field(default_factory=list)
    consumers: list[ConsumerData] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "clientID": self.client_id,
            "consumerDataSet": [one.to_json() for one in self.consumers],
            "producerDataSet": [{"groupName": one} for one in self.producer_groups],
        }

    @classmethod
    def from_json(cls, found: Any) -> Self:
        """Return what the object says.

        Raises:
            WireError: it is no heartbeat.
        """
        try:
            return cls(
                str(found["clientID"]),
                [str(one["groupName"]) for one in found.get("producerDataSet") or []],
                [
                    ConsumerData.from_json(one)
                    for one in found.get("consumerDataSet") or []
                ],
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise WireError(f"no HeartbeatData: {found!r}") from error
