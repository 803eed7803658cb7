"""What becomes of a send: it is stored, more or less safely, or not, or who knows.

    every attempt was answered no, or never left       SendError, definite
    one was left without an answer                     SendError, perhaps it is stored
    stored, and as safe as was asked for               SEND_OK
    stored, and less safe                              the other three statuses

Source: SendStatus.java, MQClientAPIImpl.processSendResponse,
DefaultMQProducer.retryResponseCodes, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from rmqlab.errors import RemoteError, RmqError, Unavailable
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import MessageQueue


class SendStatus(Enum):
    """How safe a stored message is.  In all four cases it will be consumed."""

    SEND_OK = ResponseCode.SUCCESS
    FLUSH_DISK_TIMEOUT = ResponseCode.FLUSH_DISK_TIMEOUT
    FLUSH_SLAVE_TIMEOUT = ResponseCode.FLUSH_SLAVE_TIMEOUT
    SLAVE_NOT_AVAILABLE = ResponseCode.SLAVE_NOT_AVAILABLE

    def __repr__(self) -> str:
        """``SEND_OK``: the code is of no use to a reader."""
        return self.name


STORED = {status.value.value for status in SendStatus}

TRIED_AGAIN = {
    ResponseCode.TOPIC_NOT_EXIST,
    ResponseCode.SERVICE_NOT_AVAILABLE,
    ResponseCode.SYSTEM_ERROR,
    ResponseCode.NO_PERMISSION,
    ResponseCode.NO_BUYER_ID,
    ResponseCode.NOT_IN_CURRENT_UNIT,
}
"""Refusals after which another broker may say yes."""


class SendError(RmqError):
    """No broker took the message.

    `is_definite` is True where it is certainly in no log; otherwise an attempt was
    left without an answer.
    """

    def __init__(self, text: str, *, is_definite: bool) -> None:
        super().__init__(text)
        self.is_definite = is_definite


class NotSendable(SendError):
    """The producer itself refuses what it is given: nobody was asked."""

    def __init__(self, text: str) -> None:
        super().__init__(text, is_definite=True)


@dataclass(frozen=True, slots=True)
class SendResult:
    """Where a message went and how safe it is there.

    `msg_id` is the producer's own id, `offset_msg_id` the broker's.  Of a batch both
    are those of all its messages, separated by commas, and `queue_offset` the first's.
    """

    status: SendStatus
    msg_id: str
    offset_msg_id: str
    queue: MessageQueue
    queue_offset: int


def may_go_elsewhere(error: RmqError) -> bool:
    """Whether another broker may take what this one did not."""
    if isinstance(error, RemoteError):
        return error.code in TRIED_AGAIN
    return isinstance(error, Unavailable)


def not_sent(
    topic: str, asked: Sequence[str], failures: Sequence[RmqError], cost_s: float
) -> RmqError:
    """Return the error that says who was asked, worded as RocketMQ's client does.

    A refusal that no other broker would mend is that error itself, unless an attempt
    before it was left without an answer.
    """
    is_definite = all(getattr(one, "is_definite", False) for one in failures)
    if failures and is_definite and not may_go_elsewhere(failures[-1]):
        return failures[-1]
    reasons = dict.fromkeys(map(str, failures)) or ("the time was up",)
    return SendError(
        f"Send [{len(asked)}] times, still failed, cost [{int(cost_s * 1000)}]ms, "
        f"Topic: {topic}, BrokersSent: [{', '.join(asked)}]; {'; '.join(reasons)}",
        is_definite=is_definite,
    )
