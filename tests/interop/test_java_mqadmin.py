"""RocketMQ's own mqadmin prints of our broker what it prints of RocketMQ's, and ours
prints the same.

Addresses, dates and ids stand as words: see `masked`.
"""

from __future__ import annotations

import re

import pytest

from tests.interop.jars import VERSIONS, release
from tests.interop.operating import COUNT, SETTING, operate
from tests.interop.real import OURS

PAIRS = [
    *(("4.9.7", one) for one in ("4.9.7", "4.4.0", None)),
    *((OURS, one) for one in VERSIONS),
]
"""Server, tools; None: ours."""
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d{3})?")
CONNECTION = re.compile(r"127\.0\.0\.1:\d+")
OWN_RETRY = ("%RETRY%pullers", "%RETRY%TOOLS_CONSUMER")
"""Of our pull consumer and of mqadmin's: there when they have been heard from."""
TOPICS = {
    *("BenchmarkTest", "OFFSET_MOVED_EVENT", "SCHEDULE_TOPIC_XXXX"),
    *("SELF_TEST_TOPIC", "TBW102", "interop", "broker-a", "interop_REPLY_TOPIC"),
    "Stage",
}
"""What any broker has, and the client's first."""
RUNTIME_KEYS = set(
    """
    EndTransactionQueueSize EndTransactionThreadPoolQueueCapacity bootTimestamp
    brokerVersion brokerVersionDesc commitLogDirCapacity commitLogDiskRatio
    commitLogMaxOffset commitLogMinOffset consumeQueueDiskRatio dispatchBehindBytes
    dispatchMaxBuffer earliestMessageTimeStamp getFoundTps getMissTps getTotalTps
    getTransferedTps msgGetTotalTodayMorning msgGetTotalTodayNow
    msgGetTotalYesterdayMorning msgPutTotalTodayMorning msgPutTotalTodayNow
    msgPutTotalYesterdayMorning pageCacheLockTimeMills pullThreadPoolQueueCapacity
    pullThreadPoolQueueHeadWaitTimeMills pullThreadPoolQueueSize putMessageAverageSize
    putMessageFailedTimes putMessageSizeTotal putMessageTimesTotal putTps
    queryThreadPoolQueueCapacity queryThreadPoolQueueHeadWaitTimeMills
    queryThreadPoolQueueSize remainHowManyDataToFlush remainTransientStoreBufferNumbs
    runtime sendThreadPoolQueueCapacity sendThreadPoolQueueHeadWaitTimeMills
    sendThreadPoolQueueSize startAcceptSendRequestTimeStamp
    getMessageEntireTimeMax putMessageDistributeTime putMessageEntireTimeMax
    """.split()
)
"""What RocketMQ's broker tells, but for putLatency99, 999 and a name with a path."""


@pytest.fixture(
    scope="session",
    params=PAIRS,
    ids=lambda pair: "-".join(one or "ours" for one in pair),
)
def morning(request, once):
    """Return the release of the tools and what its commands printed."""
    server, tools = request.param
    releases = server and release(server), tools and release(tools)
    name = f"mqadmin-{server}-{tools}"
    return tools, once(name, lambda folder: operate(*releases, folder))


@pytest.fixture
def told(morning):
    return morning[1]


@pytest.fixture
def is_old(morning):
    return morning[0] == "4.4.0"


@pytest.fixture
def lines(told):
    """Return what gives the lines of a command, masked, each without its blanks."""

    def of(name):
        rows = masked(told, name).splitlines()
        return [" ".join(row.split()) for row in rows if row.strip()]

    return of


def masked(told, name):
    text = told[name]
    known = {
        told["address"]: "BROKER",
        told["names"]: "NAMES",
        told["client id"]: "WATCHER",
        told["sent"][1]["id"]: "ID",
        told["sent"][1]["offsetId"]: "PLACE",
    }
    for what, word in known.items():
        text = text.replace(what, word)
    return CONNECTION.sub("CLIENT", DATE.sub("DATE", text))


# The cluster


def test_cluster_list_has_the_broker_with_its_load(lines):
    title, row = lines("clusterList")
    assert title.split()[:4] == ["#Cluster", "Name", "#Broker", "Name"]
    cells = row.split()
    wait, hours, space = map(float, cells[-3:])
    assert cells[:5] == ["interop", "broker-a", "0", "BROKER", "V4_9_7"]
    assert all(re.fullmatch(r"\d+\.\d\d\(0,0ms\)", cell) for cell in cells[5:7])
    assert wait == 0
    assert hours >= 0  # RocketMQ looks for it only where the log is long
    assert 0 < space < 1


def test_topic_list_names_every_topic(lines):
    found = set(lines("topicList")) - set(OWN_RETRY)
    assert found == TOPICS | {"Orders", "%RETRY%billing"}


def test_topic_list_names_who_consumes_a_topic_and_leaves_out_retries(lines):
    _, *rows = lines("topicList of clusters")
    assert {row for row in rows if "billing" in row} == {"interop Orders billing"}
    assert {row.split()[1] for row in rows} == TOPICS | {"Orders"}


def test_topic_route_has_the_broker_and_the_permission(lines, is_old):
    def route(permission):
        flag = "topicSynFlag" if is_old else "topicSysFlag"
        return [
            *(
                '{ "brokerDatas":[ { "brokerAddrs":{0:"BROKER" },',
                '"brokerName":"broker-a",',
            ),
            *(
                '"cluster":"interop" } ],',
                '"filterServerTable":{},',
                '"queueDatas":[ {',
            ),
            *(
                '"brokerName":"broker-a",',
                f'"perm":{permission},',
                '"readQueueNums":1,',
            ),
            *(f'"{flag}":0,', '"writeQueueNums":1 } ] }'),
        ]

    for name, permission in (("", 6), (" wiped", 4), (" changed", 2)):
        assert " ".join(lines(f"topicRoute{name}")) == " ".join(route(permission))


def test_topic_status_has_each_queue_with_its_bounds(lines):
    assert lines("topicStatus") == [
        "#Broker Name #QID #Min Offset #Max Offset #Last Updated",
        "broker-a 0 0 3 DATE",
    ]


def test_stats_name_topic_group_and_what_waits(lines):
    _, row = lines("statsAll")
    assert row.split()[:3] == ["Orders", "billing", "0"]
    assert all(float(cell) >= 0 for cell in row.split()[3:])


def test_broker_status_has_every_key_and_true_counts(lines):
    pairs = dict(
        map(str.strip, row.split(":", 1)) for row in lines("brokerStatus") if ":" in row
    )
    assert pairs.keys() >= RUNTIME_KEYS
    assert pairs["brokerVersionDesc"] == "V4_9_7"
    assert pairs["brokerVersion"] == "407"
    assert pairs["msgPutTotalTodayNow"] == pairs["putMessageTimesTotal"] == "4"
    assert pairs["msgGetTotalTodayNow"] == "4"
    assert pairs["commitLogMaxOffset"] == pairs["putMessageSizeTotal"]
    assert pairs["commitLogMinOffset"] == pairs["dispatchBehindBytes"] == "0"
    assert len(pairs["getTotalTps"].split()) == 3


def test_a_changed_setting_is_told_and_written_to_the_brokers_file(lines, told):
    def settings(name):
        return dict(row.split(" = ", 1) for row in lines(name) if " = " in row)

    before, after = settings("getBrokerConfig"), settings("getBrokerConfig again")
    assert lines("getBrokerConfig")[0] == "============BROKER============"
    assert before["brokerName"] == "broker-a"
    assert before["brokerRole"] == "ASYNC_MASTER"
    assert before["namesrvAddr"] == "NAMES"
    assert before["mappedFileSizeCommitLog"] == str(1 << 20)
    assert lines("updateBrokerConfig") == ["update broker config success, BROKER"]
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {SETTING}
    assert (before[SETTING], after[SETTING]) == ("32", "30")
    assert f"{SETTING}=30" in told["config file"].splitlines()


# Topics and groups


def test_update_topic_prints_what_it_made(lines):
    made = (
        "TopicConfig [topicName=Orders, readQueueNums=1, writeQueueNums=1, perm=RW-,"
        " topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false]"
    )
    assert lines("updateTopic") == ["create topic to BROKER success.", made]


def test_update_group_prints_what_it_made(lines):
    first, second = lines("updateSubGroup")
    assert first == "create subscription group to BROKER success."
    assert "groupName=billing" in second
    assert "retryQueueNums=1, retryMaxTimes=2" in second


def test_permissions_are_wiped_changed_and_come_back_with_a_change(lines):
    (wiped,) = lines("wipeWritePerm")
    assert re.fullmatch(
        r"wipe write perm of broker\[broker-a\] in name server\[NAMES\] OK, \d+", wiped
    )
    assert lines("updateTopicPerm") == [
        "update topic perm from 4 to 2 in BROKER success.",
    ]


def test_groups_and_topics_are_gone_in_the_end(lines):
    in_cluster = "[BROKER] in cluster [interop] success"
    assert lines("deleteSubGroup") == [
        f"delete subscription group [billing] from broker {in_cluster}.",
        *(
            f"delete topic [%{kind}%billing] from {where} success."
            for kind in ("RETRY", "DLQ")
            for where in ("cluster [interop]", "NameServer")
        ),
    ]
    assert lines("deleteTopic") == [
        "delete topic [Orders] from cluster [interop] success.",
        "delete topic [Orders] from NameServer success.",
    ]
    assert set(lines("topicList in the end")) - set(OWN_RETRY) == TOPICS


# Clients


def test_consumer_progress_says_how_far_a_group_is(lines, is_old):
    def progress(name):
        return [row for row in lines(name) if row.startswith(("Orders", "Diff"))]

    client = "N/A " if is_old else ""
    assert progress("consumerProgress") == [
        f"Orders broker-a 0 3 3 {client}0 DATE",
        "Diff Total: 0",
    ]
    assert progress("consumerProgress offline") == [
        f"Orders broker-a 0 4 0 {client}4 N/A",
        "Diff Total: 4",
    ]


def test_consumer_status_finds_one_consumer_in_good_order(lines, is_old):
    rows = lines("consumerStatus")
    *_, row, same, balanced = rows
    version = "V4_4_0" if is_old else "V4_9_7"
    assert row.split()[1:3] == ["WATCHER", version]
    assert same == "Same subscription in the same group of consumer"
    assert balanced == "Rebalance OK"


def test_consumer_connection_has_client_and_subscription(lines, is_old):
    said = "\n".join(lines("consumerConnection"))
    version = "V4_4_0" if is_old else "V4_9_7"
    assert f"WATCHER CLIENT JAVA {version}" in said
    if is_old:
        assert "001 Topic: Orders SubExpression: *\n002 Topic: %RETRY%billing" in said
    else:
        assert {"Orders *", "%RETRY%billing *"} <= set(said.splitlines())
    assert said.endswith(
        "ConsumeType: CONSUME_PASSIVELY\nMessageModel: CLUSTERING\n"
        "ConsumeFromWhere: CONSUME_FROM_FIRST_OFFSET"
    )


def test_producer_connection_has_the_client(lines, is_old):
    (row,) = lines("producerConnection")
    number, _, *rest = row.split()
    assert number == "0001"
    assert rest == ["CLIENT", "JAVA", "V4_4_0" if is_old else "V4_9_7"]


# Messages

MESSAGE = [
    *("Topic: Orders", "Tags: [tag]", "Keys: [key-1]", "Queue ID: 0"),
    *("Queue Offset: 1", "CommitLog Offset: 339", "Reconsume Times: 0"),
    *("Born Timestamp: DATE", "Store Timestamp: DATE"),
    *("Born Host: CLIENT", "Store Host: BROKER", "System Flag: 0"),
]
TRACK = "MessageTrack [consumerGroup=billing, trackType=CONSUMED, exceptionDesc=null]"


@pytest.mark.parametrize(
    "command", ["queryMsgById", "queryMsgByUniqueKey", "queryMsgByOffset"]
)
def test_a_message_is_shown_whole_and_who_has_consumed_it(lines, command):
    rows = [row for row in lines(command) if not row.startswith("OffsetID")]
    assert rows[: len(MESSAGE)] == MESSAGE
    properties, path, track = rows[len(MESSAGE) :]
    for one in ("KEYS=key-1", "UNIQ_KEY=ID", "CLUSTER=interop", "TAGS=tag"):
        assert one in properties
    assert path.endswith("/ID")
    assert track == TRACK


def test_a_message_is_found_by_its_key(lines):
    assert lines("queryMsgByKey") == ["#Message ID #QID #Offset", "ID 0 1"]


def test_print_message_has_each_body(told):
    assert re.findall(r"BODY: (\S+)", told["printMsg"]) == [
        f"order-{number}" for number in range(COUNT)
    ]


def test_send_message_says_where_the_message_went(lines):
    title, row = lines("sendMessage")
    assert title == "#Broker Name #QID #Send Result #MsgId"
    assert re.fullmatch(r"broker-a 0 SEND_OK [0-9A-F]{32}", row)


def test_a_group_is_sent_back_whether_it_is_there_or_not(lines, told):
    def said(group):
        return (
            f"rollback consumer offset by specified {group}[billing], topic[Orders],"
            " force[true], timestamp(string)[0], timestamp(long)[0]"
        )

    assert lines("resetOffsetByTime") == [
        said("group"),
        "#brokerName #queueId #offset",
        "broker-a 0 0",
    ]
    once = [f"order-{number}" for number in range(COUNT + 1)]
    assert told["heard"] == sorted(once * 2)
    assert lines("resetOffsetByTime offline")[:3:2] == [
        said("consumerGroup"),
        "broker-a 0 4 4 0 0",
    ]
