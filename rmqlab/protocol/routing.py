"""Headers that brokers, clients and operators send a name server.

Source: RegisterBrokerRequestHeader.java, GetRouteInfoRequestHeader.java,
PutKVConfigRequestHeader.java and their neighbours, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.protocol.codes import RequestCode
from rmqlab.protocol.header import Header, header, request


@request(RequestCode.REGISTER_BROKER)
class RegisterBroker(Header):
    """A broker lives, and holds the topics of the body (see `registration`).

    `body_crc32` is CRC-32 of the body without its top bit; 0 leaves it unchecked.
    """

    broker_name: str
    broker_addr: str
    cluster_name: str
    ha_server_addr: str
    broker_id: int
    compressed: bool = False
    body_crc32: int = 0


@header
class RegisterReply(Header):
    """What a slave needs to know of its master; nothing for a master."""

    ha_server_addr: str | None = None
    master_addr: str | None = None


@request(RequestCode.UNREGISTER_BROKER)
class UnregisterBroker(Header):
    """A broker says goodbye."""

    broker_name: str
    broker_addr: str
    cluster_name: str
    broker_id: int


@request(RequestCode.GET_ROUTEINFO_BY_TOPIC)
class GetRoute(Header):
    """Which brokers hold the topic, with how many queues each?"""

    topic: str
    accept_standard_json_only: bool | None = None


@request(RequestCode.GET_BROKER_CLUSTER_INFO)
class GetClusterInfo(Header):
    """Which brokers live, in which clusters?"""


@request(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
class GetTopicList(Header):
    """Which topics are there?"""


@request(RequestCode.QUERY_DATA_VERSION)
class QueryDataVersion(Header):
    """Are my topics still those of the body's version?"""

    broker_name: str
    broker_addr: str
    cluster_name: str
    broker_id: int


@header
class DataVersionReply(Header):
    """Whether a broker must register again; the body is the version last told."""

    changed: bool


@request(RequestCode.WIPE_WRITE_PERM_OF_BROKER)
class WipeWritePermission(Header):
    """Let nobody write to this broker; it holds until its topics change."""

    broker_name: str


@header
class WipeReply(Header):
    """Of how many topics the permission was taken."""

    wipe_topic_count: int


@request(RequestCode.ADD_WRITE_PERM_OF_BROKER)
class AddWritePermission(Header):
    """Let everybody read and write on this broker again."""

    broker_name: str


@header
class AddReply(Header):
    """To how many topics the permission was given."""

    add_topic_count: int


@request(RequestCode.DELETE_TOPIC_IN_NAMESRV)
class DeleteTopicInNamesrv(Header):
    """Forget the topic, or only what one cluster's brokers hold of it."""

    topic: str
    cluster_name: str | None = None


@request(RequestCode.GET_TOPICS_BY_CLUSTER)
class GetTopicsByCluster(Header):
    """Which topics have queues on the cluster's brokers?"""

    cluster: str


@request(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS)
class GetSystemTopics(Header):
    """Which topics are named after a cluster or a broker?"""


@request(RequestCode.GET_UNIT_TOPIC_LIST)
class GetUnitTopics(Header):
    """Which topics belong to a unit?"""


@request(RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST)
class GetUnitSubTopics(Header):
    """Which topics do units subscribe to?"""


@request(RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST)
class GetUnitSubUnunitTopics(Header):
    """Which topics do units subscribe to that belong to none?"""


@request(RequestCode.PUT_KV_CONFIG)
class PutKvConfig(Header):
    """Keep a value under a key of a namespace."""

    namespace: str
    key: str
    value: str


@request(RequestCode.GET_KV_CONFIG)
class GetKvConfig(Header):
    """Give me the value."""

    namespace: str
    key: str


@header
class KvReply(Header):
    """The value."""

    value: str


@request(RequestCode.DELETE_KV_CONFIG)
class DeleteKvConfig(Header):
    """Keep it no longer."""

    namespace: str
    key: str


@request(RequestCode.GET_KVLIST_BY_NAMESPACE)
class GetKvList(Header):
    """Give me all keys of a namespace with their values."""

    namespace: str


@request(RequestCode.UPDATE_NAMESRV_CONFIG)
class UpdateNamesrvConfig(Header):
    """Change settings; the body is `.properties` text."""


@request(RequestCode.GET_NAMESRV_CONFIG)
class GetNamesrvConfig(Header):
    """Give me your settings as `.properties` text."""
