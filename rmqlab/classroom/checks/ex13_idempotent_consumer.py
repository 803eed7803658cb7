"""Exercise 13: what comes twice after a master's outage, and books that stand it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.protocol.message import MessageQueue, StoredMessage

EXERCISE = Exercise("13_idempotent_consumer", topology="2m-2s-sync", runtime="sim")

TOPIC, GROUP = "payments", "books"
MASTER, SLAVE = "broker-a", "broker-a-s"
QUEUES = 2
ACCOUNTS = ("anna", "ben", "cleo")
AMOUNTS = (5, 10, 20)
"""Few: two payments may well be alike."""
PAYMENTS, RESENT = (12, 25), 0.2
"""How many are made in each part of the drill; how many of them are sent twice."""
SETTLE_S = 25.0
BATCHES = (10, 30)
DIES = 0.3
"""How often the application dies after a batch, before its books are kept."""

Delivery = dict[str, Any]
Offsets = dict[str, int]
"""By queue; its number is text, as JSON has it."""


@dataclass(frozen=True)
class Restart:
    """What was known when the consumer was started anew, and what came twice then."""

    picture: dict[str, Any]
    twice: Offsets


@dataclass
class Drill:
    """A consumer's life through its master's outage."""

    cluster: SimLab
    dice: Random
    restarts: list[Restart] = field(default_factory=list)
    came: list[StoredMessage] = field(default_factory=list)
    """All that was delivered, in this order."""
    paid: dict[str, tuple[str, int]] = field(default_factory=dict)
    """What was really paid: an account and an amount, by key."""
    ends: Offsets = field(default_factory=lambda: dict.fromkeys("01", 0))
    """Of the queues."""

    def pay(self) -> None:
        """Make some payments; the shop sends some again, with the same key."""
        for _ in range(self.dice.randint(*PAYMENTS)):
            key = f"{self.dice.getrandbits(32):08x}"
            account, amount = self.dice.choice(ACCOUNTS), self.dice.choice(AMOUNTS)
            self.paid[key] = account, amount
            self._send(key, account, amount)
            if self.dice.random() < RESENT:
                self._send(key, account, amount)

    def _send(self, key: str, account: str, amount: int) -> None:
        body = json.dumps({"account": account, "amount": amount})
        queue_id = self.dice.randrange(QUEUES)
        with self.cluster.producer("shop") as shop:
            queue = MessageQueue(TOPIC, MASTER, queue_id)
            shop.send(TOPIC, body, keys=key, queue=queue)
        self.ends[f"{queue_id}"] += 1

    def offsets(self, node: str) -> Offsets:
        """Return how far the group has come, as a broker knows it."""
        with self.cluster.admin() as admin:
            table = admin.consumer_offsets(self.cluster.node(node).address)
        known = table.get(f"{TOPIC}@{GROUP}", {})
        return {f"{one}": known.get(one, 0) for one in range(QUEUES)}

    def consume(self, offsets: Offsets) -> list[StoredMessage]:
        """Consume from these offsets to the end; return what came."""
        came: list[StoredMessage] = []
        wanted = sum(self.ends[queue] - offset for queue, offset in offsets.items())
        with self.cluster.consumer(TOPIC, came.append, GROUP):
            self.cluster.wait_until(lambda: len(came) >= wanted)
        self.came += came
        return came

    def start_anew(self, asked: str, offsets: dict[str, Offsets]) -> None:
        """Start the consumer anew, and note what was known and what came twice."""
        consumed = {
            queue: len({one.queue_offset for one in self.came if one.queue_id == at})
            for at, queue in enumerate("01")
        }
        before = {(one.queue_id, one.queue_offset) for one in self.came}
        came = self.consume(offsets[asked])
        again = Counter(
            f"{one.queue_id}"
            for one in came
            if (one.queue_id, one.queue_offset) in before
        )
        twice = {queue: again[queue] for queue in "01"}
        picture = {"asked": asked, "offsets": offsets, "consumed": consumed}
        self.restarts.append(Restart(picture, twice))


def drill(seed: int) -> Drill:
    """Hold a drill: consume, kill the master, consume elsewhere, bring it back.

    The consumer is started anew twice: after the kill, and after the return.
    """
    dice = Random(f"drill {seed}")  # noqa: S311
    with SimLab.up(EXERCISE.topology, seed=seed) as cluster:
        with cluster.admin() as admin:
            admin.create_topic(TOPIC, QUEUES, MASTER)
        cluster.run(SETTLE_S)
        held = Drill(cluster, dice)
        held.pay()
        held.consume(held.offsets(MASTER))
        cluster.run(SETTLE_S)  # the slave asks for the offsets
        held.pay()
        held.consume(held.offsets(MASTER))
        known = {MASTER: held.offsets(MASTER), SLAVE: held.offsets(SLAVE)}
        cluster.kill(MASTER)
        held.start_anew(SLAVE, known)
        at_slave = held.offsets(SLAVE)
        cluster.restart(MASTER)
        known = {MASTER: held.offsets(MASTER), SLAVE: at_slave}
        held.pay()
        held.start_anew(MASTER, known)
    return held


# ── what comes twice ──────────────────────────────────────────────────────────


@EXERCISE.check(points=4)
def what_comes_twice_is_foretold(see: Trial) -> None:
    """You can tell how many messages of each queue come a second time."""
    foretell = see.function("twice", "a function: picture → queue → number")
    for one in drill(see.seed).restarts:
        said = foretell(one.picture)
        if said != one.twice:
            fail(
                expected=f"twice({one.picture}): what came that had come before",
                found=f"{said!r}, which is not what happened"[:100],
                why="a consumer that starts asks one broker how far its group has "
                "come; what the master knows flows to the slave every ten seconds, "
                "and nothing flows back",
                next_step="compare for each queue what was consumed with what the "
                "broker that is asked knows of it",
                reproduce=see.reproduce,
            )


# ── the books ─────────────────────────────────────────────────────────────────


def delivery(message: StoredMessage) -> Delivery:
    """Return a message as `book` gets it."""
    return {
        "key": message.keys,
        "msg_id": message.msg_id,
        "queue": message.queue_id,
        "offset": message.queue_offset,
        **json.loads(message.body),
    }


def right_balance(paid: dict[str, tuple[str, int]]) -> dict[str, int]:
    """Return what each account got."""
    balance = dict.fromkeys(ACCOUNTS, 0)
    for account, amount in paid.values():
        balance[account] += amount
    return balance


@EXERCISE.check(points=3)
def nothing_is_booked_twice(see: Trial) -> None:
    """After a drill each payment is in the books, and none twice."""
    _keep_books(
        see,
        dies=0.0,
        next_step="find what is the same in both copies of one payment, and different "
        "in two payments",
    )


@EXERCISE.check(points=3)
def the_books_outlive_their_application(see: Trial) -> None:
    """So it is where the application dies in the midst of it, too."""
    _keep_books(
        see,
        dies=DIES,
        next_step="keep what you have seen in the books: what lies elsewhere dies "
        "with the application",
    )


def _keep_books(see: Trial, dies: float, next_step: str) -> None:
    """Deliver what a drill delivered; compare the books with what was paid."""
    book = see.function("book", "a function that returns the new books")
    held, dice = drill(see.seed), Random(f"books {see.seed}")  # noqa: S311
    deliveries = [delivery(one) for one in held.came]
    books: Any = {"balance": {}}
    while deliveries:
        batch = deliveries[: dice.randint(*BATCHES)]
        kept = book({"books": books, "deliveries": batch})
        if dice.random() < dies:
            continue  # it died: its books are as they were, and the batch comes again
        books, deliveries = kept, deliveries[len(batch) :]
    _compare(see, books, right_balance(held.paid), next_step)


def _compare(see: Trial, books: Any, right: dict[str, int], next_step: str) -> None:
    balance = books.get("balance") if isinstance(books, dict) else None
    if not isinstance(balance, dict):
        balance = {}
    found = {account: balance.get(account, 0) for account in ACCOUNTS}
    if found != right:
        fail(
            expected=f"books whose balance is what was paid: {right}",
            found=f"{found}",
            why="a message comes again with the offset that it had, or as another "
            "message with another id, since its sender had no answer; and two "
            "payments of the same amount are two payments",
            next_step=next_step,
            reproduce=see.reproduce,
        )
