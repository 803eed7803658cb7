"""Exercise 10: choose a mode for a loss budget, and prove that no cheaper one does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import permutations
from random import Random
from typing import NoReturn

from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.blocking import BlockingProducer
from rmqlab.client.sent import SendError, SendStatus

EXERCISE = Exercise("10_choose_mode", topology="2m-2s-sync", runtime="sim")

Choice = tuple[str, str]
Plan = list[str]

PRICES = {"2m-noslave": 2, "2m-2s-async": 4, "2m-2s-sync": 5}
FLUSH_PRICES = {"ASYNC_FLUSH": 0, "SYNC_FLUSH": 2}
SEEDS, EVERY_S, BACK_S = 3, 0.02, 10.0
ROUNDS = 3
"""Of a blackout: what was not flushed is lost by chance, page by page."""
MOST_STEPS, MOST_SENT, LONGEST_S = 12, 100, 60
STEPS = "send N, wait S, cut cable, mend cable, burn host1, blackout"


@dataclass(frozen=True)
class Service:
    """What a service may lose of what got SEND_OK, and to what."""

    name: str
    may_lose: int
    faults: tuple[str, ...]
    choice: Choice
    """The cheapest that does."""
    cheaper: tuple[Choice, ...]
    """Those one step below, each of which loses too much to something."""

    def forbids(self, plan: Plan) -> list[str]:
        """Return the steps of a plan that never befall this service."""
        return (
            []
            if "blackout" in self.faults
            else [step for step in plan if step == "blackout"]
        )


CLICKS = Service(
    "clicks",
    may_lose=10,
    faults=("fire",),
    choice=("2m-2s-async", "ASYNC_FLUSH"),
    cheaper=(("2m-noslave", "ASYNC_FLUSH"),),
)
PAYMENTS = Service(
    "payments",
    may_lose=0,
    faults=("fire",),
    choice=("2m-2s-sync", "ASYNC_FLUSH"),
    cheaper=(("2m-2s-async", "ASYNC_FLUSH"),),
)
VAULT = Service(
    "vault",
    may_lose=0,
    faults=("fire", "blackout"),
    choice=("2m-2s-sync", "SYNC_FLUSH"),
    cheaper=(("2m-2s-sync", "ASYNC_FLUSH"), ("2m-2s-async", "SYNC_FLUSH")),
)


def price(choice: Choice) -> int:
    """Return what a choice costs."""
    return PRICES[choice[0]] + FLUSH_PRICES[choice[1]]


def lost(choice: Choice, plan: Plan, seed: int = 1) -> int:
    """Play a plan; return how many SEND_OK messages no running broker has in the end.

    At the end the cable is mended.

    Raises:
        ValueError: a step is none.
    """
    topology, flush = choice
    with bench.cluster_with_topic(topology, seed, flushDiskType=flush) as cluster:
        play = _Play(cluster)
        for step in plan:
            play.do(step)
        play.mend_cable()
        cluster.run(BACK_S)
        return len(play.promised - bench.keys_on_disks(cluster))


class _Play:
    """A cluster and who sends to it; each step of a plan is a verb here."""

    def __init__(self, cluster: SimLab) -> None:
        self.cluster, self.promised = cluster, set[str]()
        self._sender: BlockingProducer = bench.producer(
            cluster, "sender", cluster.name_servers
        )
        self._count = 0

    def do(self, step: str) -> None:
        """Do one step.

        Raises:
            ValueError: it is none.
        """
        verb, _, what = step.partition(" ")
        if verb == "send":
            self._send(_number(step, what, MOST_SENT))
            return
        if verb == "wait":
            self.cluster.run(float(_number(step, what, LONGEST_S)))
            return
        verbs: dict[str, Callable[[], None]] = {
            "cut cable": lambda: self._cable(cut=True),
            "mend cable": self.mend_cable,
            "burn host1": lambda: self.cluster.crash("host1"),
            "blackout": self._blackout,
        }
        if step not in verbs:
            raise ValueError(f"{step!r} is none of {STEPS}")
        verbs[step]()

    def _send(self, count: int) -> None:
        for _ in range(count):
            self._count += 1
            with suppress(SendError):
                status = self._sender.send(bench.message(self._count)).status
                if status is SendStatus.SEND_OK:
                    self.promised.add(f"{self._count}")
            self.cluster.run(EVERY_S)

    def mend_cable(self) -> None:
        """Let everything through between the hosts."""
        self._cable(cut=False)

    def _cable(self, *, cut: bool) -> None:
        network, machines = self.cluster.simulation.network, self.cluster.crew.machines
        for one, other in permutations(machines, 2):
            link = network.link(
                machines[one].host.address, machines[other].host.address
            )
            (link.cut if cut else link.heal)()

    def _blackout(self) -> None:
        """Let all hosts that are not burnt lose power at once, and give it back."""
        hosts = [host.name for host in self.cluster.hosts() if host.is_up]
        for host in hosts:
            self.cluster.crash(host)
        for host in hosts:
            self.cluster.boot(host)


def _number(step: str, what: str, most: int) -> int:
    if not what.isdecimal() or not 0 < int(what) <= most:
        raise ValueError(f"{step!r}: 1 to {most}")
    return int(what)


def _unseen(fault: str, seed: int) -> Plan:
    """Return a plan that the grader holds against a choice."""
    dice = Random(f"{fault}/{seed}")  # noqa: S311
    first, last = f"send {dice.randrange(28, 33)}", f"send {dice.randrange(6, 9)}"
    if fault == "fire":
        return [first, "cut cable", last, "burn host1"]
    return ["wait 1", last, "blackout"] * ROUNDS


def _is_chosen(see: Trial, service: Service) -> Choice:
    """Check that a choice keeps to the budget, and is the cheapest that does."""
    chosen = see.answer(service.name, tuple, "a topology and a flushDiskType")
    known = [(mode, flush) for mode in PRICES for flush in FLUSH_PRICES]
    choice = next((one for one in known if one == chosen), None)
    if choice is None:
        _fail(
            see, f"{service.name}: one of {known}", repr(chosen), "choose one of these"
        )
    for fault in service.faults:
        for seed in see.seeds(SEEDS):
            count = lost(choice, _unseen(fault, seed), seed)
            if count > service.may_lose:
                _fail(
                    see,
                    f"{service.name}: at most {service.may_lose} SEND_OK lost to a "
                    f"{fault}",
                    f"{', '.join(choice)}: {count} lost (seed {seed})",
                    "name the copy that is left after the fault, and what a send "
                    "waits for so that it is there",
                )
    if price(choice) > price(service.choice):
        _fail(
            see,
            f"{service.name}: for {price(service.choice)}",
            f"{', '.join(choice)}: {price(choice)}",
            "leave away what no fault of this service asks for",
        )
    return choice


def _is_proven(see: Trial, service: Service, cheaper: Choice, name: str) -> None:
    """Check that a plan breaks the cheaper choice's budget, not the chosen one's."""
    plan = see.answer(name, list, "a list of steps")
    if len(plan) > MOST_STEPS or not all(isinstance(step, str) for step in plan):
        _fail(see, f"{name}: at most {MOST_STEPS} steps", f"{plan}"[:100], STEPS)
    if never := service.forbids(plan):
        _fail(see, f"{name}: faults that befall {service.name}", never[0], STEPS)
    try:
        breaks = _worst(see, cheaper, plan, service.may_lose)
        keeps = _worst(see, service.choice, plan, service.may_lose)
    except ValueError as error:
        _fail(see, f"{name}: steps such as 'send 10'", str(error), f"steps: {STEPS}")
    if not keeps <= service.may_lose < breaks:
        _fail(
            see,
            f"{name}: {', '.join(cheaper)} loses more than {service.may_lose}, and "
            "your choice does not",
            f"{breaks} lost, and {keeps} by your choice",
            "which acknowledged message has one copy only, and when? Strike then; "
            "several times, if it is a matter of chance",
        )


def _worst(see: Trial, choice: Choice, plan: Plan, may_lose: int) -> int:
    """Return how many are lost at worst; look no further once that is too many."""
    worst = 0
    for seed in see.seeds(SEEDS):
        worst = max(worst, lost(choice, plan, seed))
        if worst > may_lose:
            break
    return worst


def _fail(see: Trial, expected: str, found: str, next_step: str) -> NoReturn:
    fail(
        expected=expected,
        found=found,
        why="whoever pays for a mode should know which night would have been lost "
        "without it",
        next_step=next_step,
        reproduce=see.reproduce,
    )


def _solved(see: Trial, service: Service, *proofs: str) -> None:
    _is_chosen(see, service)
    for cheaper, name in zip(service.cheaper, proofs, strict=True):
        _is_proven(see, service, cheaper, name)


@EXERCISE.check(points=3)
def clicks_keep_to_their_budget(see: Trial) -> None:
    """Clicks lose at most ten to a fire; without slaves they would lose more."""
    _solved(see, CLICKS, "clicks_proof")


@EXERCISE.check(points=3)
def payments_outlive_a_fire(see: Trial) -> None:
    """Payments outlive a fire; with asynchronous slaves some would not."""
    _solved(see, PAYMENTS, "payments_proof")


@EXERCISE.check(points=4)
def the_vault_outlives_everything(see: Trial) -> None:
    """The vault outlives fires and blackouts, and nothing that it pays for is vain."""
    _solved(see, VAULT, "vault_proof_flush", "vault_proof_copy")
