"""Exercise 10: a slave that is up, and a master that has none."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from rmqlab.classroom import topology
from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.grading.trial import VISIBLE_SEED, Trial
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.sent import SendError, SendStatus
from rmqlab.errors import RmqError
from rmqlab.protocol.message import Message, MessageQueue

EXERCISE = Exercise("10_fix_slave_not_available", topology="2m-2s-sync", runtime="sim")

MASTERS = ["broker-a", "broker-b"]
PAIRS = {name: f"{name}-s" for name in MASTERS}
BROKERS = [*MASTERS, *PAIRS.values()]
"""Masters first, as they are to be started."""
WRITTEN = {
    "broker-a": "haListenPort=10915",
    "broker-a-s": "haMasterAddress=rocketmq-master1:10915",
    "broker-b": "brokerIP2=10.0.0.129",
    "broker-b-s": "brokerName=broker-B",
}
"""By node, what somebody wrote into its file."""
LINES = {
    "another HA port": ("broker-a", "haListenPort=10915"),
    "another master port": ("broker-a-s", "haMasterAddress=rocketmq-master1:10915"),
    "another id": ("broker-a-s", "brokerId=7"),
    "another cluster": ("broker-a-s", "brokerClusterName=rocketmq-cluster2"),
    "another name": ("broker-b-s", "brokerName=broker-B"),
    "the other master": ("broker-b-s", "haMasterAddress=rocketmq-master1:10912"),
    "another card": ("broker-b", "brokerIP2=10.0.0.129"),
}
"""By what it is: a node, and the only line of all files that was changed."""
ROLES = dict.fromkeys(MASTERS, "SYNC_MASTER") | dict.fromkeys(PAIRS.values(), "SLAVE")
KEY = "brokerRole"
NOT_FOR_SLAVES = re.compile(r"\bhaMasterAddress=.*:(10909|10911|11009|11011)\b")
"""A slave is thrown out there, and comes back at once, thousands of times a minute."""
ORDERS, SETTLE_S = 20, 40.0


def healthy() -> dict[str, str]:
    """Return the four files as they are when nothing is wrong, by node."""
    nodes = {one.name: one.text or "" for one in topology.load("2m-2s-sync").nodes}
    return {name: nodes[name] for name in BROKERS}


def with_line(text: str, line: str) -> str:
    """Return a file with a line, instead of those of the same key."""
    key = re.escape(line.partition("=")[0])
    return re.sub(rf"^{key}=.*\n", "", text, flags=re.MULTILINE) + f"{line}\n"


def as_found() -> dict[str, str]:
    """Return the four files as somebody left them, by node."""
    files = healthy()
    return {name: with_line(files[name], line) for name, line in WRITTEN.items()}


def found() -> SimLab:
    """Return the cluster as it was found, to be looked into."""
    return started(as_found(), VISIBLE_SEED)


def started(files: dict[str, str], seed: int) -> SimLab:
    """Return a cluster with these files, forty seconds after its start."""
    cluster = SimLab.up(EXERCISE.topology, name=EXERCISE.id, seed=seed)
    for name in reversed(BROKERS):
        cluster.stop(name)
        cluster.configure(name, files[name])
    for name in BROKERS:
        cluster.begin_to_start(name)
        cluster.run(1.0)
    cluster.run(SETTLE_S)
    with cluster.admin() as admin:
        admin.create_topic(bench.TOPIC, queues=4)
    return cluster


def order(cluster: SimLab, master: str, body: str) -> str:
    """Send an order to a master; return what its sender is told."""
    queue = MessageQueue(bench.TOPIC, master, 0)
    with bench.producer(cluster, "sender", cluster.name_servers) as producer:
        try:
            sent = producer.send(Message(bench.TOPIC, body.encode()), queue)
        except SendError as error:
            return str(error)
    return sent.status.name


# ── mending ───────────────────────────────────────────────────────────────────

LOOK = (
    "look at each file for brokerName, brokerIP2 and haMasterAddress, and in the "
    "slave's log at where it tries to connect"
)
SEND = "send an order to each master with your files, and look into the slave's log too"


@EXERCISE.check(points=3)
def each_master_has_its_slave(see: Trial) -> None:
    """With your files each master is a SYNC_MASTER and knows a slave, of its name."""
    with _mended(see) as cluster, cluster.admin() as admin:
        known = {
            name: sorted(one.broker_addrs)
            for name, one in admin.cluster().brokers.items()
        }
        in_force = {
            name: admin.settings(cluster.node(name).address).get(KEY)
            for name in BROKERS
        }
        slaves = {
            name: admin.runtime_info(cluster.node(name).address).get("haSlaveCount")
            for name in MASTERS
        }
    if in_force != ROLES:
        _fail_mending(see, f"{KEY}: {in_force}", f"{KEY} as it was: {ROLES}")
    if known != {name: [0, 1] for name in MASTERS}:
        _fail_mending(see, f"{known}", f"ids 0 and 1 of {MASTERS}, and no other name")
    if set(slaves.values()) != {"1"}:
        _fail_mending(see, f"connected slaves: {slaves}", "one with each master")


@EXERCISE.check(points=4)
def every_order_is_on_two_machines(see: Trial) -> None:
    """With your files every order is SEND_OK, and on the master and its own slave."""
    nonce = Random(see.seed).randrange(1 << 30)  # noqa: S311
    with _mended(see, SEND) as cluster:
        for master, slave in PAIRS.items():
            bodies = {f"{nonce}-{master}-{number}" for number in range(ORDERS)}
            told = {order(cluster, master, body) for body in sorted(bodies)}
            wanted = f"{SendStatus.SEND_OK.name} for every order to {master}"
            if told != {SendStatus.SEND_OK.name}:
                _fail_mending(see, ", ".join(sorted(told))[:150], wanted, SEND)
            for node in (master, slave):
                there = {one.body.decode() for one in cluster.messages_on_disk(node)}
                if missing := bodies - there:
                    what = f"{len(missing)} of {ORDERS} not on {node}"
                    _fail_mending(see, what, wanted, SEND)


def _mended(see: Trial, next_step: str = LOOK) -> SimLab:
    """Return the cluster with the files that were answered."""
    what = "a function of one argument that returns four files: node → text"
    given = see.function("mended", what)(as_found())
    if not isinstance(given, dict) or not _are_files(given):
        _fail_mending(see, f"{given!r}"[:100], f"mended: {what}", next_step)
    for name, text in given.items():
        if wrong := NOT_FOR_SLAVES.search(text):
            _fail_mending(see, f"{wrong.group()} ({name})", "a port for slaves")
    try:
        return started(as_found() | given, see.seed)
    except RmqError as error:
        _fail_mending(see, f"{error}"[:150], "a cluster whose masters can be asked")
        raise


def _are_files(given: dict[Any, Any]) -> bool:
    return all(
        name in BROKERS and isinstance(text, str) for name, text in given.items()
    )


def _fail_mending(see: Trial, what: str, wanted: str, next_step: str = LOOK) -> None:
    fail(
        expected=wanted,
        found=what,
        why="a slave asks the name server for the master of its own brokerName, and "
        "connects to the address and port that this one gave for slaves",
        next_step=next_step,
        reproduce=see.reproduce,
    )


# ── which line does it ────────────────────────────────────────────────────────


@EXERCISE.check(points=3)
def each_line_is_understood(see: Trial) -> None:
    """You know of each line whose sends are SLAVE_NOT_AVAILABLE because of it."""
    suffers = see.answer("suffers", dict, "a dictionary: line → list of masters")
    for what, (node, line) in LINES.items():
        because = _who_suffers(node, line, see.seed)
        said = suffers.get(what)
        if not isinstance(said, list) or sorted(map(str, said)) != because:
            fail(
                expected=f"suffers[{what!r}]: the masters whose orders are "
                f"SLAVE_NOT_AVAILABLE with {line} in {node}'s file, and nothing else",
                found=f"{said!r}, which is not what happened"[:100],
                why="some keys decide who finds whom; others look as if they did",
                next_step="try it: `started` of this exercise takes any four files",
                reproduce=see.reproduce,
            )


def _who_suffers(node: str, line: str, seed: int) -> list[str]:
    """Return the masters that miss their slaves because of one line."""
    files = healthy()
    with started(files | {node: with_line(files[node], line)}, seed) as cluster:
        told = {name: order(cluster, name, name) for name in MASTERS}
    missing = SendStatus.SLAVE_NOT_AVAILABLE.name
    return [name for name, status in told.items() if status == missing]
