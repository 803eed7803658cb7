"""Headers that brokers and clients send a name server.

Source: RegisterBrokerRequestHeader.java, GetRouteInfoRequestHeader.java and their
neighbours, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.protocol.codes import RequestCode
from rmqlab.protocol.header import Header, header, request


@request(RequestCode.REGISTER_BROKER)
class RegisterBroker(Header):
    """A broker lives, and holds the topics of the body (`bodies.RegisterBody`).

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
