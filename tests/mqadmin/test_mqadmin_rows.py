"""Rows print themselves as RocketMQ's mqadmin 4.9.7 prints them.

The lines are its own, taken from a cluster of real brokers (blanks at their ends are
left out); ours on the same cluster were the same.
"""

# ruff: noqa: E501 -- some are wide
from __future__ import annotations

import pytest

from rmqlab.client.groups import Members, QueueProgress
from rmqlab.mqadmin import running, stats, tracks
from rmqlab.mqadmin.brokers import ConfigOf, Measurement, Setting
from rmqlab.mqadmin.clients import Consumer, ProducerRow, Subscribed, Verdict
from rmqlab.mqadmin.cluster import BrokerLoad, BrokerTotals, Permitted
from rmqlab.mqadmin.command import truth
from rmqlab.mqadmin.groups import GroupGone, GroupSettings
from rmqlab.mqadmin.java import bytes_text
from rmqlab.mqadmin.messages import ConsumedDirectly, Found
from rmqlab.mqadmin.offsets import Asked, OffsetSet, Reset
from rmqlab.mqadmin.places import Place
from rmqlab.mqadmin.progress import ClientQueueRow, GroupRow, GroupTotal, QueueRow
from rmqlab.mqadmin.stats import TopicFlow
from rmqlab.mqadmin.times import digits, milliseconds, moment, moment_or_now, second
from rmqlab.mqadmin.topics import AllQueues, TopicConsumer
from rmqlab.mqadmin.tracks import Track
from rmqlab.protocol.codes import version_text
from rmqlab.protocol.fastjson import Key
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.message import (
    MessageQueue,
    StoredMessage,
    offset_msg_id,
    place_of,
)

PLACE = Place("C1", "broker-a", 0, "127.0.0.1:17911")
MEASURED = {
    "brokerVersionDesc": "V4_9_7",
    "putTps": "0.0 0.16 ",
    "getTransferedTps": "2.28 0.4 ",
    "sendThreadPoolQueueSize": "0",
    "pullThreadPoolQueueSize": "1",
    "sendThreadPoolQueueHeadWaitTimeMills": "0",
    "pullThreadPoolQueueHeadWaitTimeMills": "3",
    "pageCacheLockTimeMills": "0",
    "earliestMessageTimeStamp": "-1",
    "commitLogDiskRatio": "0.14",
    "msgPutTotalYesterdayMorning": "1",
    "msgPutTotalTodayMorning": "3",
    "msgPutTotalTodayNow": "13",
    "msgGetTotalYesterdayMorning": "0",
    "msgGetTotalTodayMorning": "0",
    "msgGetTotalTodayNow": "15",
}


def at(text):
    """Return a moment of this machine's own time zone."""
    return milliseconds(text)


ROWS = [
    (
        BrokerLoad.of(PLACE, MEASURED, 1795838220000),
        (
            "#Cluster Name     #Broker Name            #BID  #Addr                  "
            "#Version                #InTPS(LOAD)       #OutTPS(LOAD) #PCWait(ms) "
            "#Hour #SPACE"
        ),
        (
            "C1                broker-a                0     127.0.0.1:17911        "
            "V4_9_7                   0.00(0,0ms)         2.28(1,3ms)          0 "
            "498843.95 0.1400"
        ),
    ),
    (
        BrokerTotals.of(PLACE, MEASURED),
        (
            "#Cluster Name     #Broker Name                       #InTotalYest  "
            "#OutTotalYest  #InTotalToday #OutTotalToday"
        ),
        (
            "C1                broker-a                                      2              "
            "0             10             15"
        ),
    ),
    (
        TopicConsumer("C1", "orders", "CG"),
        (
            "#Cluster Name         #Topic                                            "
            "#Consumer Group"
        ),
        (
            "C1                    orders                                                  "
            "          CG"
        ),
    ),
    (
        QueueRow("orders", "broker-a", 0, 5, 4, 1, at("2026-11-28#03:56:33:028")),
        (
            "#Topic                                                            "
            "#Broker Name                      #QID  #Broker Offset        "
            "#Consumer Offset      #Diff                 #LastTime"
        ),
        (
            "orders                                                            "
            "broker-a                          0     5                     "
            "4                     1                     2026-11-28 03:56:33"
        ),
    ),
    (
        ClientQueueRow("%RETRY%CG", "broker-b", 0, 0, 0, "192.0.2.2", 0, 0),
        (
            "#Topic                                                            "
            "#Broker Name                      #QID  #Broker Offset        "
            "#Consumer Offset      #Client IP           #Diff                 #LastTime"
        ),
        (
            "%RETRY%CG                                                         "
            "broker-b                          0     0                     "
            "0                     192.0.2.2            0                     N/A"
        ),
    ),
    (
        GroupRow("BG", 1, "V4_9_7", "PUSH", "BROADCASTING", 0, 0),
        (
            "#Group                                                            #Count  "
            "#Version                 #Type  #Model          #TPS     #Diff Total"
        ),
        (
            "BG                                                                1       "
            "V4_9_7                   PUSH   BROADCASTING    0        0"
        ),
    ),
    (
        Consumer("192.0.2.2@cons", "127.0.0.1:45126", "JAVA", "V4_9_7"),
        (
            "#ClientId                            #ClientAddr            #Language  "
            "#Version"
        ),
        "192.0.2.2@cons                       127.0.0.1:45126        JAVA       V4_9_7",
    ),
    (
        Subscribed("orders", "paid || sent"),
        "\nBelow is subscription:\n#Topic               #SubExpression",
        "orders               paid || sent",
    ),
    (
        ProducerRow(1, "192.0.2.2@prod", "127.0.0.1:45150", "JAVA", "V4_9_7"),
        "",
        "0001  192.0.2.2@prod                   127.0.0.1:45150        JAVA     V4_9_7",
    ),
    (
        Found("C000020247B04E0E2F2A8BE444F70001", 0, 0),
        (
            "#Message ID                                        #QID                       "
            "           #Offset"
        ),
        (
            "C000020247B04E0E2F2A8BE444F70001                      0                       "
            "                 0"
        ),
    ),
    (
        TopicFlow("orders", "BG", 20, 0.0, 0.4, 24, 56),
        (
            "#Topic                                                            "
            "#Consumer Group                                                  "
            "#Accumulation      #InTPS     #OutTPS   #InMsg24Hour  #OutMsg24Hour"
        ),
        (
            "orders                                                            "
            "BG                                                                         "
            "20        0.00        0.40             24             56"
        ),
    ),
    (
        Reset("broker-b", 0, 6),
        (
            "#brokerName                               #queueId                            "
            "      #offset"
        ),
        (
            "broker-b                                  0                                   "
            "      6"
        ),
    ),
    (
        OffsetSet("broker-b", 0, 6, 5, 4, 4),
        (
            "#brokerName           #queueId              #brokerOffset         "
            "#consumerOffset       #timestampOffset      #rollbackOffset"
        ),
        (
            "broker-b              0                     6                     5           "
            "          4                     4"
        ),
    ),
]


@pytest.mark.parametrize(
    ("row", "heading", "line"), ROWS, ids=lambda one: type(one).__name__
)
def test_a_row_and_its_heading_are_rocketmqs(row, heading, line):
    assert [one.rstrip() for one in row.HEADING.splitlines()] == heading.splitlines()
    assert str(row).rstrip() == line


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            Permitted("wipe", "broker-b", "127.0.0.1:9876", 11),
            "wipe write perm of broker[broker-b] in name server[127.0.0.1:9876] OK, 11",
        ),
        (
            GroupSettings("G1", True, False, False, 1, 16, 0, 1, True),
            (
                "SubscriptionGroupConfig [groupName=G1, consumeEnable=true, "
                "consumeFromMinEnable=false, consumeBroadcastEnable=false, "
                "retryQueueNums=1, retryMaxTimes=16, brokerId=0, "
                "whichBrokerWhenConsumeSlowly=1, notifyConsumerIdsChangedEnable=true]"
            ),
        ),
        (
            GroupGone("G1", "127.0.0.1:17911", "C1"),
            (
                "delete subscription group [G1] from broker [127.0.0.1:17911] in cluster "
                "[C1] success."
            ),
        ),
        (
            GroupGone("G1", "127.0.0.1:17911", None),
            "delete subscription group [G1] from broker [127.0.0.1:17911] success.",
        ),
        (GroupTotal(0.5, 20), "\nConsume TPS: 0.50\nDiff Total: 20"),
        (
            Verdict(True, ()),
            "\n\nSame subscription in the same group of consumer\n\nRebalance OK",
        ),
        (
            Measurement(None, "brokerVersion", "407"),
            "brokerVersion                   : 407",
        ),
        (
            Measurement("127.0.0.1:17931", "brokerVersion", "407"),
            "127.0.0.1:17931          brokerVersion                   : 407",
        ),
        (
            ConfigOf("127.0.0.1:17921", "Slave", "127.0.0.1:17911"),
            (
                "============My Master: 127.0.0.1:17911=====Slave: 127.0.0.1:17921"
                "============"
            ),
        ),
        (
            Setting("127.0.0.1:17911", "brokerId", "0"),
            "brokerId                                          =  0",
        ),
        (
            Track("CG", "CONSUMED"),
            "MessageTrack [consumerGroup=CG, trackType=CONSUMED, exceptionDesc=null]",
        ),
        (
            ConsumedDirectly(False, True, "CR_SUCCESS", None, 0),
            (
                "ConsumeMessageDirectlyResult [order=false, autoCommit=true, "
                "consumeResult=CR_SUCCESS, remark=null, spentTimeMills=0]"
            ),
        ),
        (
            Asked("CG", "orders", True, "now", -1, True),
            (
                "rollback consumer offset by specified group[CG], topic[orders], "
                "force[true], timestamp(string)[now], timestamp(long)[-1]"
            ),
        ),
    ],
)
def test_a_sentence_is_rocketmqs(row, text):
    assert str(row) == text


def test_a_topic_without_consumers_says_so_in_its_line():
    row = TopicFlow("orders", None, 0, 0.25, None, 24, None)
    assert str(row).split() == ["orders", "0", "0.25", "24", "NO_CONSUMER"]


def test_a_group_without_clients_is_offline():
    assert "OFFLINE" in str(GroupRow("CG", 0, None, "", "", 0, 7))


def test_what_a_broker_does_not_measure_stands_as_a_dash():
    row = BrokerLoad.of(PLACE, {}, 0)
    assert str(row).split()[4:] == ["-"] * 6
    assert row.to_json()["in_tps"] is None


def test_a_broker_that_just_started_has_no_rate_yet():
    assert BrokerLoad.of(PLACE, MEASURED | {"putTps": ""}, 0).in_tps == 0.0


def test_the_sums_of_a_route_stand_below_a_rule():
    rule, sums = str(AllQueues(2, 4, 5)).splitlines()
    assert rule == "-" * 158
    assert sums.split() == ["Total:", "2", "4", "5"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (407, "V4_9_7"),
        (406, "V4_9_7_SNAPSHOT"),
        (293, "V4_4_0"),
        (213, "V4_0_0"),
        (413, "V5_0_0"),
        (211, "V3_9_9"),
        (121, "V3_4_9"),
        (87, "V3_3_1"),
        (62, "V3_1_8_SNAPSHOT"),
        (37, "V3_0_11"),
        (9, "V3_0_0"),
        (612, "HIGHER_VERSION"),
    ],
)
def test_a_version_number_stands_for_a_release(number, text):
    assert version_text(number) == text


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_offset_id_names_its_broker_and_its_place(host):
    msg_id = offset_msg_id((host, 10911), 551)
    assert place_of(msg_id) == (f"{host}:10911", 551)


@pytest.mark.parametrize(
    "text", ["", "nosuch", "7F00", "7F000001000045F7000000000000022"]
)
def test_what_is_no_offset_id_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        place_of(text)


def test_a_moment_is_read_as_it_is_printed():
    at_ms = milliseconds("2026-11-28#03:56:33:028")
    assert moment(at_ms) == "2026-11-28 03:56:33,028"
    assert second(at_ms) == "2026-11-28 03:56:33"
    assert digits(at_ms) == "20261128035633028"
    assert milliseconds(str(at_ms)) == at_ms


def test_now_is_what_brokers_take_for_the_end():
    assert moment_or_now("now") == -1
    assert moment_or_now("1000") == 1000


@pytest.mark.parametrize("text", ["", "noon", "2026-11-28", "2026-11-28#03:56:33"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        milliseconds(text)


def test_bytes_have_a_sign_as_in_java():
    assert bytes_text(b"c\xef\x80\x7f") == "[99, -17, -128, 127]"


@pytest.mark.parametrize("text", ["yes", "1", "", "tru"])
def test_what_is_neither_true_nor_false_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        truth(text)


def test_the_longest_time_that_has_a_count_tells_what_a_day_had():
    found = {f"stats{span}": {"sum": 0} for span in ("Minute", "Hour", "Day")}
    assert stats.in_24_hours(found) == 0
    found["statsMinute"]["sum"] = 3
    assert stats.in_24_hours(found) == 3
    found["statsDay"]["sum"] = 70
    assert stats.in_24_hours(found) == 70


QUEUE = Key({"brokerName": "broker-a", "queueId": 1, "topic": "orders"}.items())


def info(**changed):
    """Return what a consumer says of itself, with something changed about its queue."""
    process_queue = {
        "cachedMsgCount": 0,
        "commitOffset": 5,
        "droped": False,
        "lastConsumeTimestamp": 0,
        "lastLockTimestamp": 0,
        "lastPullTimestamp": 0,
        "locked": True,
        "tryUnlockTimes": 0,
    }
    properties = {"PROP_CONSUMEORDERLY": "false", "PROP_CONSUMER_START_TIMESTAMP": "0"}
    return {
        "mqTable": {QUEUE: process_queue | changed},
        "properties": properties,
        "statusTable": {"orders": {"pullRT": 50.25, "pullTPS": 0.67}},
        "subscriptionSet": [
            {"topic": "orders", "subString": "*", "classFilterMode": False}
        ],
    }


def test_a_consumers_sheet_has_rocketmqs_lines():
    lines = [line.rstrip() for line in running.sheet(info()).splitlines()]
    assert lines[0] == "#Consumer Properties#"
    assert "PROP_CONSUMEORDERLY                     : false" in lines
    assert (
        "001 Topic: orders                                   ClassFilter: false    "
        "SubExpression: *"
    ) in lines
    assert (
        "orders                            broker-a                          1     5"
    ) in lines
    assert (
        "orders                                     50.25           0.67           "
        "0.00           0.00               0.00                         0"
    ) in lines
    (queue,) = [line for line in lines if "ProcessQueueInfo [" in line]
    assert "ProcessQueueInfo [commitOffset=5, cachedMsgMinOffset=0, " in queue
    assert queue.index("broker-a") == 66


@pytest.mark.parametrize(
    ("changed", "orderly", "complaint"),
    [
        ({}, "false", None),
        ({"cachedMsgCount": 1}, "false", "can't consume for a while, maybe blocked"),
        ({"locked": False}, "true", "can't lock for a while"),
        ({"droped": True, "tryUnlockTimes": 3}, "true", "unlock 3 times, still failed"),
        ({"locked": False}, "false", None),
    ],
)
def test_a_queue_that_does_not_move_is_complained_of(changed, orderly, complaint):
    found = info(**changed)
    found["properties"]["PROP_CONSUMEORDERLY"] = orderly
    told = list(running.complaints("me@1", found, 60_001))
    assert [complaint in one for one in told] == ([True] if complaint else [])


def test_members_that_want_different_things_are_told_once_all_have_settled():
    one, other = info(), info()
    other["subscriptionSet"][0]["subString"] = "paid"
    assert running.want_the_same([one, info()], 120_000)
    assert not running.want_the_same([one, other], 120_000)
    assert running.want_the_same([one, other], 119_999)


def test_a_message_is_consumed_where_its_own_brokers_queue_is_past_it(stored):
    at_broker = {"127.0.0.1:10911": "broker-a"}
    queue = MessageQueue("orders", "broker-a", 1)
    past = QueueProgress(queue, 9, 5, 0)
    assert tracks._is_past(past, stored, at_broker)
    assert not tracks._is_past(past._replace(consumer_offset=4), stored, at_broker)
    elsewhere = past._replace(queue=queue._replace(broker_name="broker-b"))
    assert not tracks._is_past(elsewhere, stored, at_broker)


@pytest.mark.parametrize(("expression", "wanted"), [("*", True), ("sent", False)])
def test_a_message_whose_tag_nobody_wants_was_filtered(stored, expression, wanted):
    wants = {"orders": Subscription.of("orders", expression)}
    assert tracks._wants(Members([], "", "", "", wants), stored) == wanted


@pytest.fixture
def stored():
    """Return the message at offset 4 of queue 1."""
    return StoredMessage(
        topic="orders",
        queue_id=1,
        queue_offset=4,
        physical_offset=551,
        size=177,
        body=b"coffee",
        properties={"TAGS": "paid"},
        flag=0,
        sys_flag=0,
        born_timestamp=0,
        born_host=("127.0.0.1", 45150),
        store_timestamp=0,
        store_host=("127.0.0.1", 10911),
        reconsume_times=0,
    )
