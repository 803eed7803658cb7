"""Headers to send and pull messages, to keep offsets, and to belong to a group.

Not here: what groups share beyond that (`grouping`), transactions (`transactions`).

Source: SendMessageRequestHeader.java, SendMessageRequestHeaderV2.java,
PullMessageRequestHeader.java and their neighbours, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.protocol.codes import RequestCode
from rmqlab.protocol.header import Header, header, request, wire


@request(RequestCode.SEND_MESSAGE, has_reply=True)
class SendMessage(Header):
    """Store the body as one message of `topic`.

    `queue_id` < 0 lets the broker choose.  `default_topic` lends its settings when
    `topic` does not exist yet.  `properties` is text as `message.join_properties`
    makes it.
    """

    producer_group: str
    topic: str
    default_topic: str
    default_topic_queue_nums: int
    queue_id: int
    sys_flag: int
    born_timestamp: int
    flag: int
    properties: str | None = None
    reconsume_times: int | None = None
    unit_mode: bool | None = None
    max_reconsume_times: int | None = None
    batch: bool | None = None


@request(RequestCode.SEND_MESSAGE_V2, wire_names="abcdefghijklm", has_reply=True)
class SendMessageV2(SendMessage):
    """`SendMessage` with one-letter names on the wire, which are faster to read."""


@request(RequestCode.SEND_BATCH_MESSAGE, wire_names="abcdefghijklm", has_reply=True)
class SendBatch(SendMessage):
    """Store the body as several messages of one queue; see `batch`."""


@request(RequestCode.SEND_REPLY_MESSAGE, has_reply=True)
class SendReplyMessage(SendMessage):
    """Hand the body to the client that its properties name: request and reply."""


@request(RequestCode.SEND_REPLY_MESSAGE_V2, wire_names="abcdefghijklm", has_reply=True)
class SendReplyMessageV2(SendMessage):
    """`SendReplyMessage` with one-letter names on the wire."""


@request(RequestCode.CONSUMER_SEND_MSG_BACK)
class SendBack(Header):
    """The group failed to consume the message at this commit-log `offset`.

    `delay_level` 0 lets the broker choose when it comes again, < 0 sends it to the
    dead letters.
    """

    offset: int
    group: str
    delay_level: int
    origin_msg_id: str | None = None
    origin_topic: str | None = None
    unit_mode: bool = False
    max_reconsume_times: int | None = None


@header
class SendReply(Header):
    """Where the message went: its offset id, its queue and its place there."""

    msg_id: str
    queue_id: int
    queue_offset: int
    transaction_id: str | None = None


@request(RequestCode.PULL_MESSAGE, has_reply=True)
class PullMessage(Header):
    """Give me up to `max_msg_nums` messages of a queue from `queue_offset` on.

    `sys_flag` is of `PullSysFlag`; `commit_offset` counts only with its first bit.
    """

    consumer_group: str
    topic: str
    queue_id: int
    queue_offset: int
    max_msg_nums: int
    sys_flag: int
    commit_offset: int
    suspend_timeout_millis: int
    sub_version: int
    subscription: str | None = None
    expression_type: str | None = None


@header
class PullReply(Header):
    """Where to pull next, and from which broker id."""

    suggest_which_broker_id: int
    next_begin_offset: int
    min_offset: int
    max_offset: int


@request(RequestCode.QUERY_CONSUMER_OFFSET, has_reply=True)
class QueryConsumerOffset(Header):
    """How far has the group consumed this queue?"""

    consumer_group: str
    topic: str
    queue_id: int


@request(RequestCode.UPDATE_CONSUMER_OFFSET, has_reply=True)
class UpdateConsumerOffset(Header):
    """The group has consumed this queue up to, not including, `commit_offset`."""

    consumer_group: str
    topic: str
    queue_id: int
    commit_offset: int


@request(RequestCode.GET_MAX_OFFSET, has_reply=True)
class GetMaxOffset(Header):
    """Which offset will the queue's next message have?"""

    topic: str
    queue_id: int


@request(RequestCode.GET_MIN_OFFSET, has_reply=True)
class GetMinOffset(Header):
    """Which is the oldest offset that the queue still has?"""

    topic: str
    queue_id: int


@header
class OffsetReply(Header):
    """One queue offset."""

    offset: int


@request(RequestCode.VIEW_MESSAGE_BY_ID)
class ViewMessage(Header):
    """Give me the message that lies at this commit-log `offset`."""

    offset: int


@request(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, has_reply=True)
class SearchOffset(Header):
    """Which offset has the message that was stored nearest to `timestamp`?"""

    topic: str
    queue_id: int
    timestamp: int


@request(RequestCode.GET_EARLIEST_MSG_STORETIME, has_reply=True)
class GetEarliestTime(Header):
    """When was the oldest message of the queue stored?"""

    topic: str
    queue_id: int


@header
class TimeReply(Header):
    """Milliseconds since 1970; -1 where there is no message."""

    timestamp: int


@request(RequestCode.QUERY_MESSAGE, has_reply=True)
class QueryMessage(Header):
    """Give me the newest messages with this key, stored in this time.

    A client that looks for a unique id says so: it needs no `max_num` then.
    """

    topic: str
    key: str
    max_num: int
    begin_timestamp: int
    end_timestamp: int
    is_unique: bool | None = wire("_UNIQUE_KEY_QUERY", default=None)


@header
class QueryReply(Header):
    """Up to when and where the index knows the log."""

    index_last_update_timestamp: int
    index_last_update_phyoffset: int


@request(RequestCode.UNREGISTER_CLIENT, has_reply=True)
class UnregisterClient(Header):
    """This client leaves its groups."""

    client_id: str = wire("clientID")
    producer_group: str | None = None
    consumer_group: str | None = None


@request(RequestCode.GET_CONSUMER_LIST_BY_GROUP, has_reply=True)
class GetConsumerList(Header):
    """Who belongs to the group?"""

    consumer_group: str


@request(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED)
class NotifyConsumerIdsChanged(Header):
    """A broker tells its clients that a group's members changed: share out anew."""

    consumer_group: str


@request(RequestCode.HEART_BEAT)
class HeartBeat(Header):
    """A client lives; the body (`bodies.Heartbeat`) says what it is."""
