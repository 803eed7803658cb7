"""Exercise 11: choose what a message is worth."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import permutations
from random import Random
from statistics import median

from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.classroom.topology import MODES
from rmqlab.client.blocking import BlockingProducer
from rmqlab.client.sent import SendError, SendStatus

EXERCISE = Exercise("11_choose_durability", topology="2m-2s-sync", runtime="sim")

FLUSHES = ("ASYNC_FLUSH", "SYNC_FLUSH")
LINK_MS, FLUSH_MS = 3.0, 20.0
"""One way between any two machines, and of every disk."""
SEEDS, SENT, LAST, EVERY_S, BACK_S = 4, 40, 8, 0.1, 5.0


@dataclass(frozen=True)
class Wanted:
    """What a service wants: how soon it is answered, and what it may lose to what."""

    service: str
    within_ms: float
    may_lose: int
    faults: tuple[str, ...]


CLICKS = Wanted("clicks", 9.0, 5, ("fire",))
ORDERS = Wanted("orders", 16.0, 0, ("fire",))
LEDGER = Wanted("ledger", 60.0, 0, ("fire", "blackout"))


def outcome(topology: str, flush: str, fault: str, seed: int) -> tuple[float, int]:
    """Return the median answer time in ms, and how many SEND_OK messages are lost.

    A fire first burns the cable between the hosts, then host1 for good, disk and all;
    in a blackout all hosts lose power at once, and come back.
    """
    with bench.cluster_with_topic(topology, seed, flushDiskType=flush) as cluster:
        hosts = [host.name for host in cluster.hosts()]
        for host in hosts:
            cluster.slow_link(host, LINK_MS)
            cluster.slow_disk(host, FLUSH_MS)
        sender = bench.producer(cluster, "sender", cluster.name_servers)
        cluster.run(Random(seed).uniform(15, 25))  # noqa: S311
        took_s: dict[str, float] = {}
        for number in range(SENT):
            if fault == "fire" and number == SENT - LAST:
                _part(cluster, hosts)
            took_s |= _send(cluster, sender, number)
            cluster.run(EVERY_S if number < SENT - 1 else 0.0)
        burning = hosts if fault == "blackout" else hosts[:1]
        for host in burning:
            cluster.crash(host)
        for host in burning if fault == "blackout" else ():
            cluster.begin_to_boot(host)
        cluster.run(BACK_S)
        lost = took_s.keys() - bench.keys_on_disks(cluster)
        return median(took_s.values()) * 1000, len(lost)


def _send(cluster: SimLab, sender: BlockingProducer, number: int) -> dict[str, float]:
    """Send one message; return its key and how long it took, if that was SEND_OK."""
    began_s = cluster.now_s
    with suppress(SendError):
        if sender.send(bench.message(number)).status is SendStatus.SEND_OK:
            return {f"{number}": cluster.now_s - began_s}
    return {}


def _part(cluster: SimLab, hosts: list[str]) -> None:
    """Let nothing through between any two hosts; clients are not concerned."""
    network, machines = cluster.simulation.network, cluster.crew.machines
    for one, other in permutations(hosts, 2):
        network.link(machines[one].host.address, machines[other].host.address).cut()


def _choice(see: Trial, service: str) -> tuple[str, str]:
    """Return the topology and flushDiskType that were chosen for a service."""
    topology, flush = see.answer(service, tuple, "a topology and a flushDiskType")
    if topology not in MODES or flush not in FLUSHES:
        fail(
            expected=f"{service}: one of {', '.join(MODES)}, and one of "
            f"{' or '.join(FLUSHES)}",
            found=f"{topology!r}, {flush!r}",
            why="these are the article's four modes, and RocketMQ's two ways to flush",
            next_step="choose one of each",
            reproduce=see.reproduce,
        )
    return topology, flush


def _meets(see: Trial, wanted: Wanted) -> None:
    """Check that what was chosen answers soon enough and loses no more than it may."""
    chosen = _choice(see, wanted.service)
    for fault in wanted.faults:
        for seed in see.seeds(SEEDS):
            took_ms, count = outcome(*chosen, fault, seed)
            if took_ms <= wanted.within_ms and count <= wanted.may_lose:
                continue
            fail(
                expected=f"{wanted.service}: answered within {wanted.within_ms:g} ms, "
                f"at most {wanted.may_lose} of {SENT} SEND_OK lost to a {fault}",
                found=f"{', '.join(chosen)}: {took_ms:.1f} ms, {count} lost "
                f"(seed {seed})",
                why=f"a round trip takes {2 * LINK_MS:g} ms, to the slave another "
                f"{2 * LINK_MS:g}, a flush {FLUSH_MS:g}: each buys one kind of safety",
                next_step="name the copy that is left after the fault, and what must "
                "be waited for so that it is there",
                reproduce=see.reproduce,
            )


@EXERCISE.check(points=3)
def clicks_are_answered_fast(see: Trial) -> None:
    """Clicks are answered fast, and a fire on host1 takes but the last few of them."""
    _meets(see, CLICKS)


@EXERCISE.check(points=3)
def orders_outlive_a_host(see: Trial) -> None:
    """Orders are answered soon, and not one is lost when host1 burns."""
    _meets(see, ORDERS)


@EXERCISE.check(points=4)
def the_ledger_outlives_everything(see: Trial) -> None:
    """The ledger loses nothing, whether host1 burns or both hosts lose their power."""
    _meets(see, LEDGER)
