"""What is asked of a store: pulls of 32 in turn, pulls of one and keys anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from rmqlab.classroom.bench.part import BenchError, Sizes
from rmqlab.classroom.bench.store import shelf
from rmqlab.classroom.bench.store.filling import FOLDER
from rmqlab.classroom.bench.watch import Memory, Watch
from rmqlab.store.results import Got
from rmqlab.store.store import MessageStore

MANY = 32
LOOK_EVERY = 1000
"""Pulls between two looks at the memory."""

Place = tuple[int, int]
"""A queue, and an offset in it."""


def fetch(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Pull from the store that `filling` left."""
    store = shelf.store_in(folder / FOLDER)
    store.open()
    memory, count = Memory(), sizes["pulls"]
    of_many, many_s = _pull(store, _in_turn(sizes["messages"], count), MANY, memory)
    of_one, one_s = _pull(store, _anywhere(sizes["messages"], count), 1, memory)
    of_key, key_s = _query(store, sizes["messages"], count)
    store.abandon()
    if of_one != count or of_key != count:
        raise BenchError(
            f"{count} pulls of one message brought {of_one} messages, and as many "
            f"queries by key {of_key}"
        )
    return {
        "pulls of 32": many_s.rate(count),
        "messages in pulls of 32": many_s.rate(of_many),
        "pulls of one": one_s.rate(count),
        "queries by key": key_s.rate(count),
        "memory at most, fetching": memory.most,
    }


def _in_turn(messages: int, count: int) -> Iterator[Place]:
    """Yield places 32 apart, one queue after the other, and from the start again."""
    steps = max(1, messages // shelf.QUEUES // MANY)
    for n in range(count):
        yield n // steps % shelf.QUEUES, n % steps * MANY


def _anywhere(messages: int, count: int) -> Iterator[Place]:
    random = Random(1)  # noqa: S311 - the same places in every run
    for _ in range(count):
        yield random.randrange(shelf.QUEUES), random.randrange(messages // shelf.QUEUES)


def _pull(
    store: MessageStore, places: Iterator[Place], limit: int, memory: Memory
) -> tuple[int, Watch]:
    """Pull at each place; return how many messages came, and the time it took."""
    found, watch = 0, Watch()
    asked = list(places)
    for first in range(0, len(asked), LOOK_EVERY):
        with watch.running():
            for queue_id, offset in asked[first : first + LOOK_EVERY]:
                found += len(_get(store, queue_id, offset, limit).records)
        memory.look()
    return found, watch


def _query(store: MessageStore, messages: int, count: int) -> tuple[int, Watch]:
    """Ask for messages by their keys; return how many came, and the time it took."""
    random = Random(2)  # noqa: S311 - the same keys in every run
    numbers = [random.randrange(messages) for _ in range(count)]
    found, watch = 0, Watch()
    with watch.running():
        for number in numbers:
            one = store.reading.by_key(
                shelf.TOPIC, shelf.key_of(number), MANY, 0, shelf.stored_ms(number)
            )
            found += len(one)
    return found, watch


def _get(store: MessageStore, queue_id: int, offset: int, limit: int) -> Got:
    return store.reading.get(shelf.TOPIC, queue_id, offset, limit, lambda _: True)
