"""Exercise 11: what a crash takes."""

from __future__ import annotations

from collections import deque
from random import Random

from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.grading.trial import Trial

EXERCISE = Exercise("11_flush_and_crash", topology="1m", runtime="sim")

SENT, EVERY_S, BACK_S = 20, 0.3, 5.0
FEW_SEEDS, MANY_SEEDS = 4, 30
"""Enough to believe that nothing is ever lost; as many as it may take to see a loss."""
CASES = [
    ("1m", "ASYNC_FLUSH", "kill"),
    ("1m", "ASYNC_FLUSH", "crash"),
    ("1m", "SYNC_FLUSH", "crash"),
    ("2m-2s-sync", "ASYNC_FLUSH", "crash"),
    ("2m-2s-sync", "ASYNC_FLUSH", "crash both"),
    ("2m-2s-sync", "SYNC_FLUSH", "crash both"),
]
"""Topology, flushDiskType of every broker, and what happens to host1 or both hosts."""

PACES = {"slow": (0.25, 20, 160), "fast": (0.01, 1000, 600)}
"""By name: seconds between two messages, their bytes, how many."""
WINDOW_SEEDS = 4
ROUNDING_S = {"slow": 1.0, "fast": 0.25}


def lost(case: tuple[str, str, str], seed: int) -> int:
    """Return how many acknowledged messages no broker has once all are back."""
    topology, flush, fault = case
    with bench.cluster_with_topic(topology, seed, flushDiskType=flush) as cluster:
        sender = bench.producer(cluster, "sender", cluster.name_servers)
        cluster.run(Random(seed).uniform(0, 10))  # noqa: S311
        acknowledged = bench.steady(cluster, sender, SENT, EVERY_S)
        if fault == "kill":
            cluster.kill("broker-a")
            cluster.restart("broker-a")
        else:
            hosts = ["host1", "host2"] if fault == "crash both" else ["host1"]
            for host in hosts:
                cluster.crash(host)
            for host in hosts:
                cluster.begin_to_boot(host)
        cluster.run(BACK_S)
        return len(acknowledged.keys() - bench.keys_on_disks(cluster))


@EXERCISE.check(points=6)
def what_survives_is_known(see: Trial) -> None:
    """You know of each setting and fault whether all that was acknowledged survives."""
    survives = see.answer("survives", dict, "a dictionary: case → True or False")
    for case in CASES:
        given = survives[case]
        seeds = see.seeds(FEW_SEEDS if given is True else MANY_SEEDS)
        counts = ((seed, lost(case, seed)) for seed in seeds)
        seed, count = next((one for one in counts if one[1]), (0, 0))
        if given is not (count == 0):
            found = f"{count} of {SENT} lost (seed {seed})" if count else "none lost"
            fail(
                expected=f"{', '.join(case)}: "
                + ("nothing acknowledged is lost" if given else "a loss, now and then"),
                found=found if isinstance(given, bool) else f"{given!r}",
                why="a process's death leaves the page cache, a machine's takes it; a "
                "slave's page cache is another machine's",
                next_step="ask where the bytes are when the answer leaves: this "
                "machine's memory, its disk, another machine's memory",
                reproduce=see.reproduce,
            )


def window_s(pace: str, seed: int) -> float:
    """Return for how long an acknowledged message was not on the disk, at worst."""
    every_s, size, count = PACES[pace]
    waiting: deque[tuple[int, float]] = deque()
    worst_s = 0.0
    with bench.cluster_with_topic("1m", seed, flushDiskType="ASYNC_FLUSH") as cluster:
        broker = cluster.crew.node("broker-a").broker
        assert broker is not None
        log = broker.store.log
        sender = bench.producer(cluster, "sender", cluster.name_servers)
        cluster.run(Random(seed).uniform(0, 10))  # noqa: S311
        for number in range(count):
            due_s = cluster.now_s + every_s
            sender.send(bench.message(number, size))
            waiting.append((log.end, cluster.now_s))
            cluster.run(max(0.0, due_s - cluster.now_s))
            while waiting and waiting[0][0] <= log.files.flushed:
                waiting.popleft()
            if waiting:
                worst_s = max(worst_s, cluster.now_s - waiting[0][1])
    return worst_s


@EXERCISE.check(points=4)
def the_window_is_known(see: Trial) -> None:
    """You know for how many seconds ASYNC_FLUSH leaves a message in memory alone."""
    given = see.answer("window_s", dict, "a dictionary: 'slow' and 'fast' → seconds")
    for pace in PACES:
        said_s = float(given[pace])
        worst_s = max(window_s(pace, seed) for seed in see.seeds(WINDOW_SEEDS))
        about_s = ROUNDING_S[pace]
        if abs(said_s - worst_s) > about_s:
            fail(
                expected=f"{pace}: {said_s:g} s, give or take {about_s:g}",
                found=f"{worst_s:.1f} s",
                why="ASYNC_FLUSH looks twice a second whether four pages are new; "
                "fewer wait for the thorough flush",
                next_step="work out how many bytes half a second brings, and look up "
                "flushCommitLogLeastPages and flushCommitLogThoroughInterval",
                reproduce=see.reproduce,
            )
