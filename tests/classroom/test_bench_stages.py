"""The watch that `rmqlab bench stages` puts around the stages of a send."""

from __future__ import annotations

import inspect
import itertools

import pytest

from rmqlab.classroom.bench import stages
from rmqlab.protocol.frame import Frame

TICK_NS = 10


@pytest.fixture
def watch(monkeypatch):
    """Return a watch whose clock goes on by a tick whenever it is looked at."""
    ticks = itertools.count(0, TICK_NS)
    monkeypatch.setattr(stages.time, "thread_time_ns", lambda: next(ticks))
    return stages.Watch()


def test_a_stage_is_timed_without_the_stages_within_it(watch):
    inner = watch.put_around("record made", lambda: "made")
    outer = watch.put_around("log written", lambda: [inner(), inner()])
    assert outer() == ["made", "made"]
    assert (watch.ns["record made"], watch.ns["log written"]) == (20, 30)


def test_a_stage_that_fails_is_timed_and_fails_all_the_same(watch):
    with pytest.raises(ZeroDivisionError):
        watch.put_around("stored", lambda: 1 / 0)()
    assert watch.ns["stored"] == TICK_NS
    assert watch.put_around("checked", lambda: None)() is None
    assert watch.ns["checked"] == TICK_NS


def test_the_stages_do_what_they_did_and_are_themselves_again_afterwards(watch):
    found = [stages._found(where) for where in stages.STAGES.values()]
    before = [inspect.getattr_static(*one) for one in found]
    data = Frame(10).to_bytes()
    with watch.on_all_stages():
        during = [inspect.getattr_static(*one) for one in found]
        assert Frame.from_bytes(Frame(10).to_bytes()[4:]).to_bytes() == data
    assert [inspect.getattr_static(*one) for one in found] == before
    assert not any(one is other for one, other in zip(before, during, strict=True))
    assert {stage for stage, ns in watch.ns.items() if ns} == {
        "frames written",
        "frames read",
    }
