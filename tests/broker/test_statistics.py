"""What is counted by topic and group, and what the broker measures of itself."""

from __future__ import annotations

import pytest

from rmqlab.broker.measure import _human
from rmqlab.broker.rates import Rates
from rmqlab.broker.tables.stats import MOST_COUNTERS, Stats
from rmqlab.broker.tables.took import Took
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import GetRuntimeInfo, ViewStats
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.messaging import SendBack, SendReply
from rmqlab.settings import BrokerRole
from rmqlab.store.counts import Counts
from tests.support import golden_frames, golden_index

NOTHING = {"avgpt": 0.0, "sum": 0, "tps": 0.0}


def sampled(samples, **puts):
    """Return statistics after so many samples, with messages put before some."""
    stats = Stats("DefaultCluster")
    for number in range(samples):
        stats.put("orders", puts.get(f"at_{number}", 0), 100)
        stats.sample(number * 10_000)
    return stats


def test_what_no_sample_has_seen_yet_has_no_rate():
    stats = sampled(0)
    stats.put("orders", 3, 300)
    assert stats.to_json("TOPIC_PUT_NUMS", "orders") == {
        "statsDay": NOTHING,
        "statsHour": NOTHING,
        "statsMinute": NOTHING,
    }


def test_the_first_sample_takes_all_for_ten_seconds_an_hours_sixth_and_an_hour():
    found = sampled(1, at_0=3).to_json("TOPIC_PUT_NUMS", "orders")
    assert found["statsMinute"] == {"avgpt": 3.0, "sum": 3, "tps": 0.3}
    assert found["statsHour"]["tps"] == 3 / 600
    assert found["statsDay"]["tps"] == 3 / 3600


def test_a_minute_ends_after_a_minute_and_the_hour_goes_on():
    found = sampled(61, at_0=3, at_59=6).to_json("TOPIC_PUT_NUMS", "orders")
    assert found["statsMinute"]["sum"] == 6
    assert found["statsMinute"]["tps"] == 6 / 60
    assert found["statsHour"]["sum"] == 9
    found = sampled(70, at_0=3, at_59=6).to_json("TOPIC_PUT_NUMS", "orders")
    assert found["statsMinute"]["sum"] == 0


def test_two_samples_of_one_moment_have_no_rate_as_java_has_not_a_number():
    stats = Stats("DefaultCluster")
    stats.put("orders", 1, 100)
    for _ in range(8):
        stats.sample(0)
    found = stats.to_json("TOPIC_PUT_NUMS", "orders")
    assert found["statsMinute"]["tps"] is None
    assert stats.get_tps("kitchen", "orders") == 0.0


def test_a_counter_that_stood_still_for_a_day_is_forgotten():
    stats, day = Stats("DefaultCluster"), 24 * 360
    stats.put("orders", 1, 100)
    for number in range(day):
        stats.sample(number * 10_000)
    assert len(stats) == 3
    stats.sample(day * 10_000)
    assert len(stats) == 0


def test_there_are_never_more_counters_than_a_bound():
    stats = Stats("DefaultCluster")
    for number in range(MOST_COUNTERS + 5):
        stats.put(f"topic-{number}", 1, 1)
    assert len(stats) == MOST_COUNTERS


def test_rates_are_known_once_there_were_as_many_looks():
    rates, counts = Rates(), Counts()
    for second in range(61):
        counts.puts = 5 * second
        assert (rates.a_second(lambda one: one.puts, 10) is None) == (second <= 10)
        rates.look(counts, 1000 * second, 0)
    found = [rates.a_second(lambda one: one.puts, span) for span in (10, 60, 600)]
    assert found == [5.0, 5.0, None]


def test_what_was_counted_today_begins_anew_at_midnight():
    rates, counts = Rates(), Counts()
    for day, puts in ((1, 10), (1, 20), (2, 25), (2, 30), (3, 40)):
        counts.puts = puts
        rates.look(counts, 0, day)
    assert (rates.yesterday.puts, rates.today.puts) == (25, 40)


def view(desk, name, key):
    return desk.ask(ViewStats(name, key))


async def test_sends_and_pulls_are_counted_by_topic_group_and_cluster(orders):
    orders.pull(0)
    await sample(orders)
    log_bytes = orders.broker.store.log.end
    for name, key, total in (
        ("TOPIC_PUT_NUMS", "orders", 3),
        ("TOPIC_PUT_SIZE", "orders", log_bytes),
        ("GROUP_GET_NUMS", "orders@kitchen", 3),
        ("GROUP_GET_SIZE", "orders@kitchen", log_bytes),
        ("BROKER_PUT_NUMS", "DefaultCluster", 3),
        ("BROKER_GET_NUMS", "DefaultCluster", 3),
    ):
        found = fastjson.loads(view(orders, name, key).body)
        assert (name, found["statsMinute"]["sum"]) == (name, total)


async def sample(desk, seconds=10):
    """Let the broker's sampling run for a while."""
    sampling = next(
        one for one in desk.broker._others if type(one).__name__ == "Sampling"
    )
    for _ in range(seconds):
        desk.clock.advance(1000)
        await sampling.step()


@pytest.mark.parametrize(
    ("name", "key"), [("TOPIC_PUT_NUMS", "returns"), ("NO_SUCH_NUMS", "orders")]
)
def test_what_was_never_counted_is_refused_with_its_name_and_key(orders, name, key):
    answer = view(orders, name, key)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == f"The stats <{name}> <{key}> not exist"


def info(desk):
    return fastjson.loads(desk.ask(GetRuntimeInfo()).body)["table"]


async def test_a_broker_tells_what_went_through_it(orders):
    assert info(orders)["putTps"] == "  "
    assert info(orders)["getTotalTps"] == "0.0 0.0 0.0"
    await sample(orders, 1)
    for offset in (0, 3):
        orders.send(b"more")
        orders.pull(offset)
    orders.broker.store.dispatch()
    await sample(orders, 10)
    found = info(orders)
    assert found["putTps"] == "0.2  "
    assert found["getFoundTps"] == "0.1  "
    assert found["getMissTps"] == "0.1  "
    assert found["getTransferedTps"] == "0.3  "
    assert found["getTotalTps"] == "0.2 0.0 0.0"
    assert found["putMessageTimesTotal"] == found["msgPutTotalTodayNow"] == "5"
    assert found["msgGetTotalTodayNow"] == "3"
    assert found["putMessageSizeTotal"] == str(orders.broker.store.log.end)
    assert found["earliestMessageTimeStamp"] == str(orders.clock.now_ms() - 11_000)


async def test_a_message_sent_back_is_counted_under_its_own_topic(orders):
    first = SendReply.parse(orders.send(b"hot").fields)
    offset = int(first.msg_id[-16:], 16)
    assert orders.ask(SendBack(offset, "kitchen", 0)).code == ResponseCode.SUCCESS
    await sample(orders)
    found = fastjson.loads(view(orders, "SNDBCK_PUT_NUMS", "orders@kitchen").body)
    assert found["statsMinute"]["sum"] == 1


def test_delay_levels_tell_how_far_they_are_delivered_and_where_they_end(desk):
    desk.send(properties="DELAY\x012")
    desk.broker.store.dispatch()
    desk.broker.memory.delays.move(2, 0)
    assert info(desk)["scheduleMessageOffset_2"] == "0,1"


@pytest.mark.parametrize(
    ("took_ms", "name"),
    [
        (-1, "<=0ms"),
        (0, "<=0ms"),
        (1, "0~10ms"),
        (9, "0~10ms"),
        (10, "10~50ms"),
        (999, "500ms~1s"),
        (1000, "1~2s"),
        (9999, "5~10s"),
        (10_000, "10s~"),
    ],
)
def test_sends_are_counted_by_how_long_they_took(took_ms, name):
    took = Took()
    took.put(took_ms)
    assert f"[{name}]:1 " in str(took)
    assert str(took).count(":0 ") == 12
    assert took.longest_put_ms == max(0, took_ms)


async def test_a_send_that_takes_its_time_is_told_so(desk):
    admission = desk.broker._admission
    real = admission._handle

    def slow(frame, connection):
        desk.clock.advance(70)
        return real(frame, connection)

    admission._handle = slow
    desk.broker._dispatch.handle = admission.handle
    desk.send()
    desk.pull(0)
    found = info(desk)
    assert "[50~100ms]:1 " in found["putMessageDistributeTime"]
    assert found["putMessageEntireTimeMax"] == "70"
    assert found["getMessageEntireTimeMax"] == "70"


def test_a_broker_without_messages_has_no_earliest_one(desk):
    assert info(desk)["earliestMessageTimeStamp"] == "-1"


def test_a_message_that_is_not_stored_counts_as_failed(desk_with):
    desk = desk_with(role=BrokerRole.SLAVE)
    desk.send()
    found = info(desk)
    assert (found["putMessageFailedTimes"], found["putMessageTimesTotal"]) == ("1", "0")


def test_run_time_info_has_each_key_that_is_measured_of_the_real_one(orders):
    """What it lacks is said in `measure`, and why."""
    lacking = {"putLatency99", "putLatency999"}
    pairs = golden_index()
    name = next(
        pair["file"].removesuffix(".bin")
        for pair in pairs
        if pair["code"] == RequestCode.GET_BROKER_RUNTIME_INFO
        and pair["client"] == "mqadmin-4.9.7"
    )
    real = Frame.from_bytes(golden_frames()[f"{name}.response"][4:])
    keys = {
        key
        for key in fastjson.loads(real.body)["table"]
        if not key.startswith(("scheduleMessageOffset_", "commitLogDiskRatio_"))
    }
    assert keys - info(orders).keys() == lacking


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (3686, "3.6 KiB"),
        (270_582_939_648, "252.0 GiB"),
    ],
)
def test_bytes_are_told_as_java_tells_them(size, text):
    assert _human(size) == text
