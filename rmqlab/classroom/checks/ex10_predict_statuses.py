"""Exercise 10: say the SendStatus before the broker does."""

from __future__ import annotations

from random import Random
from typing import Any, Literal

from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.sent import SendError
from rmqlab.protocol.message import Message, MessageQueue

EXERCISE = Exercise("10_predict_statuses", topology="2m-2s-sync", runtime="sim")

Kind = Literal["slave", "disk", "any"]
Situation = dict[str, Any]

TRIALS = 10
"""Of each kind; each takes a cluster, and a process for the function."""
TELLS = "a function: situation → a SendStatus's name, or NO_ANSWER"
NO_ANSWER = "NO_ANSWER"
FAULTS = {"dead": "kill", "hangs": "pause"}
WELL: Situation = {
    "brokerRole": "SYNC_MASTER",
    "flushDiskType": "ASYNC_FLUSH",
    "waitStoreMsgOK": True,
    "slave": "well",
    "slave_for_s": 0,
    "round_trip_ms": 1,
    "flush_ms": 1,
    "slaveTimeout": 3000,
    "syncFlushTimeout": 5000,
    "patience_ms": 3000,
}
"""A situation in which nothing is wrong, with RocketMQ's own limits."""
PATIENT = {"patience_ms": 60_000}
FAR = {"round_trip_ms": 2000}
SICK = {"flushDiskType": "SYNC_FLUSH", "flush_ms": 4000}

SLAVE: list[Situation] = [
    {"slave": "dead", "slave_for_s": 5},
    {"slave": "hangs", "slave_for_s": 5, "slaveTimeout": 1000},
    {"slave": "hangs", "slave_for_s": 5} | PATIENT,
    {"slave": "hangs", "slave_for_s": 5, "slaveTimeout": 4000},
    {"slave": "hangs", "slave_for_s": 45},
    {"slave": "dead", "slave_for_s": 5, "waitStoreMsgOK": False},
    {"slave": "hangs", "slave_for_s": 5, "waitStoreMsgOK": False},
    {"slave": "dead", "slave_for_s": 5, "brokerRole": "ASYNC_MASTER"},
    FAR | {"slaveTimeout": 1000},
    FAR | {"slaveTimeout": 2500},
]
DISK: list[Situation] = [
    SICK | {"syncFlushTimeout": 1000},
    SICK | {"syncFlushTimeout": 4500} | PATIENT,
    SICK | {"syncFlushTimeout": 3500} | PATIENT,
    SICK,
    SICK | {"syncFlushTimeout": 1000, "waitStoreMsgOK": False},
    SICK | {"syncFlushTimeout": 1000, "flushDiskType": "ASYNC_FLUSH"},
    SICK | {"syncFlushTimeout": 1000, "brokerRole": "ASYNC_MASTER"},
    SICK | {"syncFlushTimeout": 2500, "patience_ms": 2000},
    {"flushDiskType": "SYNC_FLUSH", "flush_ms": 700},
    SICK | {"syncFlushTimeout": 2000, "slaveTimeout": 500},
]


def situations(kind: Kind, seed: int) -> list[Situation]:
    """Return situations in which the slave, the disk, or both may be unwell."""
    dice = Random(f"{kind}/{seed}")  # noqa: S311
    if kind == "any":
        return [_varied(_both(dice), dice) for _ in range(TRIALS)]
    ours = SLAVE if kind == "slave" else DISK
    return [_varied(one, dice) for one in dice.sample(ours, len(ours))]


def _both(dice: Random) -> Situation:
    """Return a situation of the slave's and one of the disk's in one."""
    patience_ms = dice.choice([3000, 60_000, 60_000])
    return dice.choice(SLAVE) | dice.choice(DISK[:4]) | {"patience_ms": patience_ms}


def _varied(change: Situation, dice: Random) -> Situation:
    """Return a whole situation, its times moved a little: no two limits coincide."""
    found = WELL | change
    for at, key in enumerate(("slaveTimeout", "syncFlushTimeout", "flush_ms")):
        found[key] += 10 * dice.randrange(1, 9) + at
    found["round_trip_ms"] += 2 * dice.randrange(1, 20)
    return found


def told(situation: Situation, seed: int) -> str:
    """Play a situation; return the status that is told in time, or NO_ANSWER."""
    names = ("flushDiskType", "slaveTimeout", "syncFlushTimeout")
    settings = {name: str(situation[name]) for name in names}
    is_sync = situation["brokerRole"] == "SYNC_MASTER"
    topology = "2m-2s-sync" if is_sync else "2m-2s-async"
    with bench.cluster_with_topic(topology, seed, **settings) as cluster:
        sender = bench.producer(cluster, "sender", cluster.name_servers)
        sender.send(bench.message(0), _queue(), 60.0)  # it learns the route
        _spoil(cluster, situation)
        message = Message(bench.TOPIC, b"it")
        message.wait_store_ok = situation["waitStoreMsgOK"]
        try:
            patience_s = situation["patience_ms"] / 1000
            return sender.send(message, _queue(), patience_s).status.name
        except SendError:
            return NO_ANSWER


def _queue() -> MessageQueue:
    return MessageQueue(bench.TOPIC, "broker-a", 0)


def _spoil(cluster: SimLab, situation: Situation) -> None:
    """Make disk, way and slave as they are; the slave for as long as it is."""
    cluster.run(10.0)
    cluster.slow_link("host2", situation["round_trip_ms"] / 2)
    cluster.slow_disk("host1", situation["flush_ms"])
    if situation["slave"] != "well":
        getattr(cluster, FAULTS[situation["slave"]])("broker-a-s")
    cluster.run(situation["slave_for_s"])


def _predicted(see: Trial, kind: Kind, why: str, next_step: str) -> None:
    predict = see.function("status_of", TELLS)
    for situation in situations(kind, see.seed):
        said = predict(situation)
        true = told(situation, see.seed)
        if said != true:
            unusual = {k: v for k, v in situation.items() if v != WELL[k]}
            fail(
                expected=f"status_of: {true}, where {unusual}",
                found=f"{said!r}"[:100],
                why=why,
                next_step=next_step,
                reproduce=see.reproduce,
            )


@EXERCISE.check(points=3)
def the_slaves_part_is_predicted(see: Trial) -> None:
    """You know what is told when the slave is dead, hangs, or is far away."""
    _predicted(
        see,
        "slave",
        why="a master waits only for a slave that it has a connection to, only if the "
        "message asks for it, and no longer than slaveTimeout",
        next_step="ask in this order: is it waited for at all? Is there a connection "
        "(for how long does one outlive silence)? Is the answer there in time?",
    )


@EXERCISE.check(points=3)
def the_disks_part_is_predicted(see: Trial) -> None:
    """You know what is told when a flush takes long."""
    _predicted(
        see,
        "disk",
        why="only SYNC_FLUSH lets a send wait for the disk, for syncFlushTimeout; and "
        "a sender whose patience ends before that hears nothing",
        next_step="compute when the broker answers: after the flush or after "
        "syncFlushTimeout, whichever is first; is the sender still there?",
    )


@EXERCISE.check(points=4)
def both_at_once_are_predicted(see: Trial) -> None:
    """You know which word is told, and when, where both may be unwell."""
    _predicted(
        see,
        "any",
        why="the broker waits for both side by side, answers when both are decided, "
        "and tells the slave's failure rather than the disk's",
        next_step="compute both ends; the later one is when the answer comes, and it "
        "counts also where the word is decided earlier",
    )
