"""Each promise to a group whose listeners take their time: kept, and broken by hand."""

from __future__ import annotations

import pytest

from rmqlab.classroom.history.turns import RELIED_ON_S, judge
from tests.classroom.told import MASTER, SLAVE, History, place


class Busy(History):
    """A history of turns; message mN lies at offset N unless it is kept elsewhere."""

    def __init__(self, count: int = 2) -> None:
        super().__init__()
        for number in range(count):
            self.send(f"m{number}", number)

    def turn(self, kind: str, number: int, client: str = "one") -> Busy:
        who = {"client": client, "group": "group", "topic": "orders"}
        self.tell(kind, **who, key=f"m{number}", **place(number))
        return self

    def consume(self, number: int, client: str = "one") -> Busy:
        return self.turn("begun", number, client).turn("consumed", number, client)

    def broken(self, *, is_orderly: bool = True) -> list[tuple[str, str]]:
        for name in (MASTER, SLAVE):
            self.tell("log", node=name, messages=self.messages[name])
        found = judge(self.events, "group", is_orderly=is_orderly)
        assert all(one.is_broken and one.promise for one in found)
        return [(one.kind, one.key) for one in found]


def test_one_message_after_the_other_breaks_no_promise():
    history = Busy().consume(0).turn("begun", 1).turn("later", 1).consume(1)
    history.commit(2)
    assert history.broken() == []


def test_what_nobody_consumed_is_found_also_if_it_was_tried():
    history = Busy().consume(0).turn("begun", 1).turn("later", 1)
    assert history.broken() == [("unconsumed", "m1")]


def test_what_was_acknowledged_and_lies_nowhere_is_unconsumed():
    history = Busy(1).consume(0)
    history.ask("m1").answer("m1", 1)
    assert history.broken() == [("unconsumed", "m1")]


def test_who_dies_with_a_message_in_hand_has_not_consumed_it():
    history = Busy(1).turn("begun", 0).client("one", "killed")
    assert history.broken() == [("unconsumed", "m0")]


def test_an_offset_past_a_turn_that_is_not_over_is_found():
    history = Busy().consume(1).turn("begun", 0)
    history.commit(2)
    history.turn("consumed", 0)
    assert history.broken(is_orderly=False) == [("overcommitted", "m0")]


def test_an_offset_past_what_was_sent_back_is_allowed_unless_the_group_is_orderly():
    history = Busy(1).turn("begun", 0).turn("later", 0)
    history.commit(1)
    history.consume(0)
    assert history.broken(is_orderly=False) == []
    history = Busy(1).turn("begun", 0).turn("later", 0)
    history.commit(1)
    history.consume(0)
    assert history.broken() == [("overcommitted", "m0")]


def test_a_turn_before_the_message_before_it_is_consumed_is_found():
    history = Busy().turn("begun", 0).turn("later", 0).consume(1).consume(0)
    assert history.broken() == [("overtaken", "m0")]


def test_any_order_will_do_where_the_group_is_not_orderly():
    assert Busy().consume(1).consume(0).broken(is_orderly=False) == []


def test_a_queue_that_begins_again_further_back_breaks_no_promise():
    assert Busy().consume(0).consume(1).consume(0, "two").broken() == []


@pytest.mark.parametrize("other", ["one", "two"])
def test_two_turns_with_one_queue_at_once_are_found(other):
    history = Busy(1).turn("begun", 0).consume(0, other).turn("consumed", 0)
    assert history.broken() == [("overlapped", "m0")]


def test_who_was_killed_or_began_a_new_life_has_no_turn_any_more():
    history = Busy(1).turn("begun", 0).client("one", "killed").consume(0, "two")
    assert history.broken() == []


@pytest.mark.parametrize(("waits_s", "found"), [(-1, [("overlapped", "m0")]), (0, [])])
def test_a_turn_that_outlasts_its_lock_may_meet_another_members(waits_s, found):
    history = Busy(1).turn("begun", 0).wait(RELIED_ON_S + waits_s)
    history.consume(0, "two").turn("consumed", 0)
    assert history.broken() == found


def test_one_members_own_turns_may_never_meet():
    history = Busy(1).turn("begun", 0).wait(RELIED_ON_S).consume(0)
    assert history.turn("consumed", 0).broken() == [("overlapped", "m0")]


@pytest.mark.parametrize(("before_s", "found"), [(29, []), (31, ["overlapped"])])
def test_a_broker_that_ended_has_forgotten_the_locks_of_half_a_minute(before_s, found):
    history = Busy(1).node(MASTER, "killed").node(MASTER, "usable").wait(before_s)
    assert isinstance(history, Busy)
    history.turn("begun", 0).consume(0, "two").turn("consumed", 0)
    assert [kind for kind, _ in history.broken()] == found


def test_another_groups_turns_are_none_of_this_one():
    history = Busy(1).consume(0)
    who = {"client": "else", "group": "other", "topic": "orders", "key": "m0"}
    history.tell("begun", **who, **place(0)).commit(1, "else")
    assert history.broken() == []
