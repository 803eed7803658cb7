"""Exercise 02: a broker whose address nobody reaches."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC
from itertools import count
from random import Random

from rmqlab.classroom import topology
from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.grading.trial import VISIBLE_SEED, Trial
from rmqlab.classroom.raw import Reply, say
from rmqlab.classroom.simulated.cluster import SimDriver
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.classroom.topology import Node
from rmqlab.client.blocking import BlockingProducer
from rmqlab.client.place import Place
from rmqlab.client.routes import MASTER_ID
from rmqlab.client.sent import SendError, SendStatus
from rmqlab.errors import WireError
from rmqlab.ha.session import PIECE, REPORT
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.message import Message, MessageQueue

EXERCISE = Exercise("02_fix_wrong_address", topology="2m-2s-sync", runtime="sim")

MASTER, SLAVE, OTHER = "broker-a", "broker-a-s", "broker-b"
WRONG = "172.17.0.1"
"""docker0's address on host 1: every machine with Docker has one like it."""
KEYS = ("brokerIP1", "brokerIP2")
ADDRESS = re.compile(r"[\w.-]+")
PORTS = ("client", "old client", "slave")
SENDERS = ("host1", "host2", "client")
ADDRESSES = ("127.0.0.1", "192.168.157.128", "192.168.157.129")
ORDERS, SETTLE_S, ANSWER_S = 20, 60.0, 10.0
LISTEN_PORTS = range(20_000, 30_000, 10)


def _node() -> Node:
    """Return broker-a as it is when nothing is wrong."""
    nodes = topology.load(EXERCISE.topology).nodes
    return next(one for one in nodes if one.name == MASTER)


def file_of(settings: dict[str, str]) -> str:
    """Return broker-a's file with these settings."""
    text = _node().text or ""
    for key in settings:
        text = re.sub(rf"^{re.escape(key)}=.*\n", "", text, flags=re.MULTILINE)
    return text + "".join(f"{key}={value}\n" for key, value in settings.items())


GIVEN = file_of(dict.fromkeys(KEYS, WRONG))
"""The file as it was found."""


def found() -> SimLab:
    """Return the cluster as it was found, to be looked into."""
    return started(dict.fromkeys(KEYS, WRONG), VISIBLE_SEED)


def started(settings: dict[str, str], seed: int) -> SimLab:
    """Return the cluster a minute after broker-a's start with these settings."""
    cluster = SimLab.up(EXERCISE.topology, name=EXERCISE.id, seed=seed)
    with cluster.admin() as admin:
        admin.create_topic(bench.TOPIC, queues=4)
    cluster.configure(MASTER, file_of(settings))
    cluster.restart(MASTER)
    cluster.run(SETTLE_S)
    return cluster


def order(cluster: SimLab, sender: str, body: str) -> str:
    """Send an order to broker-a from a machine; return what its sender is told."""
    process = cluster.crew.machine(sender).process("sender")
    place = Place(process.clock, process.random, sender, 1, count(), UTC)
    driver = SimDriver(cluster, process, place)
    queue = MessageQueue(bench.TOPIC, MASTER, 0)
    with BlockingProducer(sender, cluster.name_servers, driver=driver) as producer:
        try:
            sent = producer.send(Message(bench.TOPIC, body.encode()), queue)
        except SendError as error:
            return str(error)
    return sent.status.name


# ── ports ─────────────────────────────────────────────────────────────────────


def who_is_served(cluster: SimLab, port: int) -> str:
    """Return which of the three is served at a port of broker-a's machine."""
    where = {"topic": bench.TOPIC, "queueId": "0"}
    asked = Frame(RequestCode.GET_MAX_OFFSET, where, opaque=1).to_bytes()
    asked += Frame(RequestCode.PULL_MESSAGE, opaque=2).to_bytes()
    codes = {one.opaque: one.code for one in _frames(_said(cluster, port, asked))}
    if codes.get(1) == ResponseCode.SUCCESS:
        is_fast = codes.get(2) == ResponseCode.REQUEST_CODE_NOT_SUPPORTED
        return "old client" if is_fast else "client"
    copied = _said(cluster, port, REPORT.pack(0))
    return "slave" if copied and len(copied.data) >= PIECE.size else "nobody"


def _said(cluster: SimLab, port: int, data: bytes) -> Reply | None:
    """Return what is answered at a port of broker-a's machine; None: nobody listens."""
    host = cluster.node(MASTER).address.partition(":")[0]
    with contextlib.suppress(OSError):
        return cluster.complete(say(f"{host}:{port}", data, ANSWER_S))
    return None


def _frames(reply: Reply | None) -> list[Frame]:
    with contextlib.suppress(WireError):
        return reply.frames if reply else []
    return []


@EXERCISE.check(points=3)
def the_ports_are_known(see: Trial) -> None:
    """You know to which ports a client, an old client and a slave connect."""
    ports = see.answer("ports", dict, f"a dictionary: {', '.join(PORTS)} → number")
    listen_port = Random(see.seed).choice(LISTEN_PORTS)  # noqa: S311
    settings = {"brokerIP1": _node().host.address, "listenPort": f"{listen_port}"}
    with started(settings, see.seed) as cluster:
        for who in PORTS:
            by = ports.get(who)
            served = "nobody"
            if isinstance(by, int) and abs(by) < listen_port:
                served = who_is_served(cluster, listen_port + by)
            if served != who:
                fail(
                    expected=f"ports[{who!r}]: where a broker with listenPort="
                    f"{listen_port} serves the {who}",
                    found=f"{by!r}: there it serves {served}",
                    why="a broker listens on three ports, and its file names one; a "
                    "firewall that lets only that one through stops the other two",
                    next_step="look at the port in the old client's complaint, and in "
                    "lab 02 at what it says of firewalls",
                    reproduce=see.reproduce,
                )


# ── mending ───────────────────────────────────────────────────────────────────


@EXERCISE.check(points=4)
def orders_get_through(see: Trial) -> None:
    """With your settings every order comes to broker-a, and to its slave."""
    settings = _settings(see)
    with started(settings, see.seed) as cluster:
        nonce = Random(see.seed).randrange(1 << 30)  # noqa: S311
        bodies = [f"{nonce}-{number}" for number in range(ORDERS)]
        for number, body in enumerate(bodies):
            told = order(cluster, SENDERS[number % len(SENDERS)], body)
            if told != SendStatus.SEND_OK.name:
                _fail_mending(see, f"{told[:150]} ({SENDERS[number % len(SENDERS)]})")
        if missing := set(bodies) - _orders_on(cluster, MASTER):
            _fail_mending(
                see, f"SEND_OK, and {len(missing)} of {ORDERS} orders not on {MASTER}"
            )
        if set(bodies) - _orders_on(cluster, SLAVE):
            _fail_mending(see, f"{SLAVE} has not all of them")
        old = _told_at_fast_port(cluster)
        if old != ResponseCode.SUCCESS:
            _fail_mending(see, f"an old client is told {old}")


def _settings(see: Trial) -> dict[str, str]:
    settings = see.answer("settings", dict, f"a dictionary with {' and '.join(KEYS)}")
    foreign = [
        f"{key}={value}"
        for key, value in settings.items()
        if key not in KEYS or not ADDRESS.fullmatch(str(value))
    ]
    if foreign:
        fail(
            expected=f"settings: addresses for {' and '.join(KEYS)}, nothing else",
            found=", ".join(foreign)[:100],
            why="who mends one thing and changes another has two things to explain",
            next_step="leave the rest of the file as it is",
            reproduce=see.reproduce,
        )
    return dict.fromkeys(KEYS, WRONG) | {key: str(settings[key]) for key in settings}


def _orders_on(cluster: SimLab, node: str) -> set[str]:
    return {one.body.decode() for one in cluster.messages_on_disk(node)}


def _told_at_fast_port(cluster: SimLab) -> int | str:
    """Return what a client of 4.4's kind is told, which takes two off the port."""
    with cluster.admin() as admin:
        route = admin.route(bench.TOPIC)
    brokers = route.brokers if route else []
    addresses = {one.broker_name: one.broker_addrs for one in brokers}
    host, _, port = addresses[MASTER][MASTER_ID].rpartition(":")
    where = {"topic": bench.TOPIC, "queueId": "0"}
    asked = Frame(RequestCode.GET_MAX_OFFSET, where, opaque=1).to_bytes()
    address = f"{host}:{int(port) - 2}"
    try:
        reply = cluster.complete(say(address, asked, ANSWER_S))
    except OSError:
        return f"connect to <{address}> failed"
    return next((int(one.code) for one in reply.frames), "nothing")


def _fail_mending(see: Trial, what: str) -> None:
    fail(
        expected=f"{ORDERS} orders, from three machines: SEND_OK, and stored on "
        f"{MASTER} and {SLAVE}",
        found=what,
        why="a broker is reached where it says that it is: brokerIP1 is what clients "
        "are told, brokerIP2 what its slaves are told",
        next_step="`hosts` has the address of broker-a's machine; ask a name server "
        "for the route, and look whether the slave is connected",
        reproduce=see.reproduce,
    )


# ── who reaches what ──────────────────────────────────────────────────────────


@EXERCISE.check(points=3)
def who_reaches_it_is_known(see: Trial) -> None:
    """You know whose orders come to broker-a, with each of three addresses."""
    reached = see.answer("reached", dict, "a dictionary: address → list of machines")
    for address in ADDRESSES:
        came = _whose_orders_come(address, see.seed)
        said = reached.get(address)
        if not isinstance(said, list) or sorted(map(str, said)) != sorted(came):
            fail(
                expected=f"reached[{address!r}]: those of {', '.join(SENDERS)} "
                f"whose orders lie in {MASTER}'s log when that is its brokerIP1",
                found=f"{said!r}, which is not what happened"[:100],
                why="the address is looked up where the client is, not where the "
                "broker is; and whoever listens there takes the order",
                next_step="for each machine ask: which process is it that listens at "
                "this address, port 10911, seen from here?",
                reproduce=see.reproduce,
            )


def _whose_orders_come(address: str, seed: int) -> list[str]:
    """Return the machines whose orders come to broker-a."""
    with started({"brokerIP1": address, "brokerIP2": address}, seed) as cluster:
        for sender in SENDERS:
            order(cluster, sender, sender)
        return sorted(_orders_on(cluster, MASTER) & set(SENDERS))
