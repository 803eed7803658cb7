"""Headers of what a group shares, and of what a broker asks its clients.

Shared are locks on queues and offsets.  A client is asked over the connection that it
opened itself.

Source: QueryCorrectionOffsetHeader.java, CloneGroupOffsetRequestHeader.java,
ResetOffsetRequestHeader.java, GetConsumerRunningInfoRequestHeader.java,
ConsumeMessageDirectlyResultRequestHeader.java and their neighbours, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.protocol.codes import RequestCode
from rmqlab.protocol.header import Header, request


@request(RequestCode.LOCK_BATCH_MQ)
class LockBatch(Header):
    """A client wants queues for itself, to consume in order; the body says which."""


@request(RequestCode.UNLOCK_BATCH_MQ)
class UnlockBatch(Header):
    """A client gives locked queues back; the body says which."""


@request(RequestCode.CHECK_CLIENT_CONFIG)
class CheckClientConfig(Header):
    """Would the body's subscription be understood here?"""


@request(RequestCode.QUERY_CORRECTION_OFFSET)
class QueryCorrectionOffset(Header):
    """How far are the other groups of the topic, at least?

    `filter_groups`: groups to leave out, separated by commas.
    """

    topic: str
    compare_group: str
    filter_groups: str | None = None


@request(RequestCode.CLONE_GROUP_OFFSET)
class CloneGroupOffset(Header):
    """Give one group the offsets of another; without `topic` for all its topics."""

    src_group: str
    dest_group: str
    topic: str | None = None
    offline: bool = False


@request(RequestCode.RESET_CONSUMER_CLIENT_OFFSET)
class ResetClientOffset(Header):
    """A broker tells a consumer to go on elsewhere; the body has the offsets."""

    topic: str
    group: str
    timestamp: int
    is_force: bool


@request(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT)
class GetClientStatus(Header):
    """A broker asks a consumer how far it is in each queue of a topic."""

    topic: str
    group: str
    client_addr: str | None = None


@request(RequestCode.GET_CONSUMER_RUNNING_INFO)
class GetRunningInfo(Header):
    """How does this consumer do?  Asked by tools, and passed on to the client."""

    consumer_group: str
    client_id: str
    jstack_enable: bool = False


@request(RequestCode.CONSUME_MESSAGE_DIRECTLY)
class ConsumeDirectly(Header):
    """Have this client consume this message now; its offset id is `msg_id`.

    On the way to the client the broker adds `broker_name` and, as body, the message.
    """

    consumer_group: str
    client_id: str | None = None
    msg_id: str | None = None
    broker_name: str | None = None


@request(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT)
class PushReply(Header):
    """A broker hands a reply to the client that asked; the body is the reply's.

    `born_host` and `store_host` are ``address:port``.
    """

    producer_group: str
    topic: str
    default_topic: str
    default_topic_queue_nums: int
    queue_id: int
    sys_flag: int
    born_timestamp: int
    flag: int
    born_host: str
    store_host: str
    store_timestamp: int
    properties: str | None = None
    reconsume_times: int | None = None
    unit_mode: bool = False
