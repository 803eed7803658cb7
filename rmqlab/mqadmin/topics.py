"""topicList, topicRoute, topicStatus, topicClusterList: what topics there are, where.

Not here: what changes them (`topic_changes`).

Source: TopicListSubCommand.java, TopicRouteSubCommand.java,
TopicStatusSubCommand.java, TopicClusterSubCommand.java, release 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import Any

from rmqlab.client import groups
from rmqlab.client.admin import Admin, NoRoute
from rmqlab.mqadmin.command import Command, Flag, Row, Rows, Said
from rmqlab.mqadmin.times import moment
from rmqlab.protocol import fastjson
from rmqlab.protocol.bodies import TopicRoute
from rmqlab.protocol.message import DLQ_PREFIX, RETRY_PREFIX

OF_GROUPS = (RETRY_PREFIX, DLQ_PREFIX)
"""Topics that belong to a group begin so."""

STATUS = "%-32s  %-4s  %-20s  %-20s    %s"
CONSUMERS_TITLES = "%-20s  %-48s  %-48s"
CONSUMERS = "%-20s  %-64s  %-64s"
ROUTE = "%-45s %-32s %-50s %-10s %-11s %-5s"
RULE = "-" * 158


@dataclass(frozen=True, slots=True)
class Topic(Said):
    """A topic's name."""

    NAME = "topics"
    topic: str

    def __str__(self) -> str:
        """Return the name."""
        return self.topic


@dataclass(frozen=True, slots=True)
class TopicConsumer(Row):
    """A group that consumes a topic, or a topic that none consumes."""

    NAME = "topics"
    LINE = CONSUMERS
    HEADING = CONSUMERS_TITLES % ("#Cluster Name", "#Topic", "#Consumer Group")
    cluster: str
    topic: str
    group: str


async def topic_list(admin: Admin, flags: Namespace) -> Rows:
    """List all topics; by cluster with the groups that consume them."""
    for topic in sorted(await admin.topics()):
        if not flags.cluster_model:
            yield Topic(topic)
        elif not topic.startswith(OF_GROUPS):
            cluster, consumers = await _consumers(admin, topic)
            for group in consumers or [""]:
                yield TopicConsumer(cluster, topic, group)


async def _consumers(admin: Admin, topic: str) -> tuple[str, list[str]]:
    """Return a topic's cluster and groups; of one whose brokers are gone, none."""
    try:
        route = await admin.known_route(topic)
        return route.brokers[0].cluster, await groups.of_topic(admin, topic)
    except NoRoute:
        return "", []


@dataclass(frozen=True, slots=True)
class Route(Said):
    """A topic's route."""

    NAME = "route"
    route: TopicRoute

    def to_json(self) -> dict[str, Any]:
        """Return it as a name server has it, but with text as keys."""
        brokers = [
            {**one.to_json(), "brokerAddrs": _by_text(one.broker_addrs)}
            for one in self.route.brokers
        ]
        return {**self._found(), "brokerDatas": brokers}

    def __str__(self) -> str:
        """Return it as fastjson prints it, whose keys may be bare numbers."""
        return fastjson.dumps(self._found(), pretty=True)

    def _found(self) -> dict[str, Any]:
        found = self.route.to_json()
        for queues in found["queueDatas"]:
            del queues["topicSynFlag"]  # the same, in the spelling of 4.4
        return found


def _by_text(addresses: dict[int, str]) -> dict[str, str]:
    return {str(broker_id): one for broker_id, one in sorted(addresses.items())}


@dataclass(frozen=True, slots=True)
class BrokerQueues(Row):
    """How many queues of a topic one broker has."""

    NAME = "brokers"
    HEADING = ROUTE % (
        *("#ClusterName", "#BrokerName", "#BrokerAddrs"),
        *("#ReadQueue", "#WriteQueue", "#Perm"),
    )
    cluster: str
    broker: str
    addresses: dict[str, str]
    read_queues: int
    write_queues: int
    perm: int

    def __str__(self) -> str:
        """Return the line."""
        at = ", ".join(f"{number}={one}" for number, one in self.addresses.items())
        where = self.cluster, self.broker, f"{{{at}}}"
        return ROUTE % (*where, self.read_queues, self.write_queues, self.perm)


@dataclass(frozen=True, slots=True)
class AllQueues(Said):
    """How many queues a topic has on how many brokers."""

    NAME = "total"
    brokers: int
    read_queues: int
    write_queues: int

    def __str__(self) -> str:
        """Return a rule and the sums below it."""
        sums = ROUTE % (
            "Total:",
            self.brokers,
            "",
            self.read_queues,
            self.write_queues,
            "",
        )
        return f"{RULE}\n{sums}"


async def topic_route(admin: Admin, flags: Namespace) -> Rows:
    """Print a topic's route as JSON, or as a list."""
    route = await admin.known_route(flags.topic)
    if not flags.list:
        yield Route(route)
        return
    brokers = {one.broker_name: one for one in route.brokers}
    queues = sorted(route.queues, key=lambda one: one.broker_name)
    for one in queues:
        broker = brokers[one.broker_name]
        yield BrokerQueues(
            broker.cluster,
            one.broker_name,
            _by_text(broker.broker_addrs),
            one.read_queue_nums,
            one.write_queue_nums,
            one.perm,
        )
    read = sum(one.read_queue_nums for one in queues)
    yield AllQueues(len(brokers), read, sum(one.write_queue_nums for one in queues))


@dataclass(frozen=True, slots=True)
class QueueStatus(Row):
    """A queue's oldest and next offsets, and when its last message was stored."""

    NAME = "queues"
    HEADING = STATUS % (
        *("#Broker Name", "#QID", "#Min Offset", "#Max Offset"),
        "#Last Updated",
    )
    broker: str
    queue_id: int
    min_offset: int
    max_offset: int
    last_updated_ms: int

    def __str__(self) -> str:
        """Return the line; a queue that nothing was written to has no moment."""
        last = moment(self.last_updated_ms) if self.last_updated_ms > 0 else ""
        where = self.broker, self.queue_id
        return STATUS % (*where, self.min_offset, self.max_offset, last)


async def topic_status(admin: Admin, flags: Namespace) -> Rows:
    """Print the offsets of a topic's queues."""
    await admin.known_route(flags.topic)
    for queue, low, high, stored_ms in await admin.queue_stats(flags.topic):
        yield QueueStatus(queue.broker_name, queue.queue_id, low, high, stored_ms)


@dataclass(frozen=True, slots=True)
class Cluster(Said):
    """A cluster's name."""

    NAME = "clusters"
    cluster: str

    def __str__(self) -> str:
        """Return the name."""
        return self.cluster


async def topic_clusters(admin: Admin, flags: Namespace) -> Rows:
    """Print which clusters have a topic."""
    route = await admin.known_route(flags.topic)
    for cluster in sorted({one.cluster for one in route.brokers}):
        yield Cluster(cluster)


TOPIC = Flag("t", "topic", "topic name", is_required=True)

COMMANDS: dict[str, Command] = {
    "topicRoute": Command(
        "Examine topic route info",
        topic_route,
        Route,
        (TOPIC, Flag("l", "list", "Use list format to print data", kind=None)),
    ),
    "topicStatus": Command(
        "Examine topic Status info", topic_status, QueueStatus, (TOPIC,)
    ),
    "topicClusterList": Command(
        "get cluster info for topic", topic_clusters, Cluster, (TOPIC,)
    ),
    "topicList": Command(
        "Fetch all topic list from name server",
        topic_list,
        Topic,
        (Flag("c", "clusterModel", "clusterModel", kind=None),),
    ),
}
