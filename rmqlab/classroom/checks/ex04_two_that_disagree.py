"""Exercise 04: two name servers that disagree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.classroom.simulated.scenario import Scenario
from rmqlab.classroom.simulated.script import parse
from rmqlab.classroom.simulated.strikes import Strikes
from rmqlab.client.blocking import BlockingProducer
from rmqlab.errors import ConfigError, RmqError

EXERCISE = Exercise("04_two_that_disagree", topology="2m-2s-sync", runtime="sim")

TOPOLOGY = "2m-2s-sync"
SEEDS, SENDS = 4, 8
SILENT_S, NEWBORN_S = 135.0, 5.0
WAIT_S, LONGEST_S = 60.0, 31
RECIPE = f"a text: a line 'topology {TOPOLOGY}', one line 'at …', a line 'until …'"
SERVERS = ("namesrv1", "namesrv2")


def scenario_of(see: Trial, name: str, longest_s: float) -> Scenario:
    """Return the scenario that was answered, if it is as short as it must be."""
    text = see.answer(name, str, RECIPE)
    scenario = Scenario(name)
    try:
        scenario = parse(text)
        found = _too_long(scenario, longest_s)
    except ConfigError as error:
        found = str(error)
    if found:
        fail(
            expected=f"{name}: {RECIPE}, of at most {longest_s:g} s",
            found=found,
            why="the shortest story shows best what matters",
            next_step=f"begin with 'topology {TOPOLOGY}'; `rmqlab sim --list` names "
            "finished ones to look at",
            reproduce=see.reproduce,
        )
    return scenario


def _too_long(scenario: Scenario, longest_s: float) -> str:
    """Return what a scenario has that it must not have; nothing where all is well."""
    settings = scenario.settings, scenario.node_settings, scenario.client_settings
    has_more = any((scenario.flows, scenario.faults, *settings))
    if scenario.topology != TOPOLOGY:
        return f"topology {scenario.topology}"
    if len(scenario.timed) != 1 or scenario.timed[0].every_s or has_more:
        return f"{len(scenario.timed)} lines 'at', or lines of another kind"
    return f"until {scenario.until_s:g}s" if scenario.until_s > longest_s else ""


@contextmanager
def played(scenario: Scenario, seed: int) -> Iterator[tuple[SimLab, BlockingProducer]]:
    """Yield a cluster after the scenario, and a producer that was there before it."""
    with bench.cluster_with_topic(scenario.topology, seed) as cluster:
        sender = bench.producer(cluster, "from-before", cluster.name_servers)
        sender.send(bench.message(0))
        strikes = Strikes(cluster, [])
        timeline = cluster.simulation.timeline
        for timed in scenario.timed:
            timeline.call_in(timed.at_s, strikes.strike, timed.action)
        cluster.run(scenario.until_s)
        yield cluster, sender


def _told(cluster: SimLab) -> dict[str, list[str]]:
    """Return which masters each name server tells of."""
    return {one: bench.told_by(cluster, one) for one in SERVERS}


def _stored(sender: BlockingProducer) -> int:
    """Return how many of a few messages are stored."""
    count = 0
    for number in range(SENDS):
        with suppress(RmqError):
            sender.send(bench.message(number))
            count += 1
    return count


@EXERCISE.check(points=4)
def they_differ_and_a_client_is_served(see: Trial) -> None:
    """Each name server tells of other masters, and a producer is served even so."""
    scenario = scenario_of(see, "served", SILENT_S)
    for seed in see.seeds(SEEDS):
        with played(scenario, seed) as (cluster, sender):
            told = _told(cluster)
            stored = _stored(sender)
        first, second = told.values()
        if not first or not second or first == second or stored < SENDS:
            fail(
                expected="two different, not empty lists of masters, and all of "
                f"{SENDS} messages stored",
                found=f"{told}, {stored} stored (seed {seed})",
                why="a name server knows what registers with it, and nothing of the "
                "other: where a host cannot reach it, silence runs out",
                next_step="part the two hosts, and wait as long as a name server does",
                reproduce=see.reproduce,
            )


@EXERCISE.check(points=4)
def a_newcomer_is_lost_while_all_is_well(see: Trial) -> None:
    """All is usable and nothing cut, yet a producer of name server 1 finds no route."""
    scenario = scenario_of(see, "newborn", NEWBORN_S)
    for seed in see.seeds(SEEDS):
        with played(scenario, seed) as (cluster, _):
            is_well = cluster.status().is_usable and not any(
                not host.is_up or host.is_cut for host in cluster.hosts()
            )
            address = {one: cluster.node(one).address for one in SERVERS}
            stored = {
                one: _stored(bench.producer(cluster, f"of-{one}", at))
                for one, at in address.items()
            }
        if not is_well or list(stored.values()) != [0, SENDS]:
            fail(
                expected="every node usable, no host cut; nothing stored for who asks "
                f"namesrv1, all {SENDS} messages for who asks namesrv2",
                found=f"{'all' if is_well else 'not all'} well, stored {stored} "
                f"(seed {seed})",
                why="a name server keeps nothing on a disk: it knows who registered "
                "since it was started",
                next_step="what does a name server know in its first seconds?",
                reproduce=see.reproduce,
            )


@EXERCISE.check(points=2)
def they_agree_again_in_time(see: Trial) -> None:
    """You know how long a name server that was started anew may know less."""
    said_s = see.answer("agree_after_s", int, "whole seconds")
    for seed in see.seeds(SEEDS):
        after_s = _agreed_after(seed)
        if after_s is None or not after_s <= said_s <= LONGEST_S:
            fail(
                expected=f"the same masters again at most {said_s} s after the start",
                found=f"after {after_s:.1f} s, and never later than half a minute"
                if after_s
                else "never",
                why="nobody is told that a name server is new: each broker comes by "
                "when its time has come",
                next_step="how often does a broker register?",
                reproduce=see.reproduce,
            )


def _agreed_after(seed: int) -> float | None:
    """Start name server 1 anew just after the brokers were there; wait for them."""
    with bench.cluster_with_topic(TOPOLOGY, seed) as cluster:
        cluster.run(40.2 + Random(seed).random() / 2 - cluster.now_s)  # noqa: S311
        cluster.kill("namesrv1")
        cluster.restart("namesrv1")

        def agree() -> bool:
            first, second = _told(cluster).values()
            return first == second

        return bench.passes_until(cluster, agree, WAIT_S)
