"""Ten thousand messages of every kind that a client sends, as LineClient is asked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from itertools import cycle
from random import Random
from typing import Any

from tests.interop.mixture import LEVELS, TAGS
from tests.interop.real import BROKER_NAME

COUNT = 10_000
PLAIN_TOPICS, PLAIN_QUEUES = 10, 4
LONG, SETTLED = "long", "settled"
TOPICS = {
    **{f"mixed-{number}": PLAIN_QUEUES for number in range(PLAIN_TOPICS)},
    LONG: 1,
    SETTLED: 2,
}
VERDICTS = ("COMMIT_MESSAGE", "ROLLBACK_MESSAGE", "UNKNOW")
TRANSACTIONS = 30
NOTED = 2 * TRANSACTIONS // len(VERDICTS)
"""Of those whose end the broker notes down: it forgets none that is unknown."""
BATCH_FULL = 50
BODY_BYTES = (1, 40, 100, 300)
"""A client of RocketMQ sends no empty body."""


class Sendings:
    """Makes the requests: single messages, batches and transactions."""

    def __init__(self) -> None:
        self._random = Random(6)
        self._made = 0

    def requests(self) -> Iterator[dict[str, Any]]:
        """Yield the requests, in a mixture that is the same each time."""
        for verdict, _ in zip(cycle(VERDICTS), range(TRANSACTIONS), strict=False):
            message = self._message(b"perhaps")
            yield {
                "do": "settle",
                "topic": SETTLED,
                "verdict": verdict,
                "message": message,
            }
        while self._made < COUNT:
            # Most messages in batches: each request is a round trip.
            yield from (self._single() for _ in range(15))
            yield self._sending(self._topic(), self._batch())
            yield self._sending(LONG, self._batch())

    def _topic(self) -> str:
        return f"mixed-{self._random.randrange(PLAIN_TOPICS)}"

    def _sending(self, topic: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "do": "send",
            "topic": topic,
            "broker": BROKER_NAME,
            "queue": self._random.randrange(TOPICS[topic]),
            "messages": messages,
        }

    def _batch(self) -> list[dict[str, Any]]:
        sizes = self._random.choices(BODY_BYTES, k=self._random.randint(2, BATCH_FULL))
        return [self._message(self._random.randbytes(size)) for size in sizes]

    def _single(self) -> dict[str, Any]:
        """Return one message; a long body is compressed by the client."""
        chance = self._random.random()
        size = self._random.choice(BODY_BYTES)
        body, delay = self._random.randbytes(size), 0
        if chance < 0.1:
            body = b"coffee %d " % self._made * 600
        elif chance < 0.11:
            body = self._random.randbytes(200_000)
        elif chance < 0.2:
            delay = self._random.choice(list(LEVELS))
        return self._sending(self._topic(), [self._message(body, delay)])

    def _message(self, body: bytes, delay: int = 0) -> dict[str, Any]:
        chance, number = self._random, self._made
        self._made += 1
        keys = [f"order-{number}", f"shared-{number % 1000}", f"ключ-{number}"]
        return {
            "body": base64.b64encode(body).decode(),
            "flag": number % 3,
            "delay": delay,
            "tags": chance.choice([None, *TAGS]),
            "keys": " ".join(keys[: chance.randint(1, 3)]) if number % 3 else None,
            "properties": {"colour": "blau ☕"} if number % 4 == 0 else {},
        }


def outline(message: dict[str, Any]) -> list[Any]:
    """Return what is asked to be sent, as a reader would see it."""
    body = hashlib.sha256(base64.b64decode(message["body"])).hexdigest()
    delay = str(message["delay"]) if message["delay"] else None
    colour = message["properties"].get("colour")
    return [body, message["flag"], message["tags"], message["keys"], colour, delay]
