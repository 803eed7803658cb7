"""What the checks of simulated exercises try answers on: clusters in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.blocking import BlockingProducer
from rmqlab.client.routes import MASTER_ID
from rmqlab.client.sent import SendError
from rmqlab.namesrv.server import NameServer
from rmqlab.protocol.bodies import BrokerData
from rmqlab.protocol.message import Message
from rmqlab.sim.timeline import Stuck

TOPIC = "orders"


@contextmanager
def cluster_with_topic(topology: str, seed: int, **settings: str) -> Iterator[SimLab]:
    """Yield a cluster on whose masters there is a topic."""
    with SimLab.up(topology, settings=settings, seed=seed) as cluster:
        with cluster.admin() as admin:
            admin.create_topic(TOPIC, queues=4)
        yield cluster


def told_by(cluster: SimLab, name_server: str) -> list[str]:
    """Return the masters of the topic that a name server tells of; no time passes."""
    server = cluster.crew.node(name_server).server
    route = server.routes.route(TOPIC) if isinstance(server, NameServer) else None
    return masters(route.brokers if route else [])


def masters(brokers: Iterable[BrokerData]) -> list[str]:
    """Return the names of those that have a master, sorted."""
    return sorted(one.broker_name for one in brokers if MASTER_ID in one.broker_addrs)


def producer(cluster: SimLab, name: str, name_servers: str) -> BlockingProducer:
    """Return a producer that is a process of its own and knows these name servers."""
    return BlockingProducer(name, name_servers, driver=cluster.new_client(name))


def message(number: int, size: int = 1) -> Message:
    """Return one message; its key is its number."""
    return Message(TOPIC, b"x" * size, keys=f"{number}")


def passes_until(
    cluster: SimLab, is_so: Callable[[], bool], within_s: float
) -> float | None:
    """Return how many virtual seconds pass until it is so; None: it is not in time."""
    began_s = cluster.now_s
    try:
        cluster.run_until(is_so, within_s)
    except Stuck:
        return None
    return cluster.now_s - began_s


def steady(
    cluster: SimLab, sender: BlockingProducer, count: int, every_s: float, size: int = 1
) -> dict[str, float]:
    """Send messages at a pace; return when each acknowledged one was, by its key."""
    acknowledged = {}
    for number in range(count):
        due_s = cluster.now_s + every_s
        try:
            sender.send(message(number, size))
            acknowledged[f"{number}"] = cluster.now_s
        except SendError:
            pass
        cluster.run(max(0.0, due_s - cluster.now_s))
    return acknowledged


def keys_on_disks(cluster: SimLab) -> set[str]:
    """Return the keys of all messages that some running broker has in its log."""
    brokers = [node for node in cluster.crew.nodes.values() if node.broker]
    found = (cluster.messages_on_disk(node.name) for node in brokers)
    return {one.keys or "" for messages in found for one in messages}
