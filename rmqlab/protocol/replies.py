"""What a request and its reply say among their properties, to work as a call.

    request   CORRELATION_ID, REPLY_TO_CLIENT: the asker's client id, TTL: milliseconds
    reply     the same three, and MSG_TYPE␁reply; it is sent to ``CLUSTER_REPLY_TOPIC``

Not here: who asks and replies (`client.requests`), who hands over the reply
(`broker.handlers.reply`).

Source: MessageConst.java, MessageUtil.createReplyMessage, MixAll.getReplyTopic, 4.9.7.
"""

from __future__ import annotations

from collections.abc import Mapping

CORRELATION_ID = "CORRELATION_ID"
REPLY_TO = "REPLY_TO_CLIENT"
TTL = "TTL"
CLUSTER = "CLUSTER"
"""Of every stored message: where it lies."""
MESSAGE_TYPE, REPLY = "MSG_TYPE", "reply"
PUSHED_AT, ARRIVED_AT = "PUSH_REPLY_TIME", "ARRIVE_TIME"
"""When the broker pushed a reply and when the asker had it, in ms since 1970."""


def is_reply(properties: Mapping[str, str]) -> bool:
    """Whether a message that is sent with these properties is a reply."""
    return properties.get(MESSAGE_TYPE) == REPLY


def reply_topic(cluster: str) -> str:
    """Return the topic of a cluster's replies."""
    return f"{cluster}_REPLY_TOPIC"
