"""Exercise 10: a slave that hangs, and a shop that is less patient than the broker."""

from __future__ import annotations

from random import Random
from typing import Any

from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.blocking import BlockingProducer
from rmqlab.client.sent import SendError, SendStatus
from rmqlab.protocol.message import MessageQueue
from rmqlab.settings import ClientConfig

EXERCISE = Exercise("10_fix_flush_slave_timeout", topology="2m-2s-sync", runtime="sim")

MASTER, SLAVE = "broker-a", "broker-a-s"
AT_MASTER = MessageQueue(bench.TOPIC, MASTER, 0)
NO_ANSWER = "no answer"
OUTCOMES = (*(status.name for status in SendStatus), NO_ANSWER)
BY_DEFAULT = {"slaveTimeout": 3000, "sendMsgTimeout": 1000}
"""Milliseconds: RocketMQ's, and what the shop's programmer found to be enough."""
DISK_MS = 500
"""So long a master waits for its own disk."""
MOST_MS = 2000.0
"""So long a customer waits."""
FAR_MS = (250, 300)
"""One way to a slave that is busy, but sound."""
ORDERS, TRIES, PAUSE_S, SETTLE_S = 6, 4, 1.0, 20.0


def shop(cluster: SimLab, patience_ms: float) -> BlockingProducer:
    """Return the shop's producer; it asks once, and waits so long for an answer."""
    config = ClientConfig(
        send_msg_timeout=int(patience_ms), retry_times_when_send_failed=0
    )
    driver = cluster.new_client("shop")
    return BlockingProducer("shop", cluster.name_servers, config, driver)


def started(seed: int, slave_timeout_ms: float) -> SimLab:
    """Return a cluster with the topic whose masters wait so long for their slaves."""
    settings = {
        "slaveTimeout": f"{int(slave_timeout_ms)}",
        "syncFlushTimeout": f"{DISK_MS}",
    }
    cluster = SimLab.up(EXERCISE.topology, settings=settings, seed=seed)
    with cluster.admin() as admin:
        admin.create_topic(bench.TOPIC, queues=4)
    cluster.run(SETTLE_S)
    return cluster


def ask(cluster: SimLab, sender: BlockingProducer, number: int) -> tuple[str, float]:
    """Send an order to broker-a; return what came of it, and after how many ms."""
    began_s = cluster.now_s
    try:
        outcome = sender.send(bench.message(number), AT_MASTER).status.name
    except SendError:
        outcome = NO_ANSWER
    return outcome, (cluster.now_s - began_s) * 1000


def order(
    cluster: SimLab, sender: BlockingProducer, number: int, again: dict[str, bool]
) -> None:
    """Send an order until something comes of it that is not to be sent again."""
    for _ in range(TRIES):
        outcome, _ = ask(cluster, sender, number)
        if not again.get(outcome, False):
            return
        cluster.run(PAUSE_S)


def copies(cluster: SimLab) -> dict[str, int]:
    """Return how many times each order lies in broker-a's log, by its number."""
    stored = [one.keys or "" for one in cluster.messages_on_disk(MASTER)]
    return {key: stored.count(key) for key in stored}


# ── patience ──────────────────────────────────────────────────────────────────


@EXERCISE.check(points=4)
def everybody_is_patient_enough(see: Trial) -> None:
    """Every order is answered in time, and a slave that is only busy is waited for."""
    patience = _patience(see)
    dice = Random(see.seed)  # noqa: S311
    far_ms = dice.randint(*FAR_MS)
    timeout = SendStatus.FLUSH_SLAVE_TIMEOUT.name
    with started(see.seed, patience["slaveTimeout"]) as cluster:
        sender = shop(cluster, patience["sendMsgTimeout"])
        ask(cluster, sender, 0)  # the first one asks for the route
        cluster.slow_link("host2", far_ms)
        _expect(see, ask(cluster, sender, 1), "SEND_OK", f"is {far_ms} ms away")
        cluster.slow_link("host2", 0.2)
        cluster.run(SETTLE_S)
        cluster.pause(SLAVE)
        for number in range(2, ORDERS):
            _expect(see, ask(cluster, sender, number), timeout, "hangs")


def _patience(see: Trial) -> dict[str, float]:
    what = f"a dictionary: {' and '.join(BY_DEFAULT)} → milliseconds"
    given = see.answer("patience", dict, what)
    wrong = {key: given.get(key) for key in BY_DEFAULT if not _is_sane(given.get(key))}
    if wrong or len(given) != len(BY_DEFAULT):
        fail(
            expected=f"patience: {what}",
            found=f"{given!r}"[:100],
            why="these two decide who gives up first",
            next_step="write a number between 1 and 60000 for each",
            reproduce=see.reproduce,
        )
    return given


def _is_sane(value: Any) -> bool:
    return (
        isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 60_000
    )


def _expect(see: Trial, found: tuple[str, float], wanted: str, slave: str) -> None:
    outcome, took_ms = found
    if outcome != wanted or took_ms > MOST_MS:
        fail(
            expected=f"{wanted} within {MOST_MS:g} ms, when the slave {slave}",
            found=f"{outcome} after {took_ms:.0f} ms",
            why="who is less patient than the broker hangs up before it is told how "
            "it went; a broker that is too hasty takes a busy slave for a dead one",
            next_step="slaveTimeout must be longer than the way to the slave and back, "
            "sendMsgTimeout longer than slaveTimeout, and both shorter than a "
            "customer's patience",
            reproduce=see.reproduce,
        )


# ── what to send again ────────────────────────────────────────────────────────

CASES = {
    "0": "all is well",
    "1": "the master's disk is slow",
    "2": "the slave hangs",
    "3": "the slave is dead",
    "4": "the master is away",
}
"""By an order's number: when it is sent."""
SICK_MS, SOUND_MS = 900.0, 1.0
"""Of one flush."""


@EXERCISE.check(points=3)
def each_order_is_there_once(see: Trial) -> None:
    """While the slave hangs, and then the master dies, each order is stored once."""
    again = _again(see)
    found = _stored(_patience(see), again, see.seed)
    wrong = {key: found.get(key, 0) for key in CASES if found.get(key, 0) != 1}
    if wrong:
        key, count = next(iter(wrong.items()))
        fail(
            expected="every order once in broker-a's log",
            found=f"{count} times the order that was sent when {CASES[key]}",
            why="a status, whichever, is the word of a broker that has stored it; "
            "where there was none, nobody knows",
            next_step="lab 10 consumes one order of each status",
            reproduce=see.reproduce,
        )


def _stored(
    patience: dict[str, float], again: dict[str, bool], seed: int
) -> dict[str, int]:
    """Return how many times each case's order is stored."""
    with started(seed, patience["slaveTimeout"]) as cluster:
        sender = shop(cluster, patience["sendMsgTimeout"])
        order(cluster, sender, 0, again)
        cluster.slow_disk("host1", SICK_MS)
        order(cluster, sender, 1, again)
        cluster.slow_disk("host1", SOUND_MS)
        cluster.run(PAUSE_S)
        cluster.pause(SLAVE)
        order(cluster, sender, 2, again)
        cluster.kill(SLAVE)
        cluster.run(PAUSE_S)
        order(cluster, sender, 3, again)
        cluster.kill(MASTER)
        is_tried_again = again[ask(cluster, sender, 4)[0]]
        cluster.restart(MASTER)
        if is_tried_again:
            order(cluster, sender, 4, again)
        return copies(cluster)


def _again(see: Trial) -> dict[str, bool]:
    what = f"a dictionary: {', '.join(OUTCOMES)} → True or False"
    given = see.answer("again", dict, what)
    if set(given) != set(OUTCOMES) or not all(
        isinstance(one, bool) for one in given.values()
    ):
        fail(
            expected=f"again: {what}",
            found=f"{given!r}"[:100],
            why="the shop meets each of them some day",
            next_step="say of each whether the order is to be sent once more",
            reproduce=see.reproduce,
        )
    return given


# ── what comes of it ──────────────────────────────────────────────────────────

MOMENTS_S = ((2.0, 12.0), (25.0, 50.0), (75.0, 95.0))
"""After the slave began to hang, an order is sent."""
WOKEN_S = 60.0
"""Then the slave goes on."""


@EXERCISE.check(points=3)
def the_statuses_are_foretold(see: Trial) -> None:
    """You can tell an order's status, so long after the slave began to hang."""
    foretell = see.function("status_after", "a function: seconds → a status' name")
    dice = Random(f"hang {see.seed}")  # noqa: S311
    moments = [round(dice.uniform(*one), 1) for one in MOMENTS_S]
    for seconds in moments:
        status, said = _status_after(seconds, see.seed), foretell(seconds)
        if said != status:
            fail(
                expected=f"status_after({seconds}): what an order gets that is sent "
                f"so many seconds after the slave began to hang, for {WOKEN_S:g} s",
                found=f"{said!r}, which is not what happened"[:100],
                why="a slave that hangs keeps its connection, and its master waits "
                "for it, until it has been silent for too long",
                next_step="try it: pause the slave, let time pass, send; "
                "haHousekeepingInterval is 20 s, a slave speaks every 5 s",
                reproduce=see.reproduce,
            )


def _status_after(seconds: float, seed: int) -> str:
    with started(seed, BY_DEFAULT["slaveTimeout"]) as cluster:
        sender = shop(cluster, 2 * BY_DEFAULT["slaveTimeout"])
        ask(cluster, sender, 0)
        cluster.pause(SLAVE)
        cluster.run(min(seconds, WOKEN_S))
        if seconds > WOKEN_S:
            cluster.resume(SLAVE)
            cluster.run(seconds - WOKEN_S)
        return ask(cluster, sender, 1)[0]
