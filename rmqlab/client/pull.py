"""One pull: ask a broker for the messages of a queue from an offset on.

Source: PullAPIWrapper.java, MQClientAPIImpl.processPullResponse, release 4.9.7.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from rmqlab.client.instance import ClientInstance
from rmqlab.errors import RemoteError
from rmqlab.protocol.codes import PullSysFlag, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.message import MessageQueue, StoredMessage
from rmqlab.protocol.messaging import PullMessage, PullReply
from rmqlab.protocol.record import decode_all, to_message

SUSPEND_MS = 15_000
"""How long the broker may hold a pull."""
TIMEOUT_S = 30.0


class PullStatus(Enum):
    """How a pull ended."""

    FOUND = ResponseCode.SUCCESS
    NO_NEW_MSG = ResponseCode.PULL_NOT_FOUND
    NO_MATCHED_MSG = ResponseCode.PULL_RETRY_IMMEDIATELY
    OFFSET_ILLEGAL = ResponseCode.PULL_OFFSET_MOVED


class PullResult(NamedTuple):
    """What came, and where to go on."""

    status: PullStatus
    next_offset: int
    min_offset: int
    max_offset: int
    suggested_broker_id: int
    messages: list[StoredMessage]


_ANSWERED = {status.value.value for status in PullStatus}


async def pull(
    instance: ClientInstance,
    group: str,
    queue: MessageQueue,
    offset: int,
    subscription: Subscription,
    *,
    limit: int = 32,
    address: str | None = None,
    suspend: bool = False,
) -> PullResult:
    """Pull once, from `address` or else from the queue's master.

    With `suspend` the broker holds the pull until a message comes, up to 15 s.

    Raises:
        NotConnected, NoAnswer: the broker is away.
        RemoteError: it answered something else than a pull's four statuses.
    """
    held = PullSysFlag.SUSPEND if suspend else 0
    header = PullMessage(
        consumer_group=group,
        topic=queue.topic,
        queue_id=queue.queue_id,
        queue_offset=offset,
        max_msg_nums=limit,
        sys_flag=PullSysFlag.SUBSCRIPTION | held,
        commit_offset=0,
        suspend_timeout_millis=SUSPEND_MS,
        sub_version=subscription.sub_version,
        subscription=subscription.sub_string,
        expression_type=subscription.expression_type,
    )
    at = address or instance.address_of(queue.broker_name)
    answer = await instance.remoting.call(at, header, timeout_s=TIMEOUT_S)
    if answer.code not in _ANSWERED:
        raise RemoteError(answer.code, answer.remark, at)
    return _result(answer, queue, subscription)


def _result(
    answer: Frame, queue: MessageQueue, subscription: Subscription
) -> PullResult:
    """Return what an answer holds; tags are compared again, not only their hashes."""
    reply = PullReply.parse(answer.fields)
    found = [to_message(one, queue.broker_name) for one in decode_all(answer.body)]
    return PullResult(
        PullStatus(ResponseCode(answer.code)),
        reply.next_begin_offset,
        reply.min_offset,
        reply.max_offset,
        reply.suggest_which_broker_id,
        [one for one in found if subscription.wants(one.tags)],
    )
