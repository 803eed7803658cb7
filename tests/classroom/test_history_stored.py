"""What logs hold at the end, against what senders were told; each rule and its twin."""

from __future__ import annotations

import pytest

from tests.classroom.told import MASTER, OTHER, SLAVE, History


def broken(kind: str, key: str = "m0") -> list[tuple[str, bool, str]]:
    return [(kind, True, key)]


def allowed(kind: str, key: str = "m0") -> list[tuple[str, bool, str]]:
    return [(kind, False, key)]


@pytest.mark.parametrize("role", ["ASYNC_MASTER", "SYNC_MASTER"])
@pytest.mark.parametrize("flush", ["ASYNC_FLUSH", "SYNC_FLUSH"])
def test_nothing_is_found_where_all_went_well(role, flush):
    history = History(role, flush).send("m0", 0).give("m0", 0).send("m1", 1)
    assert history.give("m1", 1).findings() == []


# lost


def test_sync_flush_loses_nothing_by_a_crash():
    history = History("ASYNC_MASTER").send("m0", 0).crash().forget(0)
    assert history.forget(0, SLAVE).findings() == broken("lost")


def test_async_flush_loses_by_a_crash_what_no_flush_had_reached():
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").send("m0", 0)
    assert history.crash().forget(0, MASTER, SLAVE).findings() == allowed("lost")


def test_async_flush_keeps_what_a_flush_had_reached():
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).flush(1)
    assert history.crash().forget(0, MASTER, SLAVE).findings() == broken("lost")


def test_a_kill_loses_nothing_acknowledged_in_any_mode():
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").send("m0", 0)
    history.fault("kill", node=MASTER).node(MASTER, "killed").node(MASTER, "usable")
    assert history.forget(0, MASTER, SLAVE).findings() == broken("lost")


def test_a_crash_before_it_was_sent_is_no_reason_for_a_loss():
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").crash().send("m0", 0)
    assert history.forget(0, MASTER, SLAVE).findings() == broken("lost")


@pytest.mark.parametrize(
    "outcome", ["FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE"]
)
def test_other_statuses_than_send_ok_promise_no_flush(outcome):
    history = History().ask("m0").append(0).answer("m0", 0, outcome)
    assert history.crash().findings() == allowed("lost")


def test_sync_master_keeps_at_the_slave_what_the_masters_crash_took():
    history = History("SYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).crash()
    kinds = {kind for kind, _, _ in history.forget(0).findings()}
    assert kinds == {"diverged"}


def test_sync_master_loses_nothing_by_the_masters_crash_alone():
    history = History("SYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).crash()
    assert history.forget(0, MASTER, SLAVE).findings() == broken("lost")


def test_sync_master_may_lose_what_both_crashes_took():
    history = History("SYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).crash()
    assert history.crash(OTHER).forget(0, MASTER, SLAVE).findings() == allowed("lost")


def test_both_crashes_take_nothing_that_the_slave_had_flushed():
    history = History("SYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).flush(1, SLAVE)
    history.crash().crash(OTHER).forget(0, MASTER, SLAVE)
    assert history.findings() == broken("lost")


def test_a_slave_that_is_ahead_since_a_crash_makes_sync_master_promise_nothing():
    history = History("SYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).send("m1", 1)
    history.crash().forget(1).report(2).ask("m2").append(1).answer("m2", 1)
    history.crash().forget(1)
    assert ("lost", False, "m2") in history.findings()
    assert history.end().broken == []


def test_a_masters_lost_disk_takes_what_an_asynchronous_slave_had_not():
    history = History("ASYNC_MASTER").send("m0", 0).crash().fault("wipe", host="host1")
    assert history.forget(0, MASTER, SLAVE).findings() == allowed("lost")


def test_a_masters_lost_disk_takes_nothing_from_a_synchronous_slave():
    history = History("SYNC_MASTER").send("m0", 0).crash().fault("wipe", host="host1")
    assert not history.forget(0).end().broken
    assert history.forget(0, SLAVE).findings() == broken("lost")


def test_a_pairs_lost_disks_take_everything():
    history = History("SYNC_MASTER").send("m0", 0).fault("wipe", host="host1")
    history.fault("wipe", host=OTHER).forget(0, MASTER, SLAVE)
    assert history.findings() == allowed("lost")


# lied, unsent, misplaced, vanished


def test_what_was_refused_is_in_no_log():
    history = History().ask("m0").answer("m0", None, "refused")
    assert history.findings() == []
    assert history.keep("m0", 0).findings() == broken("lied")


def test_what_was_refused_is_given_to_nobody():
    history = History().ask("m0").answer("m0", None, "refused").give("m0", 0)
    assert ("lied", True, "m0") in history.findings()


def test_what_stayed_without_an_answer_may_be_there_or_not():
    history = History().ask("m0").answer("m0", None, "unanswered")
    assert history.findings() == []
    assert history.keep("m0", 0).findings() == []


def test_what_nobody_sent_is_given_to_nobody():
    history = History().send("m0", 0).give("m0", 0).keep("ghost", 1)
    assert history.findings() == broken("unsent", "ghost")
    assert history.give("ghost", 1).findings() == broken("unsent", "ghost")


def test_messages_of_other_topics_are_nobodys_business():
    history = History().send("m0", 0)
    for messages in history.messages.values():
        messages.append(["%RETRY%group", 0, 0, "other", 100])
    assert history.findings() == []


def test_a_message_lies_where_its_sender_was_told():
    history = History().ask("m0").append(0).append(0, SLAVE).report(1).flush(1)
    history.answer("m0", 7).keep("m0", 0)
    assert history.findings() == broken("misplaced")


def test_what_was_given_does_not_vanish_without_a_crash():
    history = History("ASYNC_MASTER").ask("m0").append(0).give("m0", 0)
    assert history.findings() == broken("vanished")


def test_what_was_given_lies_where_it_was_given_from():
    history = History("ASYNC_MASTER").send("m0", 0).give("m0", 0).give("m0", 4)
    assert ("vanished", True, "m0") in history.findings()


def test_a_crash_may_take_what_was_given_and_not_acknowledged():
    history = History("ASYNC_MASTER").ask("m0").append(0).give("m0", 0)
    assert history.crash().findings() == allowed("vanished")


# reused, repeated


def test_a_place_belongs_to_one_message():
    history = History("ASYNC_MASTER").send("m0", 0).ask("m1").append(1).flush(2)
    found = history.answer("m1", 0).findings()
    assert ("reused", True, "m1") in found


def test_a_crash_that_shortens_a_queue_frees_its_places():
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).crash()
    history.forget(0, MASTER, SLAVE).send("m1", 0)
    assert set(history.findings()) == {("lost", False, "m0"), ("reused", False, "m1")}


def test_what_was_under_way_when_its_place_was_freed_is_given_after_its_successor():
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").ask("m0").append(0).crash()
    history.send("m1", 0).give("m0", 0)
    found = [one for one in history.findings() if one[0] == "reused"]
    assert found == [("reused", False, "m0")]


def repeated() -> History:
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").ask("m0").append(0).append(1)
    return history.append(0, SLAVE).append(1, SLAVE).keep("m0", 0).keep("m0", 1)


def test_a_message_is_not_stored_twice_for_nothing():
    assert repeated().answer("m0", 1).findings() == broken("repeated")


def test_a_broken_connection_explains_that_a_message_is_stored_twice():
    history = repeated().tell("closed", connection=1, node="producer", why="reset")
    assert history.answer("m0", 1).findings() == allowed("repeated")


def test_another_broker_may_be_asked_where_a_status_is_not_send_ok():
    history = repeated().answer("m0", 1, "FLUSH_DISK_TIMEOUT")
    assert history.findings() == allowed("repeated")


# what a finding says


def test_a_finding_names_event_time_key_promise_and_reason():
    history = History("ASYNC_MASTER").send("m0", 0).wait(10).crash()
    first = history.forget(0, MASTER, SLAVE).end().first
    assert first is not None
    assert first.event["kind"] == "fault"
    assert first.at_s == first.event["at"]
    assert first.promise.startswith("what was acknowledged is kept")
    assert str(first) == (
        f"{first.at_s:.6f} s  lost m0 (broken): SEND_OK: SYNC_FLUSH, and broker-a's "
        "machine only crashed"
    )
    assert first.to_json()["key"] == "m0"


def test_the_first_broken_promise_is_the_earliest_event():
    history = History().ask("m0").answer("m0", None, "refused").keep("m0", 0)
    history.ask("m1").append(1).append(1, SLAVE).report(2).flush(2).answer("m1", 5)
    verdict = history.keep("m1", 1).end()
    assert [one.kind for one in verdict.broken] == ["lied", "misplaced"]
    assert verdict.first is verdict.broken[0]


def test_counts_tell_what_became_of_everything():
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).give("m0", 0)
    history.wait(20).send("m1", 1).ask("m2").answer("m2", None, "refused")
    verdict = history.crash().forget(1, MASTER, SLAVE).end()
    assert verdict.acknowledged == 2
    assert dict(verdict.outcomes) == {"SEND_OK": 2, "refused": 1}
    assert (verdict.count("lost"), verdict.count("lost", broken=True)) == (1, 0)
    assert verdict.silence_s == pytest.approx(20, abs=0.1)
    assert verdict.to_json()["lost_allowed"] == 1
    assert "1 lost as the mode allows" in str(verdict)


def test_an_empty_history_breaks_no_promise():
    assert History().end().findings == []
