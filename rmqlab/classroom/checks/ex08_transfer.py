"""Exercise 08: a transfer between two banks that survives its producer's crash."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Any, NoReturn

from rmqlab.classroom.checks import CheckFailed, Exercise, fail
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.cluster import SimDriver
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.classroom.verbs import Table
from rmqlab.client.transaction import TransactionProducer, Verdict
from rmqlab.protocol.message import Message, StoredMessage

EXERCISE = Exercise("08_transfer", topology="1m", runtime="sim")

TOPIC, GROUP = "transfers", "our-bank"
ACCOUNTS = {"anna": 60, "ben": 90, "cleo": 5}
"""What is on them in the beginning."""
ORDERS = {"anna": 10, "ben": 20, "cleo": 10}
"""What is to be transferred each time: all transfers of an account are alike."""
LATE_S = 80.0
"""Later than the broker's first question, which comes within 66 s."""
SETTLE_S = 300.0
"""Time for some more questions."""

WHAT = "a function: ledger and transfer → ledger and verdict"


class Moment(Enum):
    """When the work begins, and when its producer dies."""

    FINE = "goes well"
    BEFORE = "dies before its work"
    AFTER = "dies after its work"
    LATE = "works late"
    LATE_AFTER = "works late, dies after that"


LATE = (Moment.LATE, Moment.LATE_AFTER)
"""The work begins when the broker has asked already."""
DIES_AFTER = (Moment.AFTER, Moment.LATE_AFTER)
"""The work is done, and its verdict never told."""


@dataclass
class Transfer:
    """One transfer and what became of it."""

    key: str
    account: str
    amount: int
    moment: Moment
    could_afford: bool = False
    """When the work began."""
    taken: Counter[str] = field(default_factory=Counter)
    """What was taken here, by account."""
    told: list[Verdict] = field(default_factory=list)
    """The verdicts that left for the broker."""
    has_arrived: bool = False
    """Whether the other bank got the message."""

    @property
    def missing(self) -> int:
        """What is missing in this bank's books since."""
        return self.taken.total()

    @property
    def arrived(self) -> int:
        """What the other bank books."""
        return self.amount if self.has_arrived else 0

    @property
    def is_whole(self) -> bool:
        """Whether it is in both banks' books, or in neither."""
        booked = {account: amount for account, amount in self.taken.items() if amount}
        return booked == ({self.account: self.amount} if self.has_arrived else {})

    @property
    def is_open(self) -> bool:
        """Whether the broker still does not know what became of it."""
        return not {Verdict.COMMIT, Verdict.ROLLBACK} & set(self.told)

    @property
    def story(self) -> tuple[str, ...]:
        """It in a row of a table."""
        told = ", ".join(one.name for one in self.told)
        money = f"{self.amount}", f"{self.missing}", f"{self.arrived}"
        return self.key, self.account, self.moment.value, told, *money


HEADINGS = ("key", "account", "producer", "told", "amount", "taken here", "there")


class Drill:
    """A day at our bank: transfers, each of a branch of its own, and some deaths."""

    def __init__(self, see: Trial, next_step: str = "") -> None:
        self._see, self._next_step = see, next_step
        self.ledger: dict[str, Any] = {"balance": dict(ACCOUNTS)}
        """It is in a database: it outlives every producer."""
        self.transfers: dict[str, Transfer] = {}
        self.failures: list[CheckFailed] = []
        """Why a call gave nothing that can be used."""
        self._dice = Random(f"transfers {see.seed}")  # noqa: S311

    def hold(self, *moments: Moment) -> None:
        """Transfer for each account at each moment; wait until the broker has asked."""
        deck = [(moment, account) for moment in moments for account in ACCOUNTS]
        self._dice.shuffle(deck)
        with SimLab.up(EXERCISE.topology, seed=self._see.seed) as cluster:
            with cluster.admin() as admin:
                admin.create_topic(TOPIC, queues=1)
            self._open(cluster, "head office")  # makes none, and can be asked
            for number, (moment, account) in enumerate(deck):
                self._make(cluster, f"branch {number}", moment, account)
            cluster.run(SETTLE_S)
            for message in cluster.messages_on_disk("broker-a"):
                if message.topic == TOPIC:
                    self._of(message).has_arrived = True

    def _open(
        self, cluster: SimLab, branch: str
    ) -> tuple[SimDriver, TransactionProducer]:
        driver = cluster.new_client(branch)
        to = GROUP, cluster.name_servers, self._asked, None, driver.place
        return driver, driver.run(TransactionProducer(*to).__aenter__())

    def _make(self, cluster: SimLab, branch: str, moment: Moment, account: str) -> None:
        driver, producer = self._open(cluster, branch)
        key, amount = f"{self._dice.getrandbits(32):08x}", ORDERS[account]
        one = self.transfers[key] = Transfer(key, account, amount, moment)

        async def work(message: Message) -> Verdict:
            if moment in LATE:
                await asyncio.sleep(LATE_S)
            if moment is Moment.BEFORE:
                await _die(driver)
            one.could_afford = self.ledger["balance"][account] >= amount
            verdict = self._call("work", one)
            if moment in DIES_AFTER:
                await _die(driver)
            one.told.append(verdict)
            return verdict

        half = Message(TOPIC, b"%d" % amount, keys=key)
        sending = driver.process.start(producer.send(half, work))
        cluster.run_until(lambda: sending.done() or not driver.process.is_alive)

    def _asked(self, message: StoredMessage) -> Verdict:
        """Answer the broker, at whichever branch it asks."""
        one = self._of(message)
        verdict = self._call("check", one)
        one.told.append(verdict)
        return verdict

    def _of(self, message: StoredMessage) -> Transfer:
        return self.transfers[message.keys or ""]

    def _call(self, name: str, one: Transfer) -> Verdict:
        """Call a function, and keep the ledger that it gives: all of it, or nothing."""
        transfer = {"key": one.key, "account": one.account, "amount": one.amount}
        try:
            function = self._see.function(name, WHAT)
            done = function({"ledger": self.ledger, "transfer": transfer})
            ledger, verdict = _read(self._see, name, done, self._next_step)
        except CheckFailed as failed:
            self.failures.append(failed)  # to be raised outside of the producer
            return Verdict.UNKNOWN
        for account, before in self.ledger["balance"].items():
            one.taken[account] += before - ledger["balance"][account]
        self.ledger = ledger
        return verdict


async def _die(driver: SimDriver) -> NoReturn:
    """End the process that this is a part of."""
    driver.process.kill()
    await asyncio.Event().wait()
    raise AssertionError("the dead do not wake up")


def _read(
    see: Trial, name: str, done: Any, next_step: str
) -> tuple[dict[str, Any], Verdict]:
    """Return the ledger and the verdict that a function gave."""
    ledger = done.get("ledger") if isinstance(done, dict) else None
    balance = ledger.get("balance") if isinstance(ledger, dict) else None
    is_ledger = (
        isinstance(ledger, dict)
        and isinstance(balance, dict)
        and balance.keys() == ACCOUNTS.keys()
        and all(type(amount) is int for amount in balance.values())
    )
    verdict = done.get("verdict") if isinstance(done, dict) else None
    if not is_ledger or verdict not in [*Verdict.__members__]:
        fail(
            expected=f"{name}: {WHAT}: {{'ledger': {{'balance': …, …}}, 'verdict': …}}",
            found=f"{done!r}"[:100],
            why="the ledger that is returned is the one that is kept; of verdicts "
            f"there are {', '.join(Verdict.__members__)}",
            next_step="return the whole ledger that was given, changed where need be; "
            f"then {next_step}",
            reproduce=see.reproduce,
        )
    assert isinstance(ledger, dict)
    return ledger, Verdict[verdict]


def rehearse(work: Callable[..., Any], check: Callable[..., Any], seed: int) -> Table:
    """Hold a drill with every kind of death, and tell what became of each transfer."""
    drill = Drill(Trial(EXERCISE.id, seed, {"work": work, "check": check}))
    drill.hold(*Moment)
    return Table(HEADINGS, [one.story for one in drill.transfers.values()])


# ── the checks ────────────────────────────────────────────────────────────────


@EXERCISE.check(points=3)
def on_good_days_each_transfer_is_in_both_books(see: Trial) -> None:
    """Where nobody dies, what can be afforded arrives, and nothing else does."""
    next_step = "take the amount and COMMIT, or take nothing and ROLLBACK"
    drill = _held(see, next_step, *[Moment.FINE] * 5)
    wrong = [
        one
        for one in drill.transfers.values()
        if not one.is_whole or one.has_arrived != one.could_afford
    ]
    _compare(
        see,
        wrong,
        "those that can be afforded in both books, the others in neither",
        next_step,
    )


@EXERCISE.check(points=4)
def it_survives_the_death_of_its_producer(see: Trial) -> None:
    """Whenever a branch dies, each transfer is in both books or in neither."""
    next_step = (
        "let the work leave a mark in the ledger by which check, in another process, "
        "knows this very transfer"
    )
    drill = _held(see, next_step, *[Moment.FINE, Moment.BEFORE, Moment.AFTER] * 2)
    transfers = drill.transfers.values()
    _compare(
        see,
        [one for one in transfers if not one.is_whole or one.is_open],
        "each in both books or in neither, and the broker told which",
        next_step,
    )


@EXERCISE.check(points=3)
def a_late_work_keeps_to_what_was_answered(see: Trial) -> None:
    """So it is where the broker asks before the work has begun."""
    next_step = (
        "let what check answers bind the work that comes later: keep the answer in the "
        "ledger, and have work look there first"
    )
    drill = _held(see, next_step, Moment.FINE, *LATE)
    transfers = drill.transfers.values()
    _compare(
        see,
        [one for one in transfers if not one.is_whole],
        "each in both books or in neither",
        next_step,
    )


def _held(see: Trial, next_step: str, *moments: Moment) -> Drill:
    drill = Drill(see, next_step)
    drill.hold(*moments)
    if drill.failures:
        raise drill.failures[0]
    return drill


def _compare(see: Trial, wrong: list[Transfer], expected: str, next_step: str) -> None:
    for one in wrong:
        told = " then ".join(verdict.name for verdict in one.told) or "nothing"
        fail(
            expected=f"transfers: {expected}",
            found=f"one of {one.amount} from {one.account}, whose producer "
            f"{one.moment.value}: taken here {one.missing}, arrived there "
            f"{one.arrived}, the broker was told {told}",
            why="a half message that nobody settles is asked about, at any producer of "
            "its group; COMMIT lets the other bank have it, ROLLBACK takes it away",
            next_step=next_step,
            reproduce=see.reproduce,
        )
