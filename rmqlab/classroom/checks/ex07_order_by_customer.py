"""Exercise 07: a pipeline that keeps the order of each customer."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, NoReturn

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.bench import TOPIC, producer
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.push import Consumed, PushConsumer
from rmqlab.protocol.message import Message, MessageQueue, StoredMessage

EXERCISE = Exercise("07_order_by_customer", topology="1m", runtime="sim")

GROUP, QUEUES, TILLS = "kitchen", 4, 2
CUSTOMERS, EACH, MANY = 12, 6, 400
"""Customers of a day, orders of each; and customers whose queues are counted."""
LISTENERS = {"concurrently": False, "orderly": True}
"""By answer, whether it is."""
FAILS = 0.1
"""How often a cook sends an order back, because it cannot be cooked now."""
COOKED_WITHIN_S, EVERY_S, DONE_WITHIN_S = 0.4, 0.1, 300.0

Choose = Callable[[dict[str, Any]], Any]
"""Orders, and how many queues there are → the number of each order's queue."""


class Order(NamedTuple):
    """A customer's order; `number` counts those of the customer."""

    customer: str
    number: int


@dataclass
class Day:
    """What was ordered on a day, and what became of it."""

    orders: list[Order]
    cooked: list[Order] = field(default_factory=list)
    """As they became ready; some may be cooked twice."""

    @property
    def missing(self) -> set[Order]:
        """What was never cooked."""
        return set(self.orders) - set(self.cooked)

    @property
    def numbers(self) -> dict[str, list[int]]:
        """By customer, which numbers became ready one after the other, for once."""
        found: dict[str, list[int]] = {order.customer: [] for order in self.orders}
        for customer, number in dict.fromkeys(self.cooked):
            found[customer].append(number)
        return found

    @property
    def out_of_order(self) -> list[str]:
        """The customers whose orders were not cooked in their order."""
        numbers = self.numbers.items()
        return [customer for customer, one in numbers if one != sorted(one)]


def customers(dice: Random, count: int) -> list[str]:
    """Return the names of so many customers."""
    return [f"{one:06x}" for one in dice.sample(range(1 << 24), count)]


def rounds(dice: Random, names: list[str]) -> list[Order]:
    """Return orders of all customers: each orders once in a round, at any time."""
    mixed = (dice.sample(names, len(names)) for _ in range(EACH))
    return [Order(name, at) for at, turns in enumerate(mixed) for name in turns]


def asked(orders: list[Order], queues: int) -> dict[str, Any]:
    """Return what the choice of a queue is asked for."""
    return {"orders": [one._asdict() for one in orders], "queues": queues}


class Cook:
    """A member of the kitchen, in a process of its own."""

    def __init__(
        self, cluster: SimLab, name: str, day: Day, dice: Random, *, orderly: bool
    ) -> None:
        self._day, self._dice = day, dice
        self._driver = cluster.new_client(name)
        first, place = ConsumeFrom.FIRST_OFFSET, self._driver.place
        to = GROUP, cluster.name_servers, self._cook
        self._consumer = PushConsumer(*to, start=first, orderly=orderly, place=place)
        self._driver.run(self._consumer.__aenter__())
        self._driver.run(self._consumer.subscribe(TOPIC))

    async def _cook(self, message: StoredMessage) -> Consumed:
        await asyncio.sleep(self._dice.uniform(0, COOKED_WITHIN_S))
        if self._dice.random() < FAILS:
            return Consumed.RECONSUME_LATER
        self._day.cooked.append(Order(**json.loads(message.body)))
        return Consumed.SUCCESS

    def goes(self, *, dies: bool) -> None:
        """Leave in good order, or in the midst of the work."""
        if dies:
            self._driver.process.kill()
        else:
            self._driver.run(self._consumer.close())


def hold(seed: int, choose: Choose, *, orderly: bool) -> Day:
    """Hold a day: two tills take orders, and a cook comes while another one goes."""
    dice = Random(f"orders {seed}")  # noqa: S311
    names = customers(dice, CUSTOMERS)
    day = Day(rounds(dice, names))
    with SimLab.up(EXERCISE.topology, seed=seed) as cluster:
        with cluster.admin() as admin:
            admin.create_topic(TOPIC, QUEUES)
        _work(cluster, day, _sent_to(day, choose), dice, orderly=orderly)
    return day


def _sent_to(day: Day, choose: Choose) -> dict[Order, int]:
    """Return the queue of each order; each till chooses for its own ones."""
    chosen: dict[Order, int] = {}
    for till in range(TILLS):
        mine = day.orders[till::TILLS]
        chosen |= zip(mine, choose(asked(mine, QUEUES)), strict=True)
    return chosen


def _work(
    cluster: SimLab, day: Day, sent_to: dict[Order, int], dice: Random, *, orderly: bool
) -> None:
    tills = [
        producer(cluster, f"till-{one}", cluster.name_servers) for one in range(TILLS)
    ]
    ann = Cook(cluster, "ann", day, dice, orderly=orderly)
    comes, goes = sorted(dice.sample(range(1, len(day.orders)), 2))
    for at, order in enumerate(day.orders):
        if at == comes:
            Cook(cluster, "ben", day, dice, orderly=orderly)
        if at == goes:
            ann.goes(dies=dice.random() < 1 / 2)
        body = json.dumps(order._asdict()).encode()
        queue = MessageQueue(TOPIC, "broker-a", sent_to[order])
        tills[at % TILLS].send(Message(TOPIC, body, keys=order.customer), queue)
        cluster.run(EVERY_S)
    with suppress(ClusterError):  # what is missing then is told by the day
        cluster.wait_until(lambda: not day.missing, DONE_WITHIN_S)


# ── the queues ────────────────────────────────────────────────────────────────

ONE_QUEUE = (
    "look at nothing but the customer's name, and use what gives the same number in "
    "every process: hash() of a text does not"
)
MANY_QUEUES = (
    "make a number of the whole name, such as zlib.crc32, and take it % queues"
)
BOTH = "hold a day yourself, and follow one customer's orders through queue and kitchen"


@EXERCISE.check(points=3)
def each_customer_has_one_queue(see: Trial) -> None:
    """Both tills send all orders of a customer to the same queue."""
    choose, dice = _choose(see, ONE_QUEUE), Random(see.seed)  # noqa: S311
    names = customers(dice, CUSTOMERS)
    for queues in (QUEUES, QUEUES + 1):
        found: dict[str, set[int]] = {name: set() for name in names}
        for _ in range(TILLS):
            mine = rounds(dice, names)
            for one, queue in zip(mine, choose(asked(mine, queues)), strict=True):
                found[one.customer].add(queue)
        if torn := {name: sorted(one) for name, one in found.items() if len(one) > 1}:
            _fail_choice(
                see,
                f"{len(torn)} of {len(names)} customers in several queues of {queues}, "
                f"such as {dict(list(torn.items())[:1])}",
                "one queue for each customer, at every till",
                ONE_QUEUE,
            )


@EXERCISE.check(points=2)
def the_queues_share_the_work(see: Trial) -> None:
    """Every queue has its share of the customers."""
    choose, dice = _choose(see, MANY_QUEUES), Random(see.seed)  # noqa: S311
    orders = [Order(name, 0) for name in customers(dice, MANY)]
    found: Counter[int] = Counter(choose(asked(orders, QUEUES)))
    counts = [found[queue] for queue in range(QUEUES)]
    least = MANY // QUEUES // 2
    if min(counts) < least:
        what = f"customers by queue: {counts}"
        wanted = f"at least {least} of {MANY} customers in each queue"
        _fail_choice(see, what, wanted, MANY_QUEUES)


def _choose(see: Trial, next_step: str) -> Choose:
    """Return the choice that was answered; it complains of what is no choice."""
    what = "a function: orders and a number of queues → the number of each one's queue"
    answered = see.function("choose", what)

    def choose(given: dict[str, Any]) -> list[int]:
        found, wanted = answered(given), len(given["orders"])
        numbers = range(given["queues"])
        if not isinstance(found, list) or len(found) != wanted:
            _fail_choice(see, f"{found!r}"[:100], f"choose: {what}", next_step)
        if wrong := [
            one for one in found if type(one) is not int or one not in numbers
        ]:
            _fail_choice(see, f"{wrong[0]!r}", f"queues 0 to {numbers[-1]}", next_step)
        return found

    return choose


def _fail_choice(see: Trial, what: str, wanted: str, next_step: str) -> NoReturn:
    fail(
        expected=wanted,
        found=what,
        why="a queue keeps the order of what is in it, and nothing keeps an order "
        "between two queues; and only as many queues as have messages are worked at",
        next_step=next_step,
        reproduce=see.reproduce,
    )


# ── the kitchen ───────────────────────────────────────────────────────────────


@EXERCISE.check(points=5)
def each_customers_order_is_kept(see: Trial) -> None:
    """Every order is cooked, each customer's in their order, whoever comes and goes."""
    what = f"one of {sorted(LISTENERS)}"
    listener = see.answer("listener", str, what)
    if listener not in LISTENERS:
        _fail_day(see, f"listener = {listener!r}"[:100], f"listener: {what}")
    choose = _choose(see, BOTH)
    for seed in see.seeds(2):
        day = hold(seed, choose, orderly=LISTENERS[listener])
        if day.missing:
            found = f"{len(day.missing)} never cooked"
            _fail_day(see, found, f"{len(day.orders)} orders cooked")
        if day.out_of_order:
            name = day.out_of_order[0]
            found = f"{len(day.out_of_order)} out of order, such as {day.numbers[name]}"
            _fail_day(see, found, f"{CUSTOMERS} customers served in their order")


def _fail_day(see: Trial, what: str, wanted: str) -> NoReturn:
    fail(
        expected=wanted,
        found=what,
        why="a listener that is called concurrently finishes the second order before "
        "the first, and the first again later, when it failed; and a queue must not "
        "have two cooks while it changes hands",
        next_step=BOTH,
        reproduce=see.reproduce,
    )
