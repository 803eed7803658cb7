"""Looks at a cluster from outside: by its own connections, and into the files.

Everything that a check may know goes through here, and nothing of it through the
learner's kernel.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.looking import StoreFiles
from rmqlab.classroom.runtime import NodeState
from rmqlab.classroom.traffic import ATTENTIVE
from rmqlab.client import routes
from rmqlab.client.admin import NoRoute, QueueStats
from rmqlab.client.blocking import BlockingAdmin
from rmqlab.errors import RemoteError, Unavailable
from rmqlab.protocol.bodies import ClusterInfo, TopicRoute
from rmqlab.protocol.message import MessageQueue, StoredMessage

ANSWERS = "answers"
"""Prefix of the topic into which an exercise's questions put what was answered."""


@dataclass(frozen=True)
class Place:
    """Where an exercise runs: a cluster's name, and the nonce of this run."""

    cluster: str
    nonce: str


class Witness:
    """One look at one run of an exercise."""

    def __init__(self, place: Place) -> None:
        self.nonce = place.nonce
        self.cluster = Cluster.attach(place.cluster)
        self._admin = BlockingAdmin(self.cluster.name_servers, ATTENTIVE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._admin.close()

    def topic(self, name: str) -> str:
        """Return a topic name that belongs to this run."""
        return f"{name}-{self.nonce}"

    def route(self, topic: str) -> TopicRoute | None:
        """Return a topic's route."""
        return self._admin.route(topic)

    def known_by_each(self, topic: str) -> dict[str, list[str]]:
        """Return on which brokers each name server says that a topic may be written."""
        known = {}
        for address in self.cluster.name_servers.split(";"):
            with BlockingAdmin(address, ATTENTIVE) as one:
                route = one.route(topic)
            queues = routes.writable_queues(topic, route) if route else []
            known[address] = sorted({queue.broker_name for queue in queues})
        return known

    def settings(self, broker: str) -> dict[str, str]:
        """Return the settings that a broker runs with, by RocketMQ's keys."""
        return self._admin.settings(self.cluster.node(broker).address)

    def brokers(self) -> ClusterInfo:
        """Return the brokers that a name server knows."""
        return self._admin.cluster()

    def queues(self, topic: str) -> list[QueueStats]:
        """Return the queues of a topic with their offsets."""
        return self._admin.queue_stats(topic)

    def messages(self, topic: str) -> list[StoredMessage]:
        """Return every message of a topic that some broker still serves."""
        found: list[StoredMessage] = []
        for queue, *_ in self.queues(topic):
            found += self._admin.messages(queue)
        return found

    def messages_by_key(self, topic: str, key: str) -> list[StoredMessage]:
        """Return the messages of a topic that are found by a key."""
        return self._admin.messages_by_key(topic, key)

    def answers(self) -> dict[str, Any]:
        """Return what was answered last to each question of this run."""
        answers: dict[str, Any] = {}
        if self.route(self.topic(ANSWERS)) is None:
            return answers
        for message in sorted(
            self.messages(self.topic(ANSWERS)), key=lambda one: one.store_timestamp
        ):
            answers |= json.loads(message.body)
        return answers

    def offsets(self, broker: str, group: str, topic: str) -> dict[int, int]:
        """Return how far a group has consumed a topic, as one broker knows it."""
        address = self.cluster.node(broker).address
        table = self._admin.consumer_offsets(address)
        return table.get(f"{topic}@{group}", {})

    def members(self, group: str) -> list[str]:
        """Return the client ids of a group, as a broker heard them; [] for nobody."""
        try:
            return [one.client_id for one in self._admin.members(group).connections]
        except (NoRoute, RemoteError):
            return []

    def shares(self, group: str, topic: str) -> dict[str, list[MessageQueue]]:
        """Return which queues of a topic each member says that it consumes."""
        if not self.members(group):
            return {}
        shares = self._admin.shares(group).items()
        return {
            member: [queue for queue in queues if queue.topic == topic]
            for member, queues in shares
        }

    def look(self, command: str, topic: str) -> str:
        """Return the mqadmin command that shows a topic to a learner."""
        return f"rmqlab admin {command} -t {topic} -n '{self.cluster.name_servers}'"

    def look_at_group(self, command: str, group: str) -> str:
        """Return the mqadmin command that shows a group to a learner."""
        return f"rmqlab admin {command} -g {group} -n '{self.cluster.name_servers}'"

    @property
    def look_at_nodes(self) -> str:
        """The command that shows the nodes to a learner."""
        return f"rmqlab status --name {self.cluster.name}"

    def node(self, name: str) -> NodeState:
        """Return a node's state."""
        return self.cluster.node(name)

    def log_bytes(self, node: str) -> bytes:
        """Return a broker's commit log as it lies on the disk, up to its end."""
        state = self.node(node)
        if state.log_end is None:
            raise Unavailable(f"{node} does not say where its log ends: is it running?")
        return StoreFiles.of(state).log(state.log_end)

    def logged(self, node: str) -> list[StoredMessage]:
        """Return every message in a broker's commit log, of whatever topic."""
        return list(StoreFiles.of(self.node(node)).messages())
