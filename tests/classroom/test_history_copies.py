"""Masters and slaves: who had what when, and whether two logs agree."""

from __future__ import annotations

from tests.classroom.told import MASTER, OTHER, SLAVE, History


def test_send_ok_is_not_told_before_the_flush():
    history = History("ASYNC_MASTER").ask("m0").append(0).append(0, SLAVE)
    history.answer("m0", 0).flush(1).keep("m0", 0)
    assert history.findings() == [("early", True, "m0")]


def test_a_flush_of_what_was_there_before_is_not_enough():
    history = History("ASYNC_MASTER").send("m0", 0).ask("m1").append(1)
    history.append(1, SLAVE).flush(1).answer("m1", 1).keep("m1", 1)
    assert history.findings() == [("early", True, "m1")]


def test_one_flush_is_enough_for_all_that_wait():
    history = History("ASYNC_MASTER").ask("m0").ask("m1").append(0).append(1)
    history.append(0, SLAVE).append(1, SLAVE).flush(2)
    history.answer("m0", 0).answer("m1", 1).keep("m0", 0).keep("m1", 1)
    assert history.findings() == []


def test_send_ok_is_not_told_before_the_slave_has_it():
    history = History("SYNC_MASTER", "ASYNC_FLUSH").ask("m0").append(0)
    history.answer("m0", 0).append(0, SLAVE).report(1).keep("m0", 0)
    assert history.findings() == [("early", True, "m0")]


def test_other_statuses_may_be_told_at_any_time():
    history = History().ask("m0").append(0).answer("m0", 0, "SLAVE_NOT_AVAILABLE")
    assert history.append(0, SLAVE).report(1).keep("m0", 0).findings() == []


def test_a_slave_reports_no_more_than_it_wrote():
    history = History("SYNC_MASTER", "ASYNC_FLUSH").send("m0", 0)
    assert history.findings() == []
    assert history.report(2).findings() == [("overreported", True, "")]


def test_a_slaves_first_report_may_be_of_what_it_had_before():
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").report(5).append(5, SLAVE)
    assert history.report(6).findings() == []


def test_two_logs_of_a_pair_do_not_differ_without_a_crash():
    history = History("ASYNC_MASTER").send("m0", 0).send("m1", 1)
    history.messages[SLAVE][1][3] = "m9"
    found = history.ask("m9").answer("m9", None, "unanswered").findings()
    assert found == [("diverged", True, "m9")]


def test_a_masters_crash_may_part_it_from_its_slave():
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).send("m1", 1)
    assert history.crash().forget(1).findings() == [("diverged", False, "m1")]


def test_a_slaves_crash_never_parts_it_from_its_master():
    history = History("ASYNC_MASTER", "ASYNC_FLUSH").send("m0", 0).send("m1", 1)
    history.crash(OTHER).messages[SLAVE].pop(0)
    assert history.findings() == []  # it may begin later
    history.send("m2", 2)
    history.messages[SLAVE].pop(0)
    history.keep("m2", 2, SLAVE)
    assert ("diverged", True, "m2") in history.findings()


def test_a_slave_in_peace_has_all_that_its_master_has():
    history = History("ASYNC_MASTER").send("m0", 0).wait(100).forget(0, SLAVE)
    assert history.findings() == [("behind", True, "m0")]


def test_a_slave_that_was_just_cut_off_may_be_behind():
    history = History("ASYNC_MASTER").send("m0", 0).wait(100)
    history.fault("cut", host=OTHER).wait(5).fault("heal", host=OTHER)
    assert history.forget(0, SLAVE).findings() == []


def test_what_is_given_before_it_is_durable_is_counted_and_no_broken_promise():
    history = History("ASYNC_MASTER").ask("m0").append(0).give("m0", 0)
    history.append(0, SLAVE).flush(1).answer("m0", 0).keep("m0", 0)
    verdict = history.end()
    assert (verdict.early_given, verdict.findings) == (1, [])


def test_what_is_given_after_flush_and_copy_is_not_early():
    assert History().send("m0", 0).give("m0", 0).end().early_given == 0


def test_a_number_is_used_for_one_request_of_a_connection():
    history = History()
    request = {"node": "one", "peer": MASTER, "opaque": 3, "code": "HEART_BEAT"}
    history.tell("frame", connection=1, **request, response="SUCCESS")
    history.tell("frame", connection=1, **request)
    history.tell("frame", connection=2, **request)
    history.tell("frame", connection=1, **request, oneway=True)
    assert history.findings() == []
    history.tell("frame", connection=1, **request)
    assert history.findings() == [("opaque", True, "")]
