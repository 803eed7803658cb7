"""What happens next, and how long one waits for it."""

from __future__ import annotations

import pytest

from rmqlab.sim import timeline as module
from rmqlab.sim.timeline import Stuck, Timeline


@pytest.fixture
def timeline():
    return Timeline(seed=1)


def test_things_of_one_moment_happen_in_the_order_of_their_making(timeline):
    happened = []
    for number in range(50):
        timeline.call_at(3.0 if number % 2 else 2.0, happened.append, number)
    timeline.run(5.0)
    assert happened == [*range(0, 50, 2), *range(1, 50, 2)]


def test_time_goes_on_only_when_nothing_is_ready(timeline):
    happened = []

    def again(left):
        happened.append((timeline.now_s, left))
        if left:
            timeline.call_in(0.0, again, left - 1)

    timeline.call_at(1.0, again, 2)
    timeline.call_at(1.0, happened.append, "same moment")
    timeline.call_at(1.5, happened.append, "later")
    timeline.run(2.0)
    assert happened == [(1.0, 2), "same moment", (1.0, 1), (1.0, 0), "later"]


def test_a_moment_that_is_past_means_now(timeline):
    timeline.run(10.0)
    timeline.call_at(3.0, lambda: None)
    assert timeline.step()
    assert timeline.now_s == 10.0


def test_time_does_not_go_where_only_something_cancelled_is(timeline):
    happened = []
    timeline.call_at(1.0, happened.append, "cancelled").cancel()
    timeline.call_at(2.0, happened.append, "kept")
    assert timeline.next_s == 2.0
    assert timeline.step()
    assert (happened, timeline.now_s, timeline.next_s) == (["kept"], 2.0, None)
    assert not timeline.step()


def test_a_run_ends_at_its_end_and_takes_along_what_happens_then(timeline):
    happened = []
    timeline.call_at(1.0, happened.append, "at the end")
    timeline.call_at(1.1, happened.append, "after it")
    timeline.run(1.0)
    assert (happened, timeline.now_s) == (["at the end"], 1.0)
    timeline.run(0.0)
    assert timeline.now_s == 1.0


def test_a_condition_is_looked_at_after_everything_that_happens(timeline):
    happened = []
    for number in range(5):
        timeline.call_at(1.0, happened.append, number)
    timeline.run_until(lambda: len(happened) == 3, within_s=2.0)
    assert happened == [0, 1, 2]


def test_who_waits_in_vain_is_told_why(timeline):
    timeline.explain = lambda: "Waiting: nobody"
    timeline.call_at(1.0, lambda: None)
    with pytest.raises(Stuck, match=r"^nothing is left to happen before tea\.  Wait"):
        timeline.run_until(lambda: False, within_s=5.0, what="tea")
    timeline.call_at(10.0, lambda: None)
    with pytest.raises(Stuck, match=r"^waited 5 s of virtual time in vain\.  Waiting"):
        timeline.run_until(lambda: False, within_s=5.0)
    assert timeline.now_s == 1.0


def test_what_goes_on_and_on_while_time_stands_still_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "MOST_AT_ONCE", 100)
    timeline = Timeline()

    def circle():
        timeline.call_in(0.0, circle)

    timeline.call_at(1.0, circle)
    timeline.call_at(2.0, circle)
    with pytest.raises(Stuck, match="time stands still at 1 s"):
        timeline.run(3.0)


def test_much_may_happen_at_once_if_time_goes_on_then(monkeypatch):
    monkeypatch.setattr(module, "MOST_AT_ONCE", 10)
    timeline = Timeline()
    happened = []
    for number in range(100):
        timeline.call_at(float(number // 5), happened.append, number)
    timeline.run(100.0)
    assert len(happened) == 100


def test_time_cannot_be_run_from_within(timeline):
    timeline.call_at(1.0, timeline.run, 1.0)
    with pytest.raises(RuntimeError, match="called from within"):
        timeline.run(2.0)
    timeline.run(1.0)
    assert timeline.now_s == 2.0


def test_streams_of_randomness_do_not_shift_each_other():
    first = Timeline(seed=7).random("link")
    other = Timeline(seed=7)
    other.random("disk").random()
    assert first.random() == other.random("link").random()
    assert first.random() != Timeline(seed=8).random("link").random()


def test_observers_are_told_when_what_happened(timeline):
    told = []
    timeline.observers.append(lambda *one: told.append(one))
    timeline.call_at(1.5, timeline.tell, "fault")
    timeline.run(2.0)
    timeline.tell("sent", node="a", data=b"x")
    assert told == [(1.5, "fault", {}), (2.0, "sent", {"node": "a", "data": b"x"})]
