"""The numbers of the protocol: requests, answers, languages, versions, flag bits.

Names are RocketMQ's own.  A request that is listed here need not be served: what a
broker serves is the table in `rmqlab.broker.dispatch`, what a name server serves is
the one in `rmqlab.namesrv.requests`.

Source: RequestCode.java, ResponseCode.java, LanguageCode.java, MQVersion.java,
MessageSysFlag.java, PullSysFlag.java, PermName.java, TopicSysFlag.java, release 4.9.7.
"""

from __future__ import annotations

from enum import IntEnum


class RequestCode(IntEnum):
    """What a frame asks for."""

    SEND_MESSAGE = 10
    PULL_MESSAGE = 11
    QUERY_MESSAGE = 12
    QUERY_CONSUMER_OFFSET = 14
    UPDATE_CONSUMER_OFFSET = 15
    UPDATE_AND_CREATE_TOPIC = 17
    GET_ALL_TOPIC_CONFIG = 21
    UPDATE_BROKER_CONFIG = 25
    GET_BROKER_CONFIG = 26
    GET_BROKER_RUNTIME_INFO = 28
    SEARCH_OFFSET_BY_TIMESTAMP = 29
    GET_MAX_OFFSET = 30
    GET_MIN_OFFSET = 31
    GET_EARLIEST_MSG_STORETIME = 32
    VIEW_MESSAGE_BY_ID = 33
    HEART_BEAT = 34
    UNREGISTER_CLIENT = 35
    CONSUMER_SEND_MSG_BACK = 36
    END_TRANSACTION = 37
    GET_CONSUMER_LIST_BY_GROUP = 38
    CHECK_TRANSACTION_STATE = 39
    NOTIFY_CONSUMER_IDS_CHANGED = 40
    LOCK_BATCH_MQ = 41
    UNLOCK_BATCH_MQ = 42
    GET_ALL_CONSUMER_OFFSET = 43
    GET_ALL_DELAY_OFFSET = 45
    CHECK_CLIENT_CONFIG = 46
    PUT_KV_CONFIG = 100
    GET_KV_CONFIG = 101
    DELETE_KV_CONFIG = 102
    REGISTER_BROKER = 103
    UNREGISTER_BROKER = 104
    GET_ROUTEINFO_BY_TOPIC = 105
    GET_BROKER_CLUSTER_INFO = 106
    UPDATE_AND_CREATE_SUBSCRIPTIONGROUP = 200
    GET_ALL_SUBSCRIPTIONGROUP_CONFIG = 201
    GET_TOPIC_STATS_INFO = 202
    GET_CONSUMER_CONNECTION_LIST = 203
    GET_PRODUCER_CONNECTION_LIST = 204
    WIPE_WRITE_PERM_OF_BROKER = 205
    GET_ALL_TOPIC_LIST_FROM_NAMESERVER = 206
    DELETE_SUBSCRIPTIONGROUP = 207
    GET_CONSUME_STATS = 208
    DELETE_TOPIC_IN_BROKER = 215
    DELETE_TOPIC_IN_NAMESRV = 216
    GET_KVLIST_BY_NAMESPACE = 219
    RESET_CONSUMER_CLIENT_OFFSET = 220
    GET_CONSUMER_STATUS_FROM_CLIENT = 221
    INVOKE_BROKER_TO_RESET_OFFSET = 222
    INVOKE_BROKER_TO_GET_CONSUMER_STATUS = 223
    GET_TOPICS_BY_CLUSTER = 224
    QUERY_TOPIC_CONSUME_BY_WHO = 300
    QUERY_CONSUME_TIME_SPAN = 303
    GET_SYSTEM_TOPIC_LIST_FROM_NS = 304
    GET_SYSTEM_TOPIC_LIST_FROM_BROKER = 305
    CLEAN_EXPIRED_CONSUMEQUEUE = 306
    GET_CONSUMER_RUNNING_INFO = 307
    QUERY_CORRECTION_OFFSET = 308
    CONSUME_MESSAGE_DIRECTLY = 309
    SEND_MESSAGE_V2 = 310
    GET_UNIT_TOPIC_LIST = 311
    GET_HAS_UNIT_SUB_TOPIC_LIST = 312
    GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST = 313
    CLONE_GROUP_OFFSET = 314
    VIEW_BROKER_STATS_DATA = 315
    CLEAN_UNUSED_TOPIC = 316
    GET_BROKER_CONSUME_STATS = 317
    UPDATE_NAMESRV_CONFIG = 318
    GET_NAMESRV_CONFIG = 319
    SEND_BATCH_MESSAGE = 320
    QUERY_CONSUME_QUEUE = 321
    QUERY_DATA_VERSION = 322
    RESUME_CHECK_HALF_MESSAGE = 323
    SEND_REPLY_MESSAGE = 324
    SEND_REPLY_MESSAGE_V2 = 325
    PUSH_REPLY_MESSAGE_TO_CLIENT = 326
    ADD_WRITE_PERM_OF_BROKER = 327
    GET_ALL_PRODUCER_INFO = 328
    DELETE_EXPIRED_COMMITLOG = 329


class ResponseCode(IntEnum):
    """What a frame answers."""

    SUCCESS = 0
    SYSTEM_ERROR = 1
    SYSTEM_BUSY = 2
    REQUEST_CODE_NOT_SUPPORTED = 3
    TRANSACTION_FAILED = 4
    FLUSH_DISK_TIMEOUT = 10
    SLAVE_NOT_AVAILABLE = 11
    FLUSH_SLAVE_TIMEOUT = 12
    MESSAGE_ILLEGAL = 13
    SERVICE_NOT_AVAILABLE = 14
    VERSION_NOT_SUPPORTED = 15
    NO_PERMISSION = 16
    TOPIC_NOT_EXIST = 17
    TOPIC_EXIST_ALREADY = 18
    PULL_NOT_FOUND = 19
    PULL_RETRY_IMMEDIATELY = 20
    PULL_OFFSET_MOVED = 21
    QUERY_NOT_FOUND = 22
    SUBSCRIPTION_PARSE_FAILED = 23
    SUBSCRIPTION_NOT_EXIST = 24
    SUBSCRIPTION_NOT_LATEST = 25
    SUBSCRIPTION_GROUP_NOT_EXIST = 26
    FILTER_DATA_NOT_EXIST = 27
    FILTER_DATA_NOT_LATEST = 28
    TRANSACTION_SHOULD_COMMIT = 200
    TRANSACTION_SHOULD_ROLLBACK = 201
    TRANSACTION_STATE_UNKNOW = 202
    TRANSACTION_STATE_GROUP_WRONG = 203
    NO_BUYER_ID = 204
    NOT_IN_CURRENT_UNIT = 205
    CONSUMER_NOT_ONLINE = 206
    CONSUME_MSG_TIMEOUT = 207
    NO_MESSAGE = 208


class Language(IntEnum):
    """Who wrote a frame."""

    JAVA = 0
    CPP = 1
    DOTNET = 2
    PYTHON = 3
    DELPHI = 4
    ERLANG = 5
    RUBY = 6
    OTHER = 7
    HTTP = 8
    GO = 9
    PHP = 10
    OMS = 11
    RUST = 12


class Version(IntEnum):
    """Releases whose number changes what a peer does."""

    V3_0_7_SNAPSHOT = 28
    V3_0_11 = 37
    V3_1_8_SNAPSHOT = 62
    V3_4_9 = 121
    V4_4_0 = 293
    V4_9_4 = 401
    V4_9_7 = 407


CURRENT_VERSION = Version.V4_9_7
"""The release whose behaviour this package has, told to every peer."""

_SPANS = (
    (212, 4, 0, 0, 10),
    (86, 3, 3, 1, 9),
    (46, 3, 1, 0, 10),
    (16, 3, 0, 1, 15),
)
"""From which number on: major, minor, first patch, and how many patches a minor has.

Each release has two numbers, the first of them its snapshot's.
"""
_HIGHEST_VERSION = 612


def version_text(number: int) -> str:
    """Return the release that a peer's version number stands for: 407 is ``V4_9_7``."""
    if number >= _HIGHEST_VERSION:
        return "HIGHER_VERSION"
    for first, major, first_minor, first_patch, patches in _SPANS:
        if number >= first:
            count, is_release = divmod(number - first, 2)
            minors, patch = divmod(count, patches)
            carry, minor = divmod(first_minor + minors, 10)
            release = f"V{major + carry}_{minor}_{first_patch + patch}"
            return release if is_release else f"{release}_SNAPSHOT"
    return "V3_0_0"


class SysFlag(IntEnum):
    """The `sysFlag` of a message.

    Bits, and yet no IntFlag, here and below: whose operators take ten times as long,
    and these are asked for with every message.
    """

    COMPRESSED = 1
    MULTI_TAGS = 2
    TRANSACTION_PREPARED = 4
    TRANSACTION_COMMIT = 8
    TRANSACTION_ROLLBACK = 12  # both bits: also the mask
    BORNHOST_V6 = 16
    STOREHOST_V6 = 32
    ZLIB = 3 << 8  # beside COMPRESSED; clients before 4.9.4 set no bit here and mean it


class PullSysFlag(IntEnum):
    """The `sysFlag` of a pull."""

    COMMIT_OFFSET = 1
    SUSPEND = 2
    SUBSCRIPTION = 4
    CLASS_FILTER = 8
    LITE_PULL = 16


class Permission(IntEnum):
    """What may be done with a topic; `INHERIT`: new ones may take its settings."""

    INHERIT = 1
    WRITE = 2
    READ = 4
    PRIORITY = 8


class TopicSysFlag(IntEnum):
    """The `topicSysFlag` of a topic: whether it is, or is subscribed to by, a unit's.

    A unit is one of several independent places of the same service.
    """

    UNIT = 1
    UNIT_SUB = 2


def permission_text(permission: int) -> str:
    """Return RocketMQ's three letters, such as ``RW-``."""
    bits = (Permission.READ, Permission.WRITE, Permission.INHERIT)
    return "".join(
        letter if permission & bit else "-"
        for letter, bit in zip("RWX", bits, strict=True)
    )


READ_WRITE = Permission.READ | Permission.WRITE

FAQ_SUFFIX = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."
"""RocketMQ ends many remarks with it, and some clients cut it off again."""
