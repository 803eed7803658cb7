"""Who is alive and which queues they hold: the name server's whole memory.

    topic ──► broker name ──► QueueData           told by masters only
    broker name ──► id ──► address                 0 is the master
    address ──► last heard, connection, HA address

A broker name without an address is gone, and its queues with it.  A broker name whose
master is gone keeps them: consumers may read from a slave, and producers see no id 0.

Source: RouteInfoManager.java, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from rmqlab.protocol.bodies import (
    BrokerData,
    ClusterInfo,
    DataVersion,
    QueueData,
    TopicRoute,
    TopicTable,
)
from rmqlab.protocol.codes import READ_WRITE, Permission
from rmqlab.protocol.routing import RegisterBroker, RegisterReply

SILENCE_MS = 120_000
"""Source: RouteInfoManager.BROKER_CHANNEL_EXPIRED_TIME."""
MASTER_ID = 0


@dataclass(slots=True)
class LiveBroker:
    """One broker that was heard from, by which connection, and what it last told."""

    heard_ms: int
    connection: Hashable
    ha_address: str
    version: DataVersion


class RouteTable:
    """The tables; every verb is given the time."""

    def __init__(self) -> None:
        self._queues: dict[str, dict[str, QueueData]] = {}
        self._brokers: dict[str, BrokerData] = {}
        self._live: dict[str, LiveBroker] = {}

    def register(
        self,
        broker: RegisterBroker,
        table: TopicTable,
        connection: Hashable,
        now_ms: int,
    ) -> RegisterReply:
        """Remember a broker and, if it is a master, its topics.

        Topics that it no longer mentions stay, as in RocketMQ.
        """
        name, address = broker.broker_name, broker.broker_addr
        data = self._brokers.setdefault(name, BrokerData(broker.cluster_name, name))
        for broker_id, known in list(data.broker_addrs.items()):
            if known == address and broker_id != broker.broker_id:
                del data.broker_addrs[broker_id]  # it changed its role
        is_new = broker.broker_id not in data.broker_addrs
        data.broker_addrs[broker.broker_id] = address
        is_changed = is_new or self.version(address) != table.data_version
        if broker.broker_id == MASTER_ID and is_changed:
            for topic in table.topics.values():
                queues = self._queues.setdefault(topic.topic_name, {})
                queues[name] = QueueData.of(name, topic)
        self._live[address] = LiveBroker(
            now_ms, connection, broker.ha_server_addr, table.data_version
        )
        return self._reply(broker, data)

    def _reply(self, broker: RegisterBroker, data: BrokerData) -> RegisterReply:
        master = data.broker_addrs.get(MASTER_ID)
        live = self._live.get(master) if master else None
        if broker.broker_id == MASTER_ID or live is None:
            return RegisterReply()
        return RegisterReply(live.ha_address, master)

    def version(self, address: str) -> DataVersion | None:
        """Return which state of its topics a broker last told; None for none."""
        live = self._live.get(address)
        return live.version if live else None

    def is_as_told(self, address: str, version: DataVersion, now_ms: int) -> bool:
        """Return whether a broker's topics are those of `version`; if so, it lives."""
        live = self._live.get(address)
        if live is None or live.version != version:
            return False
        live.heard_ms = now_ms
        return True

    def unregister(self, broker_name: str, broker_id: int, address: str) -> None:
        """Forget a broker that says goodbye."""
        self._live.pop(address, None)
        data = self._brokers.get(broker_name)
        if data and broker_id in data.broker_addrs:
            self._drop(broker_name, data.broker_addrs[broker_id])

    def expire(self, now_ms: int) -> list[str]:
        """Forget the brokers not heard from for two minutes; return their addresses."""
        oldest = now_ms - SILENCE_MS
        silent = [at for at, live in self._live.items() if live.heard_ms < oldest]
        for address in silent:
            self._forget(address)
        return silent

    def hung_up(self, connection: Hashable) -> list[str]:
        """Forget the brokers of a connection that ended; return their addresses."""
        gone = [at for at, live in self._live.items() if live.connection is connection]
        for address in gone:
            self._forget(address)
        return gone

    def _forget(self, address: str) -> None:
        del self._live[address]
        for name, data in list(self._brokers.items()):
            if address in data.broker_addrs.values():
                self._drop(name, address)

    def _drop(self, name: str, address: str) -> None:
        data = self._brokers.get(name)
        if data is None:
            return
        for broker_id, known in list(data.broker_addrs.items()):
            if known == address:
                del data.broker_addrs[broker_id]
        if data.broker_addrs:
            return
        del self._brokers[name]
        for topic, queues in list(self._queues.items()):
            queues.pop(name, None)
            if not queues:
                del self._queues[topic]

    def route(self, topic: str) -> TopicRoute | None:
        """Return where a topic lives; None where it lives nowhere."""
        queues = self._queues.get(topic, {})
        brokers = [self._brokers[name] for name in queues if name in self._brokers]
        return TopicRoute(list(queues.values()), brokers) if brokers else None

    def topics(self, cluster: str | None = None) -> list[str]:
        """Return the names of all topics, or of those on a cluster's brokers."""
        if cluster is None:
            return list(self._queues)
        own = self._names(cluster)
        return [topic for topic, queues in self._queues.items() if own & queues.keys()]

    def unit_topics(self, flags: int, mask: int) -> list[str]:
        """Return the topics whose `topicSysFlag`, as far as `mask` goes, is `flags`.

        As in RocketMQ one broker speaks for all: the first that told of the topic.
        """
        firsts = {topic: next(iter(all_)) for topic, all_ in self._queues.items()}
        return [
            topic
            for topic, name in firsts.items()
            if self._queues[topic][name].topic_sys_flag & mask == flags
        ]

    def system_topics(self) -> tuple[list[str], str | None]:
        """Return the names of clusters and brokers, and some broker's address."""
        names: dict[str, None] = {}
        for cluster, brokers in self.cluster().clusters.items():
            names |= dict.fromkeys([cluster, *brokers])
        addresses = (one.broker_addrs for one in self._brokers.values())
        return list(names), next((next(iter(one.values())) for one in addresses), None)

    def delete_topic(self, topic: str, cluster: str | None = None) -> None:
        """Forget a topic, or what a cluster's brokers hold of it.

        It is back once one of its masters registers another version.
        """
        queues = self._queues.get(topic, {})
        for name in list(queues):
            if cluster is None or name in self._names(cluster):
                del queues[name]
        if not queues:
            self._queues.pop(topic, None)

    def set_writable(self, broker_name: str, *, writable: bool) -> int:
        """Give or take the permission to write; return of how many topics.

        Source: RouteInfoManager.operateWritePermOfBroker.
        """
        found = [
            queues[broker_name]
            for queues in self._queues.values()
            if broker_name in queues
        ]
        for one in found:
            one.perm = READ_WRITE if writable else one.perm & ~Permission.WRITE
        return len(found)

    def _names(self, cluster: str) -> set[str]:
        return {n for n, data in self._brokers.items() if data.cluster == cluster}

    def cluster(self) -> ClusterInfo:
        """Return all brokers, and the clusters that they belong to."""
        clusters: dict[str, list[str]] = {}
        for data in self._brokers.values():
            clusters.setdefault(data.cluster, []).append(data.broker_name)
        return ClusterInfo(dict(self._brokers), clusters)
