"""Ten thousand messages of every kind that a store knows.

Stored one a millisecond, up to now: what is delayed by an hour or two is not due while
a test lasts, and a time says which message is meant.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator
from itertools import cycle
from random import Random

from rmqlab.client.unique_ids import UniqueIds
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import SCHEDULE_TOPIC, join_properties
from rmqlab.protocol.record import Record
from tests.support import HOST

COUNT = 10_000
PLAIN_TOPICS, PLAIN_QUEUES = 20, 4
HALF_TOPIC, OP_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC", "RMQ_SYS_TRANS_OP_HALF_TOPIC"
TAGS = ("paid", "open", "Stornö", "Zz")
LEVELS = {17: "1h", 18: "2h"}
TOPICS = {
    **{f"mixed-{number}": PLAIN_QUEUES for number in range(PLAIN_TOPICS)},
    "long": 1,
    "batches": 2,
    "zipped": 1,
    "large": 1,
    "%RETRY%readers": 1,
    "settled": 2,
    SCHEDULE_TOPIC: 18,
    HALF_TOPIC: 1,
    OP_TOPIC: 1,
}
"""The topics and how many queues each has."""


class Mixture:
    """Makes the messages, in batches; a batch is stored before the next is made."""

    def __init__(self, *, has_v6: bool) -> None:
        self._has_v6 = has_v6
        self._random = Random(5)
        self._ids = UniqueIds(self._random, pid=77)
        self._first_ms = time.time_ns() // 1_000_000 - COUNT
        self._made = 0

    def batches(self) -> Iterator[list[Record]]:
        """Yield the batches; most have one message."""
        kinds = cycle([*[self._plain] * 30, *[self._long] * 9, *self._rare()])
        while self._made < COUNT:
            yield from next(kinds)()

    def _rare(self) -> list[Callable[[], Iterator[list[Record]]]]:
        return [
            self._batch,
            self._zipped,
            self._large,
            self._delayed,
            self._retried,
            self._settled,
            self._before_4_3,
        ]

    def _record(self, topic: str, queue_id: int, body: bytes, **given) -> Record:
        """Return a message with what a client and a broker add."""
        stored_ms = self._first_ms + self._made
        self._made += 1
        named = given.pop("named", {})
        if self._made % 7:  # not every client gives its messages an id
            named = {"UNIQ_KEY": self._ids.next(stored_ms - 2)} | named
        properties = join_properties(named)
        if self._made % 2 and properties:
            properties += "\x02"  # as 4.4's client ends them
        born_host = (HOST, 40_000 + self._made)
        if self._has_v6 and self._made % 5 == 0:
            given["sys_flag"] = given.get("sys_flag", 0) | SysFlag.BORNHOST_V6
            born_host = ("2001:db8::7", 40_000 + self._made)
        fields = {
            "properties": properties.encode(),
            "flag": self._made % 3,
            "sys_flag": 0,
            "born_timestamp": stored_ms - 2,
            "born_host": born_host,
            "store_timestamp": stored_ms,
            "store_host": (HOST, 10_911),
        }
        return Record(topic, queue_id, body, **fields | given)

    def _named(self) -> dict[str, str]:
        """Return tags, keys and properties, each of them or not."""
        chance, number = self._random, self._made
        named = {}
        if chance.random() < 0.7:
            named["TAGS"] = chance.choice(TAGS)
        if chance.random() < 0.7:
            keys = [f"order-{number}", f"shared-{number % 1000}", f"ключ-{number}"]
            named["KEYS"] = " ".join(keys[: chance.randint(1, 3)])
        if chance.random() < 0.3:
            named["colour"] = "blau ☕"
        return named

    def _plain(self) -> Iterator[list[Record]]:
        topic = f"mixed-{self._random.randrange(PLAIN_TOPICS)}"
        body = self._random.randbytes(self._random.choice([0, 1, 40, 100, 300]))
        queue_id = self._random.randrange(PLAIN_QUEUES)
        yield [self._record(topic, queue_id, body, named=self._named())]

    def _long(self) -> Iterator[list[Record]]:
        """One queue over several files."""
        yield [self._record("long", 0, b"%d" % self._made, named=self._named())]

    def _batch(self) -> Iterator[list[Record]]:
        queue_id = self._random.randrange(TOPICS["batches"])
        bodies = (b"part %d" % part for part in range(self._random.randint(2, 9)))
        yield [
            self._record("batches", queue_id, body, named=self._named())
            for body in bodies
        ]

    def _zipped(self) -> Iterator[list[Record]]:
        plain = json.dumps([self._made, "coffee " * 800]).encode()
        body, flag = zlib.compress(plain), SysFlag.COMPRESSED
        yield [self._record("zipped", 0, body, sys_flag=flag, named=self._named())]

    def _large(self) -> Iterator[list[Record]]:
        """A few are larger than what one pull answers."""
        size = 300_000 if self._made % 10 == 0 else 5000
        yield [self._record("large", 0, self._random.randbytes(size))]

    def _delayed(self) -> Iterator[list[Record]]:
        level = self._random.choice(list(LEVELS))
        real = {"DELAY": str(level), "REAL_TOPIC": "mixed-0", "REAL_QID": "1"}
        named = self._named() | real
        yield [self._record(SCHEDULE_TOPIC, level - 1, b"later", named=named)]

    def _retried(self) -> Iterator[list[Record]]:
        named = self._named() | {"RETRY_TOPIC": "mixed-1"}
        topic, times = "%RETRY%readers", self._random.randrange(1, 16)
        yield [self._record(topic, 0, b"again", reconsume_times=times, named=named)]

    def _settled(self) -> Iterator[list[Record]]:
        """A half message, for most what became of it, and the note of that."""
        named = self._named() | {"TRAN_MSG": "true", "PGROUP": "writers"}
        real = {"REAL_TOPIC": "settled", "REAL_QID": "1"}
        half = self._record(HALF_TOPIC, 0, b"perhaps", named=named | real)
        yield [half]
        fate = self._random.choice(["committed", "rolled back", "open"])
        if fate == "committed":
            prepared, flag = half.physical_offset, SysFlag.TRANSACTION_COMMIT
            fields = {"sys_flag": flag, "prepared_offset": prepared, "named": named}
            yield [self._record("settled", 1, b"perhaps", **fields)]
        if fate != "open":
            note = b"%d" % half.queue_offset
            yield [self._record(OP_TOPIC, 0, note, named={"TAGS": "d"})]

    def _before_4_3(self) -> Iterator[list[Record]]:
        """A message prepared in its own topic, and one rolled back: in no queue."""
        for flag in (SysFlag.TRANSACTION_PREPARED, SysFlag.TRANSACTION_ROLLBACK):
            named = self._named()
            yield [self._record("settled", 0, b"old", sys_flag=flag, named=named)]
