"""Which queue a message goes to: the next in turn, or one that its sender selects.

    in turn          round all queues of all brokers, after a failure past that broker
    by_hash(key)     always the same queue for a key: what belongs together keeps order
    at_random(dice)  any

A selector is a function from the queues to one of them.  It sees the queues of all
brokers that have a master.  While one has none keys move to other queues, and what was
sent to the old one and to the new one is in no order.  A topic whose queues an operator
has fixed (`mqadmin updateOrderConf`) has them all the time: sends to some fail then.

Source: MQFaultStrategy.java, TopicPublishInfo.java, SelectMessageQueueByHash.java,
SelectMessageQueueByRandom.java, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from rmqlab.client.faults import FaultTable
from rmqlab.protocol.message import MessageQueue, java_hash

Queues = Sequence[MessageQueue]
Selector = Callable[[Queues], MessageQueue]


def by_hash(key: str) -> Selector:
    """Return what selects a key's queue: the one that Java's clients select, too."""
    value = java_hash(key)

    def select(queues: Queues) -> MessageQueue:
        remainder = abs(value) % len(queues)  # Java's % has its left side's sign
        return queues[remainder]

    return select


def at_random(dice: Random) -> Selector:
    """Return what selects any queue."""
    return dice.choice


def only(queue: MessageQueue) -> Selector:
    """Return what selects one queue, whatever there is."""
    return lambda _: queue


class Turns:
    """One producer's place in the round, and what it knows of its brokers.

    With `avoids_faults` (sendLatencyFaultEnable) a broker that failed or was slow is
    left alone for a while; else only the one that has just failed is stepped over.
    """

    def __init__(self, start: int, *, avoids_faults: bool) -> None:
        self._turn, self._avoids_faults = start, avoids_faults
        self._faults = FaultTable()

    def next(
        self, queues: Queues, failed_broker: str | None, now_ms: float
    ) -> MessageQueue:
        """Return the next queue in turn, of a broker that is likely to answer."""
        count = len(queues)
        in_turn = [queues[(self._turn + 1 + one) % count] for one in range(count)]
        if self._avoids_faults:
            chosen = self._soundest(in_turn, now_ms)
        else:
            others = (one for one in in_turn if one.broker_name != failed_broker)
            chosen = next(others, in_turn[0])
        self._turn += 1 + in_turn.index(chosen)
        return chosen

    def _soundest(self, in_turn: Queues, now_ms: float) -> MessageQueue:
        """Return the first whose broker is not left alone, or of the least bad."""
        for queue in in_turn:
            if self._faults.is_available(queue.broker_name, now_ms):
                return queue
        least_bad = self._faults.least_bad(now_ms)
        of_it = (one for one in in_turn if one.broker_name == least_bad)
        return next(of_it, in_turn[0])

    def answered(self, broker: str, took_ms: float, now_ms: float) -> None:
        """A broker answered a send, after so long."""
        if self._avoids_faults:
            self._faults.answered(broker, took_ms, now_ms)

    def failed(self, broker: str, now_ms: float) -> None:
        """A send to a broker failed."""
        if self._avoids_faults:
            self._faults.failed(broker, now_ms)
