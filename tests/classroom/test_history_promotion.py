"""A slave is promoted: what its old master's promises come to, and its own."""

from __future__ import annotations

import pytest

from rmqlab.classroom.history.facts import Facts
from rmqlab.classroom.history.faults import Faults
from tests.classroom.told import HOST, MASTER, SIZE, SLAVE, History


class Pair(History):
    """A pair whose slave takes its master's place."""

    def send_uncopied(self, key: str, offset: int, outcome: str = "SEND_OK") -> Pair:
        self.ask(key).append(offset).flush(offset + 1)
        self.answer(key, offset, outcome).keep(key, offset, MASTER)
        return self

    def promote(self) -> Pair:
        """Give the master's disk up; its next one is a copy of the slave's."""
        self.fault("promote", node=SLAVE, peer=MASTER).fault("wipe", node=MASTER)
        self.messages[MASTER] = list(self.messages[SLAVE])
        return self

    def send_anew(self, key: str, offset: int) -> Pair:
        """Have who was promoted take a message."""
        self.ask(key).append(offset, SLAVE).flush(offset + 1, SLAVE)
        self.answer(key, offset).keep(key, offset)
        return self


def test_what_the_slave_had_not_is_lost_with_an_asynchronous_master():
    history = Pair("ASYNC_MASTER").send("m0", 0).send_uncopied("m1", 1).promote()
    assert history.send_anew("m2", 1).end().broken == []
    assert ("lost", False, "m1") in history.findings()


def test_what_the_slave_had_told_that_it_has_is_not_lost_by_its_promotion():
    history = Pair("ASYNC_MASTER").send("m0", 0).promote().forget(0, MASTER, SLAVE)
    assert history.findings() == [("lost", True, "m0")]


def test_what_no_flush_of_the_slave_had_reached_is_lost_when_that_crashes_then():
    history = Pair("ASYNC_MASTER").send("m0", 0).promote().crash("host2")
    assert history.forget(0, MASTER, SLAVE).findings() == [("lost", False, "m0")]


def test_a_synchronous_masters_promotion_loses_nothing_that_was_send_ok():
    history = Pair("SYNC_MASTER", "ASYNC_FLUSH").send_uncopied("m0", 0).promote()
    assert ("lost", True, "m0") in history.findings()


def test_a_synchronous_masters_other_statuses_promise_no_copy():
    history = Pair("SYNC_MASTER", "ASYNC_FLUSH")
    history.send_uncopied("m0", 0, "SLAVE_NOT_AVAILABLE").promote()
    assert history.findings() == [("lost", False, "m0")]


def test_who_was_promoted_keeps_what_it_says_and_asks_no_slave():
    history = Pair("SYNC_MASTER").promote().send_anew("m0", 0)
    assert history.findings() == []
    assert history.forget(0, MASTER, SLAVE).findings() == [("lost", True, "m0")]


def test_before_it_steps_down_a_synchronous_master_waits_for_its_slave():
    history = Pair("SYNC_MASTER").send_uncopied("m0", 0).promote()
    assert ("early", True, "m0") in history.findings()


@pytest.mark.parametrize("is_promoted", [True, False])
def test_places_of_what_the_slave_had_not_are_used_twice(is_promoted):
    history = Pair("ASYNC_MASTER").client("one").send("m0", 0).give("m0", 0)
    history.send_uncopied("m1", 1).give("m1", 1)
    if is_promoted:
        history.promote()
    history.send_anew("m2", 1).send_anew("m3", 2).give("m3", 2)
    assert ("skipped", not is_promoted, "m2") in history.findings()


def test_what_a_crash_took_from_the_old_master_its_heir_may_have_still():
    history = Pair("ASYNC_MASTER", "ASYNC_FLUSH").client("one").send("m0", 0)
    history.give("m0", 0).send("m1", 1).give("m1", 1).send("m2", 2).give("m2", 2)
    history.crash().forget(1).send_uncopied("m3", 1).give("m3", 1).promote()
    found = [one for one in history.findings() if one[0] == "disorder"]
    assert found == [("disorder", False, "m3")]


def test_an_offset_that_only_the_old_master_knew_is_forgotten_with_it():
    history = Pair("ASYNC_MASTER").client("one").client("two").send("m0", 0)
    history.give("m0", 0).commit(1).wait(40).promote().wait(3).give("m0", 0, "two")
    assert history.findings() == [("doubled", False, "m0")]


def test_a_lost_folder_is_of_those_whose_files_lie_there():
    nodes = [
        {"name": name, "host": HOST, "broker": name, "store": f"/data/{name}"}
        for name in ("a", "ab")
    ]
    wipe = {"at": 1.0, "kind": "fault", "host": HOST, "what": "wipe"}
    first = {"at": 0.0, "kind": "trace", "nodes": nodes}
    for path, struck in (("/data/a", ["a"]), ("/data", ["a", "ab"]), ("/else", [])):
        faults = Faults(Facts([first, {**wipe, "path": path}]))
        assert [name for name in ("a", "ab") if faults.crashes[name]] == struck


def test_two_logs_are_compared_with_that_of_who_is_master_at_the_end():
    history = Pair("ASYNC_MASTER").send("m0", 0).promote().send_anew("m1", 1)
    assert history.findings() == []
    history.messages[MASTER] = [["orders", 0, 0, "m0", 0], ["orders", 0, 1, "x", SIZE]]
    assert ("diverged", True, "x") in history.findings()


def test_what_a_slave_copied_after_its_masters_crash_is_not_what_that_took():
    history = Pair("ASYNC_MASTER", "ASYNC_FLUSH").ask("m0").append(0).answer("m0", 0)
    history.crash().ask("m1").append(0).append(0, SLAVE).report(1).answer("m1", 0)
    history.keep("m1", 0).promote()
    assert ("lost", False, "m0") in history.findings()
    assert history.end().broken == []


def test_a_slave_has_gone_astray_even_where_its_master_has_caught_up_with_it():
    history = Pair("SYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).send("m1", 1)
    history.crash().forget(1).ask("m2").append(1).report(2)
    history.answer("m2", 1).keep("m2", 1, MASTER).promote()
    assert ("lost", False, "m2") in history.findings()
    assert history.end().broken == []
