"""Each request that a name server answers, as it looks on the wire."""

from __future__ import annotations

import pytest

from rmqlab.clock import ManualClock
from rmqlab.errors import Refused, WireError
from rmqlab.namesrv.server import NameServer
from rmqlab.protocol import bodies, fastjson, registration, routing
from rmqlab.protocol.bodies import DataVersion, TopicConfig, TopicTable
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.settings import NamesrvConfig

A = "10.0.0.1:10911"
MASTER = routing.RegisterBroker("broker-a", A, "c", "10.0.0.1:10912", 0)
TABLE = TopicTable(
    DataVersion(3, 17),
    {
        "orders": TopicConfig("orders", 4, 4),
        "unit": TopicConfig("unit", topic_sys_flag=1),
        "sub": TopicConfig("sub", topic_sys_flag=2),
        "both": TopicConfig("both", topic_sys_flag=3),
    },
)
VERSION = bodies.encode(TABLE.data_version.to_json())
NOBODY = object()


class Desk:
    """A name server's table of requests, asked directly."""

    def __init__(self) -> None:
        self.clock = ManualClock(1000)
        self.server = NameServer(NamesrvConfig(), self.clock)

    def ask(self, header, body=b"", **frame):
        request = Frame(header.CODE, header.to_wire() or None, body, **frame)
        return self.server.requests.handle(request, NOBODY)

    def json(self, header, body=b"", **frame):
        return fastjson.loads(self.ask(header, body, **frame).body)

    def refusal(self, header, body=b""):
        with pytest.raises(Refused) as refused:
            self.ask(header, body)
        return refused.value.code, refused.value.remark


@pytest.fixture
def desk():
    desk = Desk()
    desk.ask(MASTER, registration.encode(TABLE))
    return desk


def test_every_code_of_rocketmqs_name_server_is_answered(desk):
    codes = {header.CODE for header, _ in desk.server.requests.table()}
    assert codes == {
        *range(100, 107), 205, 206, 216, 219, 224, 304, 311, 312, 313, 318, 319, 322,
        327,
    }  # fmt: skip


def test_a_compressed_registration_tells_as_much_as_a_plain_one(desk):
    header = routing.RegisterBroker(
        "b", "10.0.0.2:1", "c", "10.0.0.2:2", 0, compressed=True
    )
    desk.ask(header, registration.encode(TABLE, compressed=True))
    (_, queues) = desk.server.routes.route("orders").queues
    assert (queues.broker_name, queues.read_queue_nums) == ("b", 4)


def test_a_registration_that_is_not_compressed_as_it_says_is_refused(desk):
    header = routing.RegisterBroker(
        "b", "10.0.0.2:1", "c", "10.0.0.2:2", 0, compressed=True
    )
    with pytest.raises(WireError, match="no compressed registration"):
        desk.ask(header, registration.encode(TABLE))


def test_a_registration_is_answered_with_the_topics_that_have_an_order(desk):
    assert desk.ask(MASTER).body == b""
    desk.ask(routing.PutKvConfig("ORDER_TOPIC_CONFIG", "orders", "broker-a:4"))
    assert desk.json(MASTER) == {"table": {"orders": "broker-a:4"}}
    desk.ask(routing.DeleteKvConfig("ORDER_TOPIC_CONFIG", "orders"))
    assert desk.json(MASTER) == {"table": {}}


def test_a_route_has_its_order_only_where_the_name_server_is_told_to_say(desk):
    desk.ask(routing.PutKvConfig("ORDER_TOPIC_CONFIG", "orders", "broker-a:4"))
    assert "orderTopicConf" not in desk.json(routing.GetRoute("orders"))
    desk.ask(routing.UpdateNamesrvConfig(), b"orderMessageEnable=true")
    assert desk.json(routing.GetRoute("orders"))["orderTopicConf"] == "broker-a:4"
    assert "orderTopicConf" not in desk.json(routing.GetRoute("unit"))


@pytest.mark.parametrize(
    ("version", "changed"),
    [(TABLE.data_version, "false"), (DataVersion(4, 17), "true")],
)
def test_a_broker_asks_whether_it_must_tell_its_topics_again(desk, version, changed):
    asked = routing.QueryDataVersion("broker-a", A, "c", 0)
    answer = desk.ask(asked, bodies.encode(version.to_json()))
    assert answer.fields == {"changed": changed}
    assert answer.body == VERSION


def test_an_unknown_broker_must_tell_its_topics(desk):
    asked = routing.QueryDataVersion("broker-b", "10.0.0.2:10911", "c", 0)
    answer = desk.ask(asked, VERSION)
    assert (answer.fields, answer.body) == ({"changed": "true"}, b"")


def test_a_broker_that_asks_for_its_unchanged_version_is_not_forgotten(desk):
    desk.clock.advance(100_000)
    desk.ask(routing.QueryDataVersion("broker-a", A, "c", 0), VERSION)
    assert desk.server.routes.expire(desk.clock.now_ms() + 100_000) == []


@pytest.mark.parametrize(
    ("asked", "topics"),
    [
        (routing.GetTopicList(), ["orders", "unit", "sub", "both"]),
        (routing.GetTopicsByCluster("c"), ["orders", "unit", "sub", "both"]),
        (routing.GetTopicsByCluster("nowhere"), []),
        (routing.GetUnitTopics(), ["unit", "both"]),
        (routing.GetUnitSubTopics(), ["sub", "both"]),
        (routing.GetUnitSubUnunitTopics(), ["sub"]),
    ],
)
def test_topics_are_listed_as_they_are_asked_for(desk, asked, topics):
    assert desk.json(asked) == {"topicList": topics}


def test_system_topics_are_those_of_cluster_and_brokers(desk):
    found = desk.json(routing.GetSystemTopics())
    assert found == {"brokerAddr": A, "topicList": ["c", "broker-a"]}


def test_the_permission_to_write_is_wiped_and_added_and_counted(desk):
    def permissions():
        found = desk.json(routing.GetRoute("orders"))
        return [one["perm"] for one in found["queueDatas"]]

    wiped = desk.ask(routing.WipeWritePermission("broker-a"))
    assert (wiped.fields, permissions()) == ({"wipeTopicCount": "4"}, [4])
    added = desk.ask(routing.AddWritePermission("broker-a"))
    assert (added.fields, permissions()) == ({"addTopicCount": "4"}, [6])
    nobody = desk.ask(routing.WipeWritePermission("broker-x"))
    assert nobody.fields == {"wipeTopicCount": "0"}


@pytest.mark.parametrize(
    ("cluster", "is_gone"), [(None, True), ("", True), ("c", True), ("other", False)]
)
def test_a_topic_is_deleted_everywhere_or_in_one_cluster(desk, cluster, is_gone):
    desk.ask(routing.DeleteTopicInNamesrv("orders", cluster))
    topics = desk.json(routing.GetTopicList())["topicList"]
    assert ("orders" not in topics) is is_gone


def test_a_value_is_kept_given_listed_and_deleted(desk):
    desk.ask(routing.PutKvConfig("n", "k", "v"))
    assert desk.ask(routing.GetKvConfig("n", "k")).fields == {"value": "v"}
    assert desk.json(routing.GetKvList("n")) == {"table": {"k": "v"}}
    desk.ask(routing.DeleteKvConfig("n", "k"))
    desk.ask(routing.DeleteKvConfig("m", "k"))
    assert desk.refusal(routing.GetKvConfig("n", "k")) == (
        ResponseCode.QUERY_NOT_FOUND,
        "No config item, Namespace: n Key: k",
    )


def test_a_namespace_that_never_was_is_refused_with_rocketmqs_words(desk):
    assert desk.refusal(routing.GetKvList("m")) == (
        ResponseCode.QUERY_NOT_FOUND,
        "No config item, Namespace: m",
    )


def test_settings_are_shown_as_they_were_changed(desk):
    desk.ask(routing.UpdateNamesrvConfig(), b"orderMessageEnable=true")
    text = desk.ask(routing.GetNamesrvConfig()).body.decode()
    assert "orderMessageEnable=true\n" in text
    assert "listenPort=9876\n" in text


def test_a_path_cannot_be_changed_from_afar(desk):
    asked = routing.UpdateNamesrvConfig()
    assert desk.refusal(asked, b"kvConfigPath=/etc/x") == (
        ResponseCode.NO_PERMISSION,
        "Can not update config path",
    )
