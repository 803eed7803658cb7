"""What consumers were given: once, in order, all of it; each rule and its twin."""

from __future__ import annotations

import pytest

from tests.classroom.told import MASTER, SLAVE, History


class Group(History):
    """A pair with a group of two that has been at work for long."""

    def __init__(self, flush: str = "SYNC_FLUSH") -> None:
        super().__init__("ASYNC_MASTER", flush)
        self.client("one").client("two").send("first", 0).give("first", 0, "two")
        self.wait(200).commit(1, "two").send("m1", 1).give("m1", 1)


AGAIN = [("doubled", True, "m1")]
FORGIVEN = [("doubled", False, "m1")]

# doubled


def test_nothing_comes_twice_for_nothing():
    assert Group().findings() == []
    assert Group().give("m1", 1).findings() == AGAIN
    assert Group().give("m1", 1, "two").findings() == AGAIN


@pytest.mark.parametrize("what", ["killed", "started"])
def test_a_consumer_that_dies_or_joins_has_messages_come_twice(what):
    history = Group().client("one", what).wait(1).give("m1", 1, "two")
    assert history.findings() == FORGIVEN


def test_a_consumers_clean_end_has_nothing_come_twice():
    history = Group().client("one", "closed").wait(1).give("m1", 1, "two")
    assert history.findings() == AGAIN


def test_one_who_leaves_has_others_swap_queues():
    history = Group().client("two", "closed").wait(1).give("m1", 1, "one")
    assert history.findings() == FORGIVEN


@pytest.mark.parametrize("fault", ["kill", "pause", "cut"])
def test_a_fault_of_the_broker_has_messages_come_twice(fault):
    history = Group().fault(fault, node=MASTER).node(MASTER, "killed").wait(3)
    assert history.node(MASTER, "usable").give("m1", 1, "two").findings() == FORGIVEN


def test_a_fault_long_ago_is_no_reason():
    history = Group().node(MASTER, "killed").wait(3).node(MASTER, "usable").wait(300)
    history.give("m1", 1, "two")
    assert history.findings() == FORGIVEN  # it struck between the two
    history = Group().wait(300).send("m2", 2).give("m2", 2).give("m2", 2, "two")
    assert history.findings() == [("doubled", True, "m2")]


def test_a_committed_offset_is_not_forgotten():
    history = Group().commit(2).wait(20).client("one", "killed").wait(1)
    assert history.give("m1", 1, "two").findings() == AGAIN


def test_a_broker_that_dies_forgets_what_was_committed_just_before():
    history = Group().commit(2).wait(2).node(MASTER, "killed").wait(2)
    assert history.node(MASTER, "usable").give("m1", 1, "two").findings() == FORGIVEN


def test_a_broker_that_dies_later_has_what_was_committed_on_its_disk():
    history = Group().commit(2).wait(40).node(MASTER, "killed").wait(2)
    assert history.node(MASTER, "usable").give("m1", 1, "two").findings() == AGAIN


def test_what_was_committed_to_the_slave_is_overwritten_by_the_master():
    history = Group().commit(2, to=SLAVE).wait(20).client("one", "killed").wait(1)
    assert history.give("m1", 1, "two").findings() == FORGIVEN


# disorder


def test_a_consumer_is_given_a_queue_in_its_order():
    history = Group().send("m2", 2).send("m3", 3).give("m3", 3).give("m2", 2)
    assert history.findings() == [("disorder", True, "m2")]


def test_a_consumer_that_was_started_anew_begins_anew():
    history = Group().send("m2", 2).send("m3", 3).give("m3", 3)
    history.client("one", "killed").client("one").give("m2", 2)
    assert "disorder" not in {kind for kind, _, _ in history.findings()}


def test_a_queue_that_a_crash_shortened_begins_again_for_its_consumer():
    history = Group("ASYNC_FLUSH").crash().forget(1, MASTER, SLAVE)
    history.send("m2", 1).give("m2", 1)
    assert ("disorder", False, "m2") in history.findings()


# skipped


def test_no_message_of_a_queue_is_passed_over():
    history = Group().send("m2", 2).send("m3", 3).give("m3", 3)
    assert history.findings() == [("skipped", True, "m2")]


def test_a_message_is_not_withheld_from_a_group_in_peace():
    history = Group().send("m2", 2).wait(100)
    history.client("one", "closed").client("two", "closed")
    assert history.findings() == [("skipped", True, "m2")]


def test_a_message_of_just_now_may_still_be_waiting():
    history = Group().wait(100).send("m2", 2)
    verdict = history.client("one", "closed").client("two", "closed").end()
    assert (verdict.findings, verdict.waiting) == ([], 1)


def test_nothing_is_withheld_where_nobody_is_there_to_take_it():
    history = Group().client("one", "closed").client("two", "closed")
    assert history.send("m2", 2).wait(300).findings() == []


# overcommitted


def test_an_offset_is_not_committed_past_what_was_not_given():
    history = Group().send("m2", 2).commit(3).give("m2", 2)
    assert history.findings() == [("overcommitted", True, "m2")]
    assert Group().send("m2", 2).give("m2", 2).commit(3).findings() == []
