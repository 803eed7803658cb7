"""Many messages in batches of a size, each as large as it says."""

from __future__ import annotations

import pytest

from rmqlab.client import batches, outgoing
from rmqlab.protocol.message import UNIQ_KEY, Message

SIZES = [1, 5, 900, 3, 2000, 7, 7, 7]


def orders():
    return [
        Message("orders", bytes(size), keys=f"order-{number}", tags="ü")
        for number, size in enumerate(SIZES)
    ]


def named(messages):
    """Give each message an id, as the producer does."""
    for number, message in enumerate(messages):
        message.properties[UNIQ_KEY] = f"{number:032}"
    return messages


def bytes_of(messages):
    return len(outgoing.of_batch(messages).body)


@pytest.mark.parametrize("most_bytes", [1, 200, 300, 1000, 2500, 1 << 20])
def test_no_batch_is_larger_than_asked_for_but_a_single_message(most_bytes):
    found = list(batches.split(orders(), most_bytes))
    sizes = [bytes_of(named(some)) for some in found]
    assert [one.keys for some in found for one in some] == [
        one.keys for one in orders()
    ]
    assert all(
        size <= most_bytes or len(some) == 1
        for size, some in zip(sizes, found, strict=True)
    )


@pytest.mark.parametrize("prepare", [list, named])
def test_a_batch_is_as_large_as_is_asked_for_to_the_byte(prepare):
    exact = bytes_of(named(orders()))
    one, two = (list(batches.split(prepare(orders()), exact - by)) for by in (0, 1))
    assert [len(some) for some in one] == [len(SIZES)]
    assert [len(some) for some in two] == [len(SIZES) - 1, 1]


def test_nothing_is_split_into_no_batch():
    assert list(batches.split([])) == []
