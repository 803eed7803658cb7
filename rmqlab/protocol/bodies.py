"""The JSON bodies: what does not fit a header, as dataclasses.

Each class names its fields as RocketMQ does, in Python's spelling; `to_json` and
`from_json` translate.  What a peer adds beyond them is ignored.

Source: TopicRouteData.java, ClusterInfo.java, HeartbeatData.java, TopicConfig.java,
RegisterBrokerBody.java and their neighbours, release 4.9.7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Self, get_origin, get_type_hints

from rmqlab.errors import WireError
from rmqlab.names import camel_case
from rmqlab.protocol import fastjson
from rmqlab.protocol.codes import READ_WRITE, permission_text
from rmqlab.protocol.message import MessageQueue

NUMBER = re.compile(r"-?[0-9]{1,19}")
"""A Java long in decimal; fastjson reads it from text, too."""
NUMBERS = list[int]


@dataclass(slots=True)
class Body:
    """Base of the bodies whose fields are plain values."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object, keys in alphabetical order as fastjson has them."""
        names = _names(type(self))  # type: ignore[arg-type]
        return {key: getattr(self, name) for key, name in names}

    @classmethod
    def from_json(cls, found: Any) -> Self:
        """Return the body that a JSON object spells.

        Raises:
            WireError: it is no object, or a field is missing or of another kind.
        """
        values = {}
        for name, kind in _kinds(cls).items():  # type: ignore[arg-type]
            key = camel_case(name)
            value = found.get(key) if isinstance(found, dict) else None
            if value is not None:
                values[name] = _member(found, key, kind)
        try:
            return cls(**values)
        except TypeError as error:
            raise WireError(f"no {cls.__name__}: {found!r} ({error})") from error


@cache
def _names(cls: type) -> tuple[tuple[str, str], ...]:
    """Return each field's name there and here, in the order in which they travel."""
    own = fields(cls)
    return tuple(sorted((camel_case(one.name), one.name) for one in own))


@cache
def _kinds(cls: type) -> dict[str, type]:
    """Return each field's type; of a list only that it is one, or one of numbers."""
    hints = get_type_hints(cls).items()
    return {
        name: hint if hint == NUMBERS else get_origin(hint) or hint
        for name, hint in hints
    }


@dataclass(slots=True)
class DataVersion(Body):
    """Which state of a table this is; equal only when both numbers are."""

    counter: int = 0
    timestamp: int = 0

    def next(self, now_ms: int) -> DataVersion:
        """Return the version after a change at `now_ms`."""
        return DataVersion(self.counter + 1, now_ms)


@dataclass(slots=True)
class TopicConfig(Body):
    """The settings of one topic on one broker."""

    topic_name: str
    read_queue_nums: int = 16
    write_queue_nums: int = 16
    perm: int = READ_WRITE
    topic_filter_type: str = "SINGLE_TAG"
    topic_sys_flag: int = 0
    order: bool = False

    def __str__(self) -> str:
        """As Java prints it, in refusals and by `mqadmin updateTopic`."""
        return (
            f"TopicConfig [topicName={self.topic_name}, "
            f"readQueueNums={self.read_queue_nums}, "
            f"writeQueueNums={self.write_queue_nums}, "
            f"perm={permission_text(self.perm)}, "
            f"topicFilterType={self.topic_filter_type}, "
            f"topicSysFlag={self.topic_sys_flag}, order={str(self.order).lower()}]"
        )


@dataclass(slots=True)
class TopicTable:
    """All topics of a broker: topics.json, and a registration's content."""

    data_version: DataVersion = field(default_factory=DataVersion)
    topics: dict[str, TopicConfig] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "dataVersion": self.data_version.to_json(),
            "topicConfigTable": {k: v.to_json() for k, v in self.topics.items()},
        }

    @classmethod
    def from_json(cls, found: Any) -> Self:
        """Return the table; see `Body.from_json`."""
        version = DataVersion.from_json(_member(found, "dataVersion", dict))
        table = _member(found, "topicConfigTable", dict)
        return cls(version, {k: TopicConfig.from_json(v) for k, v in table.items()})


@dataclass(slots=True)
class GroupConfig(Body):
    """The settings of one consumer group on one broker."""

    group_name: str
    consume_enable: bool = True
    consume_from_min_enable: bool = True
    consume_broadcast_enable: bool = True
    retry_queue_nums: int = 1
    retry_max_times: int = 16
    broker_id: int = 0
    which_broker_when_consume_slowly: int = 1
    notify_consumer_ids_changed_enable: bool = True


@dataclass(slots=True)
class QueueData(Body):
    """How many queues of a topic one broker has."""

    broker_name: str
    read_queue_nums: int
    write_queue_nums: int
    perm: int
    topic_sys_flag: int = 0

    @classmethod
    def of(cls, broker_name: str, topic: TopicConfig) -> Self:
        """Return what a name server keeps of a topic that a broker registers."""
        return cls(
            broker_name,
            topic.read_queue_nums,
            topic.write_queue_nums,
            topic.perm,
            topic.topic_sys_flag,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object, the last field in 4.4's spelling and in 4.9's."""
        both = Body.to_json(self) | {"topicSynFlag": self.topic_sys_flag}
        return dict(sorted(both.items()))


@dataclass(slots=True)
class BrokerData:
    """A master and its slaves: one broker name, an address for each id."""

    cluster: str
    broker_name: str
    broker_addrs: dict[int, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object; the ids are bare numbers."""
        return {
            "brokerAddrs": dict(sorted(self.broker_addrs.items())),
            "brokerName": self.broker_name,
            "cluster": self.cluster,
        }

    @classmethod
    def from_json(cls, found: Any) -> Self:
        """Return the pair; see `Body.from_json`."""
        return cls(
            cluster=_member(found, "cluster", str),
            broker_name=_member(found, "brokerName", str),
            broker_addrs=_by_number(_member(found, "brokerAddrs", dict)),
        )


@dataclass(slots=True)
class TopicRoute:
    """Where a topic lives: queues by broker name, addresses by broker name."""

    queues: list[QueueData] = field(default_factory=list)
    brokers: list[BrokerData] = field(default_factory=list)
    order: str | None = None
    """The queues to be written to, ``broker-a:4;broker-b:4``, if they are fixed."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        fixed = {} if self.order is None else {"orderTopicConf": self.order}
        return {
            "brokerDatas": [one.to_json() for one in self.brokers],
            "filterServerTable": {},
            **fixed,
            "queueDatas": [one.to_json() for one in self.queues],
        }

    @classmethod
    def from_json(cls, found: Any) -> Self:
        """Return the route; see `Body.from_json`."""
        queues = _member(found, "queueDatas", list)
        brokers = _member(found, "brokerDatas", list)
        return cls(
            [QueueData.from_json(one) for one in queues],
            [BrokerData.from_json(one) for one in brokers],
            found.get("orderTopicConf"),
        )


@dataclass(slots=True)
class ClusterInfo:
    """Which brokers a name server knows, and to which clusters they belong."""

    brokers: dict[str, BrokerData] = field(default_factory=dict)
    clusters: dict[str, list[str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "brokerAddrTable": {k: v.to_json() for k, v in self.brokers.items()},
            "clusterAddrTable": self.clusters,
        }

    @classmethod
    def from_json(cls, found: Any) -> Self:
        """Return the table; see `Body.from_json`."""
        brokers = _member(found, "brokerAddrTable", dict)
        return cls(
            {k: BrokerData.from_json(v) for k, v in brokers.items()},
            _member(found, "clusterAddrTable", dict),
        )


def queue_key(queue: MessageQueue) -> fastjson.Key:
    """Return a queue as the key of a table."""
    names = ("brokerName", queue.broker_name), ("queueId", queue.queue_id)
    return fastjson.Key((*names, ("topic", queue.topic)))


def queue_of(key: fastjson.Key) -> MessageQueue:
    """Return the queue that a table's key is.

    Raises:
        WireError: it is none.
    """
    found = key.as_dict()
    return MessageQueue(
        _member(found, "topic", str),
        _member(found, "brokerName", str),
        _member(found, "queueId", int),
    )


def encode(found: Any) -> bytes:
    """Return a JSON value as fastjson writes it on the wire."""
    return fastjson.dumps(found).encode()


def with_permission(topic: TopicConfig, permission: int) -> TopicConfig:
    """Return the settings with another permission."""
    return replace(topic, perm=permission)


def _member(found: Any, key: str, kind: type) -> Any:
    """Return a member; numbers may be spelled as text, as C++ and Go clients do."""
    value = found.get(key) if isinstance(found, dict) else None
    if kind == NUMBERS:
        return [_member({key: one}, key, int) for one in _member(found, key, list)]
    if kind is int and isinstance(value, str) and NUMBER.fullmatch(value):
        return int(value)
    if not isinstance(value, kind):
        raise WireError(f"{key} is {value!r}, expected {kind.__name__} in {found!r}")
    return value


def _by_number(found: dict[Any, str]) -> dict[int, str]:
    try:
        return {int(key): value for key, value in found.items()}
    except (ValueError, TypeError) as error:
        raise WireError(f"a key of {found!r} is no number") from error
