"""Who consumes which queue: every one exactly once, and as RocketMQ would have it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqlab.client.allocate import averagely

MEMBERS = st.sets(st.text("abc@#0123", min_size=1), min_size=1, max_size=9).map(sorted)
QUEUES = st.integers(0, 40).map(lambda count: list(range(count)))


def rocketmqs(own_id, queues, members):
    """Return what AllocateMessageQueueAveragely.java returns, in its own steps."""
    index, rest = members.index(own_id), len(queues) % len(members)
    if len(queues) <= len(members):
        size = 1
    else:
        size = len(queues) // len(members) + (1 if rest and index < rest else 0)
    start = index * size if rest and index < rest else index * size + rest
    end = min(size, len(queues) - start)
    return [queues[(start + at) % len(queues)] for at in range(end)]


@given(QUEUES, MEMBERS)
def test_every_queue_has_exactly_one_consumer(queues, members):
    shares = [averagely(member, queues, members) for member in members]
    assert [queue for share in shares for queue in share] == queues


@given(QUEUES, MEMBERS)
def test_no_member_has_two_queues_more_than_another(queues, members):
    sizes = [len(averagely(member, queues, members)) for member in members]
    assert max(sizes) - min(sizes) <= 1


@given(QUEUES, MEMBERS)
def test_the_shares_are_rocketmqs(queues, members):
    for member in members:
        assert averagely(member, queues, members) == rocketmqs(member, queues, members)


@pytest.mark.parametrize(
    ("member", "share"), [("a", [0, 1, 2]), ("b", [3, 4, 5]), ("c", [6, 7])]
)
def test_of_eight_queues_the_first_two_of_three_members_have_three(member, share):
    assert averagely(member, range(8), ["a", "b", "c"]) == share


def test_a_member_more_than_there_are_queues_has_none():
    assert averagely("c", [0, 1], ["a", "b", "c"]) == []


def test_who_is_not_on_the_list_has_none():
    assert averagely("x", [0, 1], ["a", "b"]) == []
