"""The JSON bodies that name queues: locks, offsets that moved, offsets compared.

Source: LockBatchRequestBody.java, UnlockBatchRequestBody.java, OffsetMovedEvent.java,
QueryCorrectionOffsetBody.java, CheckClientRequestBody.java, release 4.9.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from rmqlab.errors import WireError
from rmqlab.protocol.bodies import Body
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.message import MessageQueue


@dataclass(slots=True)
class QueueName(Body):
    """A `MessageQueue` as it travels."""

    topic: str
    broker_name: str
    queue_id: int


def queue_json(queue: MessageQueue) -> dict[str, Any]:
    """Return a queue's JSON object."""
    return QueueName(*queue).to_json()


@dataclass(slots=True)
class LockRequest:
    """Which queues a client of a group wants, or gives back."""

    consumer_group: str
    client_id: str
    queues: list[MessageQueue]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "clientId": self.client_id,
            "consumerGroup": self.consumer_group,
            "mqSet": [queue_json(one) for one in self.queues],
        }

    @classmethod
    def from_json(cls, found: Any) -> Self:
        """Return what the object says.

        Raises:
            WireError: it is no such request.
        """
        try:
            queues = _queues(found["mqSet"])
            group, client_id = str(found["consumerGroup"]), str(found["clientId"])
        except (TypeError, KeyError) as error:
            raise WireError(f"no LockBatchRequestBody: {found!r:.200}") from error
        return cls(group, client_id, queues)


def locked(queues: list[MessageQueue]) -> dict[str, Any]:
    """Return the answer to a lock request: the queues that the client has."""
    return {"lockOKMQSet": [queue_json(one) for one in queues]}


def locked_queues(found: Any) -> list[MessageQueue]:
    """Return the queues that an answer to a lock request names.

    Raises:
        WireError: it is no such answer.
    """
    try:
        return _queues(found["lockOKMQSet"])
    except (TypeError, KeyError) as error:
        raise WireError(f"no LockBatchResponseBody: {found!r:.200}") from error


def _queues(found: Any) -> list[MessageQueue]:
    names = (QueueName.from_json(one) for one in found)
    return [MessageQueue(one.topic, one.broker_name, one.queue_id) for one in names]


def offset_moved(
    group: str, queue: MessageQueue, asked: int, begin: int
) -> dict[str, Any]:
    """Return the event that a group asked for an offset that a queue does not have."""
    return {
        "consumerGroup": group,
        "messageQueue": queue_json(queue),
        "offsetNew": begin,
        "offsetRequest": asked,
    }


def checked_subscription(found: Any) -> Subscription | None:
    """Return the subscription that a client has checked, if it sent one.

    Raises:
        WireError: it is none.
    """
    if not isinstance(found, dict):
        raise WireError(f"no CheckClientRequestBody: {found!r:.200}")
    told = found.get("subscriptionData")
    return None if told is None else Subscription.from_json(told)
