"""Exercise 04: when a broker is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from random import Random
from typing import Any

from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.instance import ClientInstance

EXERCISE = Exercise("04_expiry", topology="2m-noslave", runtime="sim")

SEEDS, LONG_S = 4, 200.0
FAULTS = ("kill", "pause", "cut")
SERVERS = ("namesrv1", "namesrv2")
PLACES = [(fault, server) for fault in FAULTS for server in SERVERS]
WIDEST_S = {"kill": 1, "pause": 40, "cut": 40}
"""How far apart earliest and latest may be: as far as they are, and no farther."""
WIDEST_CLIENT_S = {"kill": 30, "pause": 70, "cut": 70}
RULE = (
    "registers_again_s",
    "registers_every_s",
    "silent_s",
    "first_look_s",
    "looks_every_s",
)
EXACT_S, TRAVEL_S = 0.5, 0.1


@dataclass
class Seen:
    """One broker's fate: moments in virtual seconds, and when who forgot it."""

    fault: str
    seed: int
    broker_s: float
    server_s: float
    fault_s: float
    after_s: dict[str, float] = field(default_factory=dict)
    """By name server, or ``client``: seconds after the fault; absent: never."""


def strike(cluster: SimLab, fault: str) -> None:
    """Let a fault strike broker-a or its host."""
    if fault == "cut":
        cluster.cut("host1")
    else:
        getattr(cluster, fault)("broker-a")


def fate(fault: str, seed: int) -> Seen:
    """Start broker-a and name server 2 anew, let a fault strike, and watch."""
    starts, fault_s = _moments(Random(f"{fault}/{seed}"))  # noqa: S311
    with bench.cluster_with_topic("2m-noslave", seed) as cluster:
        own = cluster.node("namesrv2").address
        sender = bench.producer(cluster, "client-of-2", own)
        sender.send(bench.message(0))
        for node, start_s in sorted(starts.items(), key=itemgetter(1)):
            cluster.run(start_s - cluster.now_s)
            cluster.kill(node)
            cluster.restart(node)
        cluster.run(fault_s - cluster.now_s)
        strike(cluster, fault)
        seen = Seen(fault, seed, starts["broker-a"], starts["namesrv2"], fault_s)
        for who, at_s in _forgotten(cluster, sender.inner.instance):
            seen.after_s[who] = at_s - seen.fault_s
    return seen


def _moments(dice: Random) -> tuple[dict[str, float], float]:
    """Return when both are started anew, and when the fault strikes.

    What happens by one clock never coincides with what happens by another.
    """
    starts = dice.sample([5.0, 10.0, 15.0, 20.0, 25.0], 2)
    broker_s = starts[0] + dice.uniform(0, 2)
    server_s = starts[1] + dice.uniform(2.5, 4.5)
    periods, rest_s = dice.choice([2, 3, 4]), dice.uniform(1, 29)
    return {"broker-a": broker_s, "namesrv2": server_s}, (
        broker_s + 10 + 30 * periods + rest_s
    )


def _forgotten(cluster: SimLab, client: ClientInstance) -> Iterator[tuple[str, float]]:
    """Yield who forgets broker-a, and when."""
    known: dict[str, Callable[[], list[str]]] = {
        server: partial(bench.told_by, cluster, server) for server in SERVERS
    }
    known["client"] = lambda: bench.masters(client.brokers())
    end_s = cluster.now_s + LONG_S

    def has_forgotten() -> list[str]:
        return [who for who, ask in known.items() if "broker-a" not in ask()]

    while known:
        left_s = end_s - cluster.now_s
        if bench.passes_until(cluster, lambda: bool(has_forgotten()), left_s) is None:
            return
        for who in has_forgotten():
            yield who, cluster.now_s
            del known[who]


def _within(trial: Trial, what: str, seen: Seen, who: str, given: Any) -> None:
    """Check that what was seen lies in the span that was given, or never came."""
    after_s = seen.after_s.get(who)
    if after_s is None and given is None:
        return
    if (
        after_s is None
        or given is None
        or not (given[0] - TRAVEL_S <= after_s <= given[1] + TRAVEL_S)
    ):
        found = "never" if after_s is None else f"after {after_s:.1f} s"
        said = "never" if given is None else f"{given[0]} to {given[1]} s"
        at = f"fault at {seen.fault_s:.1f} s, seed {seen.seed}"
        fail(
            expected=f"{what}: {said}, as you said",
            found=f"{found} ({at})",
            why="a dead process's connections are closed by its kernel; one that is "
            "paused or cut off is only silent, and that is noticed late, by who looks "
            "now and then",
            next_step="add up: how old may the last registration be, how long must "
            "silence last, how long until somebody looks?",
            reproduce=trial.reproduce,
        )


def _span(trial: Trial, name: str, key: Any, given: Any, widest_s: int) -> None:
    """Check that a span is one, and no wider than it must be."""
    if given is None:
        return
    low, high = given
    if not 0 <= low <= high <= low + widest_s:
        fail(
            expected=f"{name}[{key!r}]: a span of at most {widest_s} s",
            found=f"{given!r}",
            why="whoever says 'some time or other' is never wrong, and never useful",
            next_step="give the earliest and the latest second at which it can happen",
            reproduce=trial.reproduce,
        )


@EXERCISE.check(points=4)
def servers_forget_in_their_time(see: Trial) -> None:
    """After kill, pause and cut each name server forgets broker-a when you said."""
    what = "a dictionary: (fault, name server) → (earliest, latest) or None"
    forgotten = see.answer("forgotten", dict, what)
    for place in PLACES:
        _span(see, "forgotten", place, forgotten[place], WIDEST_S[place[0]])
    for fault in FAULTS:
        for seed in see.seeds(SEEDS):
            seen = fate(fault, seed)
            for server in SERVERS:
                given = forgotten[fault, server]
                _within(see, f"{fault}, {server}", seen, server, given)


@EXERCISE.check(points=3)
def the_second_follows_from_the_rule(see: Trial) -> None:
    """From your five numbers follows the second at which silence is noticed."""
    rule = see.answer("rule", dict, f"a dictionary with {', '.join(RULE)}")
    numbers = [float(rule[name]) for name in RULE]
    for seed in see.seeds(SEEDS):
        seen = fate("pause", seed)
        found_s = seen.fault_s + seen.after_s["namesrv2"]
        said_s = predicted(seen, *numbers) if min(numbers) > 0 else 0.0
        if abs(said_s - found_s) > EXACT_S:
            fail(
                expected=f"forgotten at second {said_s:.1f}, as your numbers say",
                found=f"second {found_s:.1f}: broker-a was started at "
                f"{seen.broker_s:.1f}, namesrv2 at {seen.server_s:.1f}, the pause came "
                f"at {seen.fault_s:.1f}",
                why="both count from their own start: the broker when it registers, "
                "the name server when it looks for the silent",
                next_step="two watch in a name server, each by its own clock: "
                "namesrv/server.py, Expiry, and remoting/server.py, _close_idle",
                reproduce=see.reproduce,
            )


def predicted(
    seen: Seen,
    again_s: float,
    every_s: float,
    silent_s: float,
    first: float,
    step: float,
) -> float:
    """Return when silence is noticed, by five numbers and three moments."""
    last_s, next_s = seen.broker_s, seen.broker_s + again_s
    while next_s <= seen.fault_s:
        last_s, next_s = next_s, next_s + every_s
    look_s = seen.server_s + first
    while look_s <= last_s + silent_s:
        look_s += step
    return look_s


@EXERCISE.check(points=3)
def the_client_learns_in_its_time(see: Trial) -> None:
    """A producer that asks name server 2 stops trying broker-a when you said."""
    stops = see.answer("stops", dict, "a dictionary: fault → (earliest, latest)")
    for fault in FAULTS:
        _span(see, "stops", fault, stops[fault], WIDEST_CLIENT_S[fault])
    for fault in FAULTS:
        for seed in see.seeds(SEEDS):
            what = f"{fault}, the producer"
            _within(see, what, fate(fault, seed), "client", stops[fault])
