"""Traffic: what its report counts, and real runs."""

from __future__ import annotations

from collections import Counter

import pytest

from rmqlab.classroom.traffic import Report, Sent, Traffic
from rmqlab.errors import RmqError

OUTCOMES = [
    ("a", "SEND_OK"),
    ("b", "SLAVE_NOT_AVAILABLE"),
    ("c", "FLUSH_SLAVE_TIMEOUT"),
    ("d", "refused"),
    ("e", "unanswered"),
]


def report(consumed="", outcomes=OUTCOMES):
    sent = [
        Sent(key, float(at), 0.5, outcome) for at, (key, outcome) in enumerate(outcomes)
    ]
    return Report(sent, Counter(consumed))


def test_acknowledged_is_what_some_broker_has():
    assert report().acknowledged == {"a", "b", "c"}
    assert report().outcomes == dict.fromkeys(dict(OUTCOMES).values(), 1)


@pytest.mark.parametrize(
    ("consumed", "missing", "doubled", "surprising"),
    [
        ("", "abc", "", ""),
        ("abc", "", "", ""),
        ("aabc", "", "a", ""),
        ("ace", "b", "", "e"),
        ("abcee", "", "e", "e"),
    ],
)
def test_what_was_consumed_is_held_against_what_was_acknowledged(
    consumed, missing, doubled, surprising
):
    found = report(consumed)
    assert found.missing == set(missing)
    assert found.doubled == set(doubled)
    assert found.surprising == set(surprising)


@pytest.mark.parametrize(
    ("outcomes", "longest_s"),
    [
        ("", 0.0),
        ("+", 0.5),
        ("++++", 1.0),
        ("+--+", 3.0),
        ("--++", 2.5),  # from the first send
        ("+---", 2.5),  # to the last one: nobody answered any more
        ("----", 3.0),
    ],
)
def test_the_longest_pause_is_all_the_time_without_an_acknowledgement(
    outcomes, longest_s
):
    how = {"+": "SEND_OK", "-": "refused"}
    sent = [(f"{at}", how[sign]) for at, sign in enumerate(outcomes)]
    assert report(outcomes=sent).longest_pause_s == longest_s


def test_the_order_of_answers_does_not_matter():
    assert report(outcomes=OUTCOMES[::-1]).missing == report().missing
    late = Report([Sent("b", 2.0, 0.5, "SEND_OK"), Sent("a", 0.0, 1.0, "SEND_OK")])
    assert late.longest_pause_s == 1.5


def test_a_report_in_json_has_the_counts():
    assert report("aabe").to_json() == {
        "sent": 5,
        "outcomes": report().outcomes,
        "acknowledged": 3,
        "consumed": 3,
        "missing": 1,
        "doubled": 1,
        "surprising": 1,
        "longest_pause_s": 1.5,
    }


def test_a_report_may_be_read_while_it_grows():
    class Meanwhile(int):
        """A count at whose comparison another message comes in."""

        def __gt__(self, other):
            found.consumed["new"] += 1
            return int(self) > other

    found = report("aab")
    found.consumed = Counter({"a": Meanwhile(2), "b": Meanwhile(1)})
    assert found.doubled == {"a"}


def test_traffic_is_acknowledged_and_consumed_once_each(one_master):
    with one_master.traffic("deliveries") as traffic:
        traffic.wait_for(30)
        found = traffic.stop()
    assert found.outcomes == {"SEND_OK": len(found.sent)}
    assert found.consumed == Counter({one.key: 1 for one in found.sent})
    assert traffic.stop() is found  # again does no harm


def test_traffic_that_meets_nobody_is_no_traffic():
    with (
        pytest.raises(RmqError, match=r"127\.0\.0\.1:1"),
        Traffic("127.0.0.1:1", "orders"),
    ):
        pass


def test_what_was_sent_is_told_by_its_key(one_master):
    with one_master.traffic("named", per_second=200) as traffic:
        traffic.wait_for(10)
        found = traffic.stop()
    keys = [one.key for one in found.sent]
    assert sorted(keys, key=lambda one: int(one.partition("-")[2])) == [
        f"named-{number}" for number in range(len(keys))
    ]
    assert {message.keys for message in messages(one_master, "named")} == set(keys)


def test_waiting_for_more_than_comes_ends_when_the_time_is_up(one_master):
    with one_master.traffic("few") as traffic:
        found = traffic.wait_for(1_000_000, within_s=0.05)
    assert len(found.acknowledged) < 1_000_000


def messages(cluster, topic):
    found = cluster.messages_on_disk("broker-a")
    return [one for one in found if one.topic == topic]
