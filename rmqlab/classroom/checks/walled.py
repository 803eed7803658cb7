"""A day of a cluster whose hosts have firewalls: what fails in it, and who connected.

    rules ──► firewalls ──► start ──► a day ──► troubles, in words
                                          └───► used: each (from, to, port) there was

Its clients are on a machine of their own.  One of them is of 4.4.0, as delivered: it
asks a broker at its VIP port for all but messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from rmqlab.broker.ports import fast_address
from rmqlab.classroom.checks import bench
from rmqlab.classroom.raw import say
from rmqlab.classroom.runtime import NodeState
from rmqlab.classroom.simulated.crew import CLIENT_HOST
from rmqlab.classroom.simulated.lab import Rule, SimLab
from rmqlab.classroom.topology import Topology
from rmqlab.client.blocking import BlockingAdmin
from rmqlab.client.sent import SendStatus
from rmqlab.errors import RmqError
from rmqlab.namesrv.server import NameServer
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.message import Message, MessageQueue

SETTLE_S, FOLLOW_S, READ_S, ANSWER_S = 35.0, 25.0, 120.0, 5.0
SLAVE, NAMESRV = "SLAVE", "NAMESRV"

Troubles = Iterator[str]


class Day(NamedTuple):
    """What came of it."""

    troubles: list[str]
    used: set[Rule]


def day(chosen: Topology, rules: Iterable[Rule] | None, seed: int) -> Day:
    """Play it behind firewalls with these rules; None: without any."""
    with SimLab(chosen, chosen.name, seed) as cluster:
        used = _watched(cluster)
        cluster.firewall(rules)
        cluster.start()
        cluster.run(SETTLE_S)
        return Day([one for part in PARTS for one in part(cluster)], used)


def _watched(cluster: SimLab) -> set[Rule]:
    """Return a set that is going to have each connection between two hosts."""
    home = {node.name: node.host for node in cluster.status().nodes}
    used: set[Rule] = set()

    def connected(at_s: float, kind: str, facts: dict[str, Any]) -> None:
        if kind == "connected":
            source, target = (
                home.get(facts[end], CLIENT_HOST) for end in ("node", "peer")
            )
            used.update({(source, target, facts["port"])} if source != target else ())

    cluster.simulation.timeline.observers.append(connected)
    return used


# ── the day ───────────────────────────────────────────────────────────────────


def _registered(cluster: SimLab) -> Troubles:
    """Every name server has heard of every broker."""
    brokers = [one for one in cluster.status().nodes if one.role != NAMESRV]
    for name_server in _of(cluster, NAMESRV):
        server = cluster.crew.node(name_server.name).server
        assert isinstance(server, NameServer)
        known = server.routes.cluster().brokers.values()
        there = {address for one in known for address in one.broker_addrs.values()}
        for broker in brokers:
            if broker.address not in there:
                yield f"{name_server.name} has never heard of {broker.name}"


def _told(cluster: SimLab) -> Troubles:
    """A client that has but one name server left is told where the brokers are."""
    for one in _of(cluster, NAMESRV):
        driver = cluster.new_client(f"asks {one.name}")
        with BlockingAdmin(one.address, driver=driver) as admin:
            try:
                admin.cluster()
            except RmqError:
                yield f"a client that has only {one.name} left is told nothing"


def _sent(cluster: SimLab) -> Troubles:
    """An order to each master is SEND_OK."""
    for master in _masters(cluster):
        queue = MessageQueue(bench.TOPIC, master.broker_name, 0)
        order = Message(bench.TOPIC, master.broker_name.encode())
        outcome = "there is nobody to be asked"
        with suppress(RmqError), cluster.admin() as admin:
            admin.create_topic(bench.TOPIC, 1, broker_name=master.broker_name)
        with bench.producer(cluster, "shop", cluster.name_servers) as producer:
            try:
                outcome = producer.send(order, queue).status.name
            except RmqError as error:
                outcome = f"{error}"
        if outcome != SendStatus.SEND_OK.name:
            yield f"an order to {master.name}: {outcome}"


def _consumed(cluster: SimLab) -> Troubles:
    """All orders are consumed."""
    for missing in _unread(cluster, "books"):
        yield f"an order on {missing} is not consumed"


def _followed(cluster: SimLab) -> Troubles:
    """Each slave has its master's topics, and knows how far groups have come."""
    cluster.run(FOLLOW_S)
    for slave in _of(cluster, SLAVE):
        broker = cluster.crew.node(slave.name).broker
        assert broker is not None
        if broker.memory.topics.get(bench.TOPIC) is None:
            yield f"{slave.name} does not know the topic {bench.TOPIC} of its master"
        if not broker.memory.offsets.of("books", bench.TOPIC):
            yield f"{slave.name} does not know how far its master's groups have come"


def _served_of_old(cluster: SimLab) -> Troubles:
    """The client of 4.4.0 is answered by each master."""
    return _at_vip_ports(cluster, _masters(cluster))


def _outlived(cluster: SimLab) -> Troubles:
    """Where a master has died, its slave serves old and new clients."""
    slaves = _of(cluster, SLAVE)
    for master in _masters(cluster) if slaves else []:
        cluster.kill(master.name)
    for missing in _unread(cluster, "audit") if slaves else []:
        yield f"while {missing} is dead, its orders are not read from its slave"
    yield from _at_vip_ports(cluster, slaves)


PARTS: list[Callable[[SimLab], Troubles]] = [
    _registered,
    _told,
    _sent,
    _consumed,
    _followed,
    _served_of_old,
    _outlived,
]


def _of(cluster: SimLab, role: str) -> list[NodeState]:
    return [one for one in cluster.status().nodes if one.role == role]


def _masters(cluster: SimLab) -> list[NodeState]:
    nodes = cluster.status().nodes
    return [one for one in nodes if one.role not in (NAMESRV, SLAVE)]


def _unread(cluster: SimLab, group: str) -> list[str]:
    """Return the masters of which a new group is not given the order."""
    wanted = {one.broker_name for one in _masters(cluster)}
    got: set[str] = set()
    with (
        suppress(RmqError),
        cluster.consumer(bench.TOPIC, lambda one: got.add(one.body.decode()), group),
    ):
        bench.passes_until(cluster, lambda: got == wanted, READ_S)
    return sorted(wanted - got)


def _at_vip_ports(cluster: SimLab, brokers: Iterable[NodeState]) -> Troubles:
    """Ask something that 4.4.0's client asks at the VIP port, as its route says it."""
    where = {"topic": bench.TOPIC, "queueId": "0"}
    asked = Frame(RequestCode.GET_MAX_OFFSET, where, opaque=1).to_bytes()
    for broker in brokers:
        codes: list[int] = []
        with suppress(OSError):
            to = fast_address(broker.address)
            reply = cluster.complete(say(to, asked, ANSWER_S))
            codes = [one.code for one in reply.frames]
        if codes != [ResponseCode.SUCCESS]:
            yield f"a client of 4.4.0 gets no answer from {broker.name}"
