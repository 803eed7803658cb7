"""Offsets that a crash has used twice: what a group may pass over, and what never."""

from __future__ import annotations

import pytest

from tests.classroom.told import MASTER, SLAVE, History

NODES = MASTER, SLAVE


class Queue(History):
    """A queue of four messages, the first three given to a group."""

    def __init__(self, flush: str = "ASYNC_FLUSH") -> None:
        super().__init__("ASYNC_MASTER", flush)
        self.client("one").client("other")
        for number in range(4):
            self.send(f"m{number}", number)
        for number in range(3):
            self.give(f"m{number}", number)

    def begin_anew(self, at: int) -> Queue:
        """Write three messages from there on, where the queue ends now."""
        self.forget(at, *NODES)
        for number in range(at, at + 3):
            self.send(f"new{number}", number)
        return self

    def of(self, kind: str) -> dict[str, bool]:
        """Return whether a promise was broken, by the keys of a kind's findings."""
        found = self.findings()
        return {key: is_broken for which, is_broken, key in found if which == kind}


# passed over, or skipped


def test_each_message_in_a_lost_ones_place_may_be_passed_over_and_no_other():
    history = Queue().crash().begin_anew(1).give("new3", 3)
    assert history.of("skipped") == {"new1": False, "new2": False}
    history = Queue().crash().begin_anew(2).give("new4", 4)
    assert history.of("skipped") == {"new2": False, "new3": True}


def test_what_another_group_had_read_is_no_excuse():
    history = Queue().give("m3", 3, "other", "others").crash().begin_anew(3)
    history.give("new4", 4).give("new4", 4, "other", "others")
    found = history.findings()
    assert found.count(("skipped", False, "new3")) == 1
    assert found.count(("skipped", True, "new3")) == 1


def test_a_message_that_was_tried_again_may_have_been_sent_before_the_crash():
    history = Queue().ask("m9").give("m3", 3).crash().forget(3, *NODES)
    history.append(3).answer("m9", 3).keep("m9", 3).send("m4", 4).give("m4", 4)
    assert history.of("skipped") == {"m9": False}


def test_without_a_crash_in_between_nothing_may_be_passed_over():
    assert Queue().begin_anew(2).give("new3", 3).of("skipped") == {"new2": True}
    history = Queue().begin_anew(2).crash().give("new3", 3)
    assert history.of("skipped") == {"new2": True}


def test_a_slaves_crash_takes_no_place_from_its_masters_queue():
    history = Queue().crash("host2").begin_anew(2).give("new3", 3)
    assert history.of("skipped") == {"new2": True}


def test_a_place_that_was_flushed_is_not_used_twice():
    history = Queue().flush(4).crash().begin_anew(2).give("new3", 3)
    assert history.of("skipped") == {"new2": True}


def test_what_is_acknowledged_when_it_is_flushed_gives_no_place_away():
    history = Queue("SYNC_FLUSH").crash().begin_anew(2).give("new3", 3)
    assert history.of("skipped") == {"new2": True}


def test_what_is_acknowledged_elsewhere_gives_its_first_place_away():
    history = Queue("SYNC_FLUSH").give("m3", 3).ask("m4").append(4).give("m4", 4)
    history.crash().answer("m4", 9).begin_anew(4).give("new5", 5)
    assert history.of("skipped") == {"new4": False}


def test_under_sync_flush_a_group_may_have_read_what_was_not_yet_flushed():
    history = Queue("SYNC_FLUSH").give("m3", 3).ask("m4").append(4).give("m4", 4)
    history.crash().begin_anew(4).give("new5", 5)
    assert history.of("skipped") == {"new4": False}


def test_passed_over_messages_are_counted_apart_from_skipped_ones():
    verdict = Queue().crash().begin_anew(2).give("new4", 4).end()
    assert (verdict.passed_over, verdict.skipped) == (1, 1)
    assert "1 passed over for a crash, 1 skipped" in str(verdict)


# a slave that is ahead


@pytest.mark.parametrize("is_ahead", [True, False])
def test_who_reads_from_a_slave_that_was_ahead_passes_over_what_it_lacks(is_ahead):
    history = Queue().crash().forget(3)
    if is_ahead:
        history.report(4)
    history.ask("new3").append(3).answer("new3", 3).keep("new3", 3, MASTER)
    history.send("new4", 4).give("new4", 4)
    assert history.of("skipped") == {"new3": not is_ahead}


# given after all, out of turn


def test_what_was_passed_over_may_be_given_when_the_group_goes_back():
    history = Queue().crash().begin_anew(2).give("new3", 3)
    history.node(MASTER, "killed").wait(3).node(MASTER, "usable").give("new2", 2)
    assert history.of("disorder") == {"new2": False}


def test_what_was_skipped_is_out_of_turn_when_it_is_given_after_all():
    history = Queue().crash().begin_anew(2).give("new4", 4)
    history.node(MASTER, "killed").wait(3).node(MASTER, "usable").give("new3", 3)
    assert history.of("disorder") == {"new3": True}


# committed


def test_an_offset_of_before_a_crash_may_be_past_what_has_its_place_now():
    history = Queue().crash().begin_anew(2).commit(3)
    assert history.of("overcommitted") == {}


def test_no_offset_may_be_past_what_has_nobodys_place():
    history = Queue().crash().begin_anew(2).commit(4)
    assert history.of("overcommitted") == {"new3": True}
