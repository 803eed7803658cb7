"""JSON bodies: read from what real peers sent, written as they would."""

from __future__ import annotations

import contextlib

import pytest

from rmqlab.errors import WireError
from rmqlab.protocol import fastjson
from rmqlab.protocol.bodies import (
    BrokerData,
    ClusterInfo,
    DataVersion,
    GroupConfig,
    QueueData,
    TopicConfig,
    TopicRoute,
    TopicTable,
    encode,
)
from rmqlab.protocol.membership import ConsumerData, Heartbeat, Subscription
from tests.support import golden_archive, golden_frames

QUEUE, BROKER = QueueData("b", 4, 4, 6), BrokerData("c", "b", {0: "h:1"})
GROUP = ConsumerData("g", subscriptions=[Subscription.of("T0", "paid")])
GOOD = [
    BROKER,
    ClusterInfo({"b": BROKER}, {"c": ["b"]}),
    GROUP,
    DataVersion(3, 1000),
    GroupConfig("g"),
    Heartbeat("c1", ["p"], [GROUP]),
    QUEUE,
    GROUP.subscriptions[0],
    TopicConfig("T0"),
    TopicRoute([QUEUE], [BROKER]),
    TopicTable(topics={"T0": TopicConfig("T0")}),
]
WRONG = [None, 7, 2.5, True, "x", [], [7], [None], {}, {"a": 1}, {1: 2},
         {fastjson.Key([("a", 1)]): "x"}]  # fmt: skip


def with_one_part_wrong(value):
    """Yield the JSON value with each of its parts in turn replaced by nonsense."""
    yield from WRONG
    for key in value if isinstance(value, dict) else range(len(as_list(value))):
        for changed in with_one_part_wrong(value[key]):
            copy = value.copy()
            copy[key] = changed
            yield copy


def as_list(value):
    return value if isinstance(value, list) else []


def golden_bodies(what):
    """Return the golden JSON bodies whose frame's name contains `what`."""
    found = {}
    for name, data in golden_frames().items():
        body = data[8 + int.from_bytes(data[5:8]) :]
        if what in name and body.startswith(b"{"):
            found[name] = fastjson.loads(body)
    assert found
    return found


def routes():
    bodies = golden_bodies("GET_ROUTEINFO_BY_TOPIC")
    return {name: one for name, one in bodies.items() if name.endswith("response")}


def test_a_route_of_a_real_name_server_is_understood():
    for found in routes().values():
        route = TopicRoute.from_json(found)
        assert [one.broker_name for one in route.queues] == [
            one["brokerName"] for one in found["queueDatas"]
        ]
        assert [one.broker_addrs for one in route.brokers] == [
            {int(k): v for k, v in one["brokerAddrs"].items()}
            for one in found["brokerDatas"]
        ]


def test_a_route_written_again_says_the_same():
    for name, found in routes().items():
        written = fastjson.text_keys(TopicRoute.from_json(found).to_json())
        # the last field of a queue is spelt in two ways: 4.4 knows one, 4.9 the other
        spelt = ("topicSynFlag", "topicSysFlag")
        for one in (*written["queueDatas"], *found["queueDatas"]):
            assert {one.pop(key, 0) for key in spelt} == {0}
        assert written == fastjson.text_keys(found), name


def test_a_cluster_as_a_real_name_server_tells_it_written_again_is_the_same():
    for name, found in golden_bodies("GET_BROKER_CLUSTER_INFO").items():
        assert ClusterInfo.from_json(found).to_json() == found, name


def test_the_heartbeats_of_real_clients_written_again_are_the_same():
    java = {k: v for k, v in golden_bodies("HEART_BEAT").items() if "-java-" in k}
    for name, found in java.items():
        written = Heartbeat.from_json(found).to_json()
        assert written == found, name


@pytest.mark.parametrize("client", ["java", "cpp", "go", "js"])
def test_the_heartbeats_of_real_clients_name_client_and_groups(client):
    for name, found in golden_bodies("HEART_BEAT").items():
        if f"-{client}-" in name:
            beat = Heartbeat.from_json(found)
            assert beat.client_id == found["clientID"]
            assert [one.group_name for one in beat.consumers] == [
                one["groupName"] for one in found.get("consumerDataSet", [])
            ]


@pytest.mark.parametrize("name", ["4.4.0-clean", "4.9.7-clean", "4.9.7-kill9"])
def test_a_golden_topics_json_is_a_topic_table(name):
    text = golden_archive("stores")[f"store-{name}/config/topics.json"]
    table = TopicTable.from_json(fastjson.loads(text))
    assert table.topics["GoldOne"].topic_name == "GoldOne"
    assert fastjson.dumps(table.to_json(), pretty=True).encode() == text


@pytest.mark.parametrize("name", ["4.4.0-clean", "4.9.7-clean"])
def test_the_groups_of_a_golden_file_written_again_are_the_same(name):
    text = golden_archive("stores")[f"store-{name}/config/subscriptionGroup.json"]
    for found in fastjson.loads(text)["subscriptionGroupTable"].values():
        assert GroupConfig.from_json(found).to_json() == found


def test_what_a_peer_adds_to_a_body_is_ignored():
    found = QueueData("b", 4, 4, 6).to_json() | {"colour": "red"}
    assert QueueData.from_json(found) == QueueData("b", 4, 4, 6)


def test_what_a_body_lacks_is_named():
    with pytest.raises(WireError, match=r"no QueueData: .*missing.*read_queue_nums"):
        QueueData.from_json({"brokerName": "b"})


def test_broker_ids_travel_as_bare_numbers_and_are_read_either_way():
    brokers = BrokerData("c", "b", {1: "h:2", 0: "h:1"})
    wire = encode(brokers.to_json())
    assert wire == (b'{"brokerAddrs":{0:"h:1",1:"h:2"},"brokerName":"b","cluster":"c"}')
    assert BrokerData.from_json(fastjson.loads(wire)) == brokers
    assert BrokerData.from_json(fastjson.text_keys(fastjson.loads(wire))) == brokers


def test_standard_json_has_text_for_each_key():
    assert fastjson.text_keys({0: [{1: "a"}], "b": {2: {}}}) == {
        "0": [{"1": "a"}],
        "b": {"2": {}},
    }


def test_a_table_of_another_version_differs():
    before = DataVersion(3, 1000)
    assert before.next(2000) == DataVersion(4, 2000)


@pytest.mark.parametrize("good", GOOD, ids=lambda one: type(one).__name__)
def test_a_body_written_and_read_is_the_same(good):
    assert type(good).from_json(fastjson.loads(encode(good.to_json()))) == good


@pytest.mark.parametrize("good", GOOD, ids=lambda one: type(one).__name__)
def test_a_body_with_any_part_wrong_is_refused_or_can_be_written_again(good):
    for found in with_one_part_wrong(good.to_json()):
        with contextlib.suppress(WireError):
            encode(type(good).from_json(found).to_json())


@pytest.mark.parametrize("value", ["four", 2.5, [], {}])
def test_a_field_of_another_kind_is_refused_by_its_name(value):
    found = QUEUE.to_json() | {"readQueueNums": value}
    with pytest.raises(WireError, match=r"readQueueNums is .*, expected int"):
        QueueData.from_json(found)


def test_a_field_that_is_null_counts_as_absent_as_other_languages_write_it():
    found = {"topic": "T0", "subString": "*", "tagsSet": None, "codeSet": None}
    assert Subscription.from_json(found) == Subscription("T0")
