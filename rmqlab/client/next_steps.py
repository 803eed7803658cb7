"""What to do about a broker's refusal to be pulled from: the next step, in a sentence.

A pull loop tries again by itself, so nobody catches these errors: they are logged.
"""

from __future__ import annotations

from rmqlab.errors import RemoteError, RmqError
from rmqlab.protocol.codes import ResponseCode

_NEXT_STEPS: dict[int, str] = {
    ResponseCode.NO_PERMISSION: (
        "The topic or the broker may not be read: see `mqadmin updateTopicPerm`; dead "
        "letters of 4.4.0 are write-only until then."
    ),
    ResponseCode.TOPIC_NOT_EXIST: (
        "The topic was removed: create it again, or unsubscribe."
    ),
    ResponseCode.SUBSCRIPTION_NOT_EXIST: (
        "Another member's heartbeat replaced this one's subscriptions: all members of "
        "a group must want the same of the same topics, see `mqadmin "
        "consumerConnection`."
    ),
    ResponseCode.SUBSCRIPTION_NOT_LATEST: (
        "Another member wants something else of this topic since: all members of a "
        "group must want the same, see `mqadmin consumerConnection`."
    ),
    ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST: (
        "Create the group with `mqadmin updateSubGroup`, or switch "
        "autoCreateSubscriptionGroup on."
    ),
}


def next_step(error: RmqError) -> str | None:
    """Return what to do about an error, where that is known."""
    return _NEXT_STEPS.get(error.code) if isinstance(error, RemoteError) else None
