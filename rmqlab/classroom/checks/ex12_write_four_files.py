"""Exercise 12: four broker files from a drawing.

They are tried on simulated machines, not as processes: those of runtime local are told
other addresses and folders at the end of their files, so that a wrong one would do.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.sent import SendStatus
from rmqlab.errors import RmqError
from rmqlab.protocol.message import Message, MessageQueue

EXERCISE = Exercise("12_write_four_files", topology="2m-2s-sync", runtime="sim")

CLUSTER = "coffee"
HOSTS = {"north": "10.20.0.11", "south": "10.20.0.12"}
NAME_SERVERS = {"namesrv1": "north", "namesrv2": "south"}
NAME_SERVER_PORT = 9876


class Drawn(NamedTuple):
    """A broker as the drawing has it."""

    host: str
    pair: str
    broker_id: int
    role: str
    port: int
    store: str

    @property
    def address(self) -> str:
        """host:port."""
        return f"{HOSTS[self.host]}:{self.port}"


BROKERS = {
    "east": Drawn("north", "east", 0, "SYNC_MASTER", 10911, "/data/east"),
    "west": Drawn("south", "west", 0, "SYNC_MASTER", 10911, "/data/west"),
    "west_s": Drawn("north", "west", 1, "SLAVE", 11011, "/data/west-s"),
    "east_s": Drawn("south", "east", 1, "SLAVE", 11011, "/data/east-s"),
}
"""By the name of its answer, which is its file's, too; masters first."""
SLAVES = {"east": "east_s", "west": "west_s"}
ORDERS, SETTLE_S, READ_S = 20, 60.0, 90.0


def lay_out(folder: Path, files: dict[str, str]) -> None:
    """Write the drawing's topology into a folder, with these broker files."""
    names = {host: name for name, host in NAME_SERVERS.items()}
    lines = [f"{address} {host} {names[host]}" for host, address in HOSTS.items()]
    (folder / "hosts").write_text("\n".join([*lines, ""]), "utf-8")
    texts = {
        f"{host}/{name}": f"listenPort={NAME_SERVER_PORT}\n"
        for name, host in NAME_SERVERS.items()
    }
    texts |= {f"{BROKERS[name].host}/{name}": text for name, text in files.items()}
    for path, text in texts.items():
        file = folder / f"{path}.properties"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "latin-1", "replace")


def started(files: dict[str, str], seed: int) -> SimLab:
    """Return the drawing's cluster with these files, a minute after its start.

    Raises:
        RmqError: a file cannot be read as one.
    """
    with TemporaryDirectory(prefix="rmqlab-drawn-") as folder:
        lay_out(Path(folder), files)
        cluster = SimLab.up(folder, name=EXERCISE.id, seed=seed)
    cluster.run(SETTLE_S)
    return cluster


@EXERCISE.check(points=2)
def all_four_start(see: Trial) -> None:
    """With your files all four brokers start."""
    with _drawn(see) as cluster:
        nodes = [cluster.node(name) for name in BROKERS]
        failed = [f"{one.name}: {one.why}" for one in nodes if one.state != "usable"]
        at = {one.name: one.address for one in nodes}
    wanted = {name: one.address for name, one in BROKERS.items()}
    if failed or at != wanted:
        fail(
            expected=f"four usable brokers, at {wanted}",
            found="; ".join(failed)[:300] or f"they listen at {at}",
            why="two brokers of a host need different ports and different stores; the "
            "ports listenPort-2 and listenPort+1 are taken, too",
            next_step="give each file its listenPort and its storePathRootDir",
            reproduce=see.reproduce,
        )


@EXERCISE.check(points=3)
def both_name_servers_know_both_pairs(see: Trial) -> None:
    """Each name server knows both pairs: cluster, names, ids and addresses as drawn."""
    wanted: dict[str, dict[int, str]] = {name: {} for name in SLAVES}
    for one in BROKERS.values():
        wanted[one.pair][one.broker_id] = one.address
    belongs = {name: (CLUSTER, one.role) for name, one in BROKERS.items()}
    with _drawn(see) as cluster:
        nodes = [cluster.crew.node(name).node for name in BROKERS]
        known = {name: _known(cluster, name) for name in NAME_SERVERS}
    for name, found in known.items():
        if found != {CLUSTER: wanted}:
            _fail_pairs(see, f"{name}: {CLUSTER}: {wanted}", f"{found}")
    written = {one.name: (one.broker.broker_cluster_name, one.role) for one in nodes}
    if written != belongs:
        _fail_pairs(see, f"{belongs}", f"{written}")


def _known(cluster: SimLab, name_server: str) -> dict[str, dict[str, dict[int, str]]]:
    """Return what a name server knows: cluster → name → id → address."""
    with cluster.admin(name_server) as admin:
        info = admin.cluster()
    return {
        name: {one: info.brokers[one].broker_addrs for one in sorted(members)}
        for name, members in info.clusters.items()
    }


def _fail_pairs(see: Trial, wanted: str, found: str) -> None:
    fail(
        expected=wanted,
        found=found,
        why="a pair is one brokerName with two ids; each broker registers, under the "
        "address brokerIP1, with the name servers that its own file names",
        next_step="compare brokerClusterName, brokerName, brokerId, brokerRole, "
        "brokerIP1 and namesrvAddr with the drawing, file by file",
        reproduce=see.reproduce,
    )


@EXERCISE.check(points=1)
def each_store_is_where_it_was_drawn(see: Trial) -> None:
    """Each broker stores where the drawing has it, its commit log below that."""
    with _drawn(see) as cluster:
        nodes = [cluster.node(name) for name in BROKERS]
    found = {one.name: (one.store, one.commit_log) for one in nodes}
    wanted = {
        name: (one.store, f"{one.store}/commitlog") for name, one in BROKERS.items()
    }
    if found != wanted:
        fail(
            expected=f"store and commit log: {wanted}",
            found=f"{found}",
            why="what nobody wrote down lies in the home of whoever started the "
            "broker, and is looked for in vain by the next one",
            next_step="read each storePath… line aloud, and look for it in the drawing",
            reproduce=see.reproduce,
        )


@EXERCISE.check(points=2)
def every_order_is_on_two_hosts(see: Trial) -> None:
    """Every order to either master is SEND_OK, and in its slave's log, too."""
    with _drawn(see) as cluster:
        for master, slave in SLAVES.items():
            bodies, told = _send(cluster, master, see.seed)
            there = {one.body for one in cluster.messages_on_disk(master)}
            copied = {one.body for one in cluster.messages_on_disk(slave)}
            if told != {SendStatus.SEND_OK.name} or bodies - there or bodies - copied:
                fail(
                    expected=f"{ORDERS} orders to {master}: SEND_OK, on it and {slave}",
                    found=f"{', '.join(sorted(told))}; missing on {master}: "
                    f"{len(bodies - there)}, on {slave}: {len(bodies - copied)}"[:200],
                    why="only a SYNC_MASTER waits for its slave, and only a slave that "
                    "finds its master copies from it",
                    next_step="see that the check of the pairs passes; then look at "
                    "brokerRole of the master, and for brokerIP2 or haMasterAddress",
                    reproduce=see.reproduce,
                )


@EXERCISE.check(points=2)
def a_dead_masters_orders_are_read(see: Trial) -> None:
    """When a master is killed its orders are read from its slave."""
    for master, slave in SLAVES.items():
        with _drawn(see) as cluster:
            bodies, _ = _send(cluster, master, see.seed)
            cluster.run(SETTLE_S)  # the slave asks for its master's topics now and then
            cluster.kill(master)
            missing = bodies - _read(cluster, bodies)
        if missing:
            fail(
                expected=f"the {ORDERS} orders of {master}, after its death",
                found=f"{ORDERS - len(missing)} of them were read",
                why=f"the name servers go on telling of {slave}, under the name of "
                "its master: consumers turn to the broker of that name that is left",
                next_step=f"start with {slave}'s file: does it say that it is the "
                "slave of that name, and does it copy?",
                reproduce=see.reproduce,
            )


def _read(cluster: SimLab, wanted: set[bytes]) -> set[bytes]:
    """Return what a new group is given, as soon as it has what is wanted."""
    came: set[bytes] = set()
    with cluster.consumer(bench.TOPIC, lambda one: came.add(one.body)):
        bench.passes_until(cluster, lambda: came >= wanted, READ_S)
    return came


def _drawn(see: Trial) -> SimLab:
    """Return the cluster with the files that were answered."""
    what = "the text of a broker's file"
    files = {name: see.answer(name, str, what) for name in BROKERS}
    try:
        return started(files, see.seed)
    except RmqError as error:
        fail(
            expected="four files of lines KEY=VALUE, with values that can be read",
            found=f"{error}"[:200],
            why="a file that cannot be read as one starts no broker at all",
            next_step="mend the line that is named",
            reproduce=see.reproduce,
        )


def _send(cluster: SimLab, master: str, seed: int) -> tuple[set[bytes], set[str]]:
    """Send orders to a master; return their bodies, and what their sender was told."""
    nonce = Random(f"{seed} {master}").getrandbits(32)  # noqa: S311
    bodies = {b"%d-%d" % (nonce, number) for number in range(ORDERS)}
    told = set()
    queue = MessageQueue(bench.TOPIC, master, 0)
    try:
        with cluster.admin() as admin:
            admin.create_topic(bench.TOPIC, queues=4)
        with bench.producer(cluster, "shop", cluster.name_servers) as shop:
            for body in sorted(bodies):
                told.add(shop.send(Message(bench.TOPIC, body), queue).status.name)
    except RmqError as error:
        told.add(str(error))
    return bodies, told
