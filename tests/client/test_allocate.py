"""Who consumes which queue: every one exactly once, and as RocketMQ would have it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqlab.client.allocate import (
    NoMachineRoom,
    averagely,
    by_circle,
    by_config,
    by_consistent_hash,
    by_machine_room,
    machine_room_nearby,
)
from rmqlab.protocol.message import MessageQueue

MEMBERS = st.sets(st.text("abc@#0123", min_size=1), min_size=1, max_size=9).map(sorted)
IDS = ["east@1", "east@2", "west@1", "west@2"]
QUEUES = st.integers(0, 40).map(lambda count: list(range(count)))


def real_queues(*brokers, each=4):
    return [MessageQueue("orders", one, at) for one in brokers for at in range(each)]


def room_of(name):
    return name.partition("@")[0]


def nearby(inner):
    return machine_room_nearby(inner, lambda queue: room_of(queue.broker_name), room_of)


STRATEGIES = {
    "averagely": averagely,
    "circle": by_circle,
    "hash": by_consistent_hash(),
    "machine room": by_machine_room({"east", "west"}),
    "nearby": nearby(averagely),
}


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


@pytest.mark.parametrize("name", STRATEGIES)
@given(data=st.data())
def test_every_queue_has_exactly_one_consumer(name, data):
    brokers = data.draw(st.sets(st.sampled_from(["east@a", "west@b"])))
    queues = real_queues(*sorted(brokers))
    members = sorted(data.draw(st.sets(st.sampled_from(IDS), min_size=1)))
    shares = [STRATEGIES[name](member, queues, members) for member in members]
    assert sorted(queue for share in shares for queue in share) == queues


@pytest.mark.parametrize("name", STRATEGIES)
def test_who_is_not_on_the_list_has_none(name):
    assert STRATEGIES[name]("x", real_queues("east@a"), ["a", "b"]) == []


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


@pytest.mark.parametrize(
    ("member", "share"), [("a", [0, 3, 6]), ("b", [1, 4, 7]), ("c", [2, 5])]
)
def test_in_a_circle_each_takes_every_third_queue(member, share):
    assert by_circle(member, range(8), ["a", "b", "c"]) == share


def test_what_is_configured_is_had_whoever_else_is_there():
    queues = real_queues("a")
    assert by_config(queues[2:])("me", queues, ["me", "you"]) == queues[2:]


@pytest.mark.parametrize(
    ("member", "share"),
    [
        ("10.0.0.1@1", [11]),
        ("10.0.0.2@1", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13]),
        ("10.0.0.3@1", [14, 15]),
    ],
)
def test_on_the_ring_shares_are_rocketmqs_however_unequal(member, share):
    members = ["10.0.0.1@1", "10.0.0.2@1", "10.0.0.3@1"]
    queues = real_queues("broker-a", each=16)
    found = by_consistent_hash()(member, queues, members)
    assert [queue.queue_id for queue in found] == share


def test_on_the_ring_only_queues_of_who_leaves_move():
    share, queues = by_consistent_hash(), real_queues("a", "b", each=16)
    for member in IDS[:3]:
        stay = [one for one in IDS if one != IDS[3]]
        before, after = share(member, queues, IDS), share(member, queues, stay)
        assert set(before) <= set(after)


@pytest.mark.parametrize("name", ["north@a", "east", "east@", "east@a@b"])
def test_queues_that_are_in_none_of_the_rooms_are_nobodys(name):
    assert by_machine_room({"east"})("me", real_queues(name), ["me"]) == []


def test_of_a_rooms_queues_the_last_ones_go_to_the_first_members():
    queues, share = real_queues("east@a", each=5), by_machine_room({"east"})
    assert share("a", queues, ["a", "b"]) == [queues[0], queues[1], queues[4]]


def test_a_room_consumes_its_own_and_all_consume_those_of_an_empty_room():
    queues, members = real_queues("east@a", "north@b", each=2), ["east@1", "west@1"]
    east, north = queues[:2], queues[2:]
    assert nearby(averagely)("east@1", queues, members) == [*east, north[0]]
    assert nearby(averagely)("west@1", queues, members) == [north[1]]


def test_nobody_shares_out_what_is_in_no_room():
    with pytest.raises(NoMachineRoom, match="Machine room is null for consumer id @1"):
        nearby(averagely)("east@1", real_queues("east@a"), ["@1", "east@1"])
