"""Exercise 12: the article's files as published, to be mended."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from rmqlab.classroom import topology
from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.bench import TOPIC
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.lint import lint
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.sent import SendError, SendStatus
from rmqlab.errors import ConfigError, RmqError
from rmqlab.protocol.message import MessageQueue

EXERCISE = Exercise("12_fix_the_article", topology="2m-2s-sync", runtime="sim")

HOSTS_FILE = "hosts"
NAMES = """\
192.168.157.128 host1 rocketmq-nameserver1 rocketmq-master1
192.168.157.128rocketmq-slave2
192.168.157.129 host2 rocketmq-nameserver2 rocketmq-master2 rocketmq-slave1
"""
"""The article's hosts file, with the machines' own names before its."""
PAIRS = {"broker-a": "broker-a-s", "broker-b": "broker-b-s"}
ROLES = dict.fromkeys(PAIRS, "SYNC_MASTER") | dict.fromkeys(PAIRS.values(), "SLAVE")
PLACES = {
    "host1": ("broker-a", "broker-b-s"),
    "host2": ("broker-b", "broker-a-s"),
}
MEANT_KEY, MEANT = "mapedFileSizeConsumeQueue", 300_000
"""What the article says that a file of a consume queue holds, in entries."""
ENTRY_BYTES = 20
REMARK = f"# entries in a file of a consume queue, {MEANT:,}:\n"
ORDERS, SETTLE_S = 20, 40.0
WHAT = "a function of one argument that returns the five files: name → text"
FOUND = {
    one.name: (one.text or "").replace(MEANT_KEY, REMARK + MEANT_KEY)
    for one in topology.load(topology.ARTICLE).nodes
    if not one.is_namesrv
}


def as_found() -> dict[str, str]:
    """Return the article's five files, by name."""
    return {HOSTS_FILE: NAMES, **FOUND}


def lay_out(folder: Path, files: dict[str, str]) -> None:
    """Write the five files, and those of two name servers, into a topology's folder."""
    (folder / HOSTS_FILE).write_text(files[HOSTS_FILE], "utf-8")
    for number, (host, names) in enumerate(PLACES.items(), start=1):
        (folder / host).mkdir()
        (folder / host / f"namesrv{number}.properties").write_text("listenPort=9876\n")
        for name in names:
            text = files[name].encode("latin-1", "replace")
            (folder / host / f"{name}.properties").write_bytes(text)


def started(files: dict[str, str], seed: int = 1) -> SimLab:
    """Return a cluster with these files, forty seconds after its start.

    Raises:
        ConfigError: the files are no topology.
    """
    with TemporaryDirectory() as place:
        lay_out(Path(place), files)
        try:
            cluster = SimLab.up(place, name=EXERCISE.id, seed=seed)
        except ConfigError as error:
            raise ConfigError(_without(place, error)) from None
    cluster.run(SETTLE_S)
    with suppress(RmqError), cluster.admin() as admin:  # where no master works: none
        admin.create_topic(TOPIC, queues=4)
    return cluster


def order(cluster: SimLab, master: str, body: str) -> str:
    """Send an order to a master; return what its sender is told."""
    with cluster.producer() as producer:
        try:
            sent = producer.send(TOPIC, body, queue=MessageQueue(TOPIC, master, 0))
        except SendError as error:
            return str(error)
    return sent.status.name


# ── the checks ────────────────────────────────────────────────────────────────

START = "start them: `started` gives the cluster, and what keeps a node from working"
SEND = "send an order to each master, and ask whose bytes lie in which commit log"
LINT = "`rmqlab lint article` names lines; which unit has a file's size?"


@EXERCISE.check(points=3)
def all_six_nodes_work(see: Trial) -> None:
    """With your files every node starts and becomes usable, in its role."""
    with _mended(see, START) as cluster:
        for node in cluster.status().nodes:
            if node.state != "usable":
                why = f": {node.why}" if node.why else ""
                _fail(see, "six usable nodes", f"{node.name} {node.state}{why}", START)
        _expect_roles(see, cluster)


@EXERCISE.check(points=4)
def every_order_is_on_its_own_pair(see: Trial) -> None:
    """With your files every order is SEND_OK, and in the logs of its pair alone."""
    nonce = Random(see.seed).randrange(1 << 30)  # noqa: S311
    with _mended(see, SEND) as cluster:
        orders = {
            pair: {f"{nonce}-{pair}-{number}" for number in range(ORDERS)}
            for pair in PAIRS
        }
        _expect_roles(see, cluster)
        for pair, bodies in orders.items():
            told = {order(cluster, pair, body) for body in sorted(bodies)}
            if told != {SendStatus.SEND_OK.name}:
                wanted = f"SEND_OK for every order to {pair}"
                _fail(see, wanted, ", ".join(sorted(told))[:150], SEND)
        for pair, slave in PAIRS.items():
            for name in (pair, slave):
                _expect_own(see, cluster, name, orders[pair])


@EXERCISE.check(points=3)
def every_line_does_what_the_article_says(see: Trial) -> None:
    """No line is without effect, and a consume queue's file has 300,000 entries."""
    files = _files(see, LINT)
    if findings := _linted(see, files):
        _fail(see, "files of which `rmqlab lint` says nothing", findings[0], LINT)
    with _mended(see, LINT) as cluster:
        _expect_roles(see, cluster)
        for name in ROLES:
            node: Any = cluster.crew.node(name).node
            entries = node.store.mapped_file_size_consume_queue / ENTRY_BYTES
            if entries != MEANT:
                wanted = f"{MEANT:,} entries in a file of {name}'s consume queues"
                _fail(see, wanted, f"{entries:,.0f}", LINT)


def _linted(see: Trial, files: dict[str, str]) -> list[str]:
    with TemporaryDirectory() as place:
        lay_out(Path(place), files)
        try:
            return [f"{one}"[:200] for one in lint([Path(place)])]
        except ConfigError as error:
            _fail(see, "files that can be read", _without(place, error), LINT)


def _files(see: Trial, next_step: str) -> dict[str, str]:
    """Return the five files that were answered."""
    given = see.function("mended", WHAT)(as_found())
    files = given if isinstance(given, dict) else {}
    known = all(isinstance(text, str) for text in files.values())
    if set(files) != set(as_found()) or not known:
        _fail(see, f"mended: {WHAT}", f"{given!r}"[:100], next_step)
    return files


def _mended(see: Trial, next_step: str) -> SimLab:
    """Return the cluster with the files that were answered."""
    files = _files(see, next_step)
    try:
        cluster = started(files, see.seed)
    except ConfigError as error:
        _fail(see, "files that can be read", f"{error}", next_step)
    there = {node.name for node in cluster.status().nodes}
    if away := sorted(set(ROLES) - there):
        cluster.down()
        _fail(see, "host1 and host2 in hosts", f"no host of {away[0]}", next_step)
    return cluster


def _without(folder: str, error: ConfigError) -> str:
    """Return what an error says, without a place that differs from run to run."""
    return f"{error}".replace(f"{folder}/", "").replace(folder, "the folder")[:200]


def _expect_roles(see: Trial, cluster: SimLab) -> None:
    for name, role in ROLES.items():
        if (found := cluster.node(name).role) != role:
            _fail(see, f"{name} as {role}, as in the article", found, START)


def _expect_own(see: Trial, cluster: SimLab, node: str, orders: set[str]) -> None:
    """Look whether a log has just the orders to its own pair."""
    try:
        messages = cluster.messages_on_disk(node)
    except RmqError as error:
        _fail(see, f"a log of {node}'s own", f"{error}"[:200], SEND)
    there = {one.body.decode("utf-8", "replace") for one in messages}
    if missing := orders - there:
        found = f"{len(missing)} of {ORDERS} not in the log of {node}"
        _fail(see, "every order on two machines", found, SEND)
    if strange := there - orders:
        found = f"{len(strange)} that are not its own, in the log of {node}"
        _fail(see, "each pair's orders in its own logs", found, SEND)


def _fail(see: Trial, wanted: str, found: str, next_step: str) -> NoReturn:
    fail(
        expected=wanted,
        found=found,
        why="a store belongs to one broker, a name needs an address, and a line that "
        "no release reads changes nothing",
        next_step=next_step,
        reproduce=see.reproduce,
    )
