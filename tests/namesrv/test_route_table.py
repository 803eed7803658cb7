"""The name server's memory: who registered, who is silent, and what routes remain."""

from __future__ import annotations

import pytest

from rmqlab.namesrv.routes import SILENCE_MS, RouteTable
from rmqlab.protocol.bodies import DataVersion, TopicConfig, TopicTable
from rmqlab.protocol.routing import RegisterBroker, RegisterReply

A, A_SLAVE, B = "10.0.0.1:10911", "10.0.0.2:11011", "10.0.0.2:10911"
CLUSTER = "rocketmq-cluster"


def topics(*configs: TopicConfig, counter: int = 1) -> TopicTable:
    return TopicTable(DataVersion(counter, 7), {one.topic_name: one for one in configs})


ORDERS = topics(TopicConfig("orders", 4, 8, 6))


class Table(RouteTable):
    """A table that is told of brokers in few words."""

    def tell(
        self,
        name="broker-a",
        address=A,
        broker_id=0,
        table=ORDERS,
        connection=None,
        now_ms=0,
    ):
        host, _, port = address.rpartition(":")
        ha_address = f"{host}:{int(port) + 1}"
        header = RegisterBroker(name, address, CLUSTER, ha_address, broker_id)
        return self.register(header, table, connection or address, now_ms)

    def addresses(self, topic="orders"):
        route = self.route(topic)
        brokers = route.brokers if route else []
        return {one.broker_name: one.broker_addrs for one in brokers}

    def queues(self, topic="orders"):
        """Return read queues, write queues and permission by broker."""
        return {
            one.broker_name: (one.read_queue_nums, one.write_queue_nums, one.perm)
            for one in self.route(topic).queues
        }


@pytest.fixture
def table():
    return Table()


def test_a_topic_that_nobody_registered_has_no_route(table):
    table.tell()
    assert table.route("payments") is None


def test_a_registered_topic_routes_to_its_broker_with_its_queues(table):
    table.tell()
    assert table.addresses() == {"broker-a": {0: A}}
    assert table.queues() == {"broker-a": (4, 8, 6)}


def test_a_topic_of_several_brokers_routes_to_all_of_them(table):
    table.tell()
    table.tell("broker-b", B, table=topics(TopicConfig("orders", 2, 2, 6)))
    assert table.addresses() == {"broker-a": {0: A}, "broker-b": {0: B}}
    assert table.queues() == {"broker-a": (4, 8, 6), "broker-b": (2, 2, 6)}


def test_a_slave_joins_its_masters_name(table):
    table.tell()
    table.tell(address=A_SLAVE, broker_id=1)
    assert table.addresses() == {"broker-a": {0: A, 1: A_SLAVE}}


def test_a_slave_is_told_where_its_master_is(table):
    table.tell()
    reply = table.tell(address=A_SLAVE, broker_id=1)
    assert reply == RegisterReply("10.0.0.1:10912", A)


def test_a_master_is_told_nothing(table):
    table.tell(address=A_SLAVE, broker_id=1)
    assert table.tell() == RegisterReply()


def test_a_slave_without_a_master_is_told_nothing(table):
    assert table.tell(address=A_SLAVE, broker_id=1) == RegisterReply()


def test_a_slaves_topics_are_not_believed(table):
    table.tell(address=A_SLAVE, broker_id=1)
    assert table.route("orders") is None


def test_a_changed_topic_replaces_what_the_broker_told_before(table):
    table.tell()
    table.tell(table=topics(TopicConfig("orders", 1, 1, 4), counter=2))
    assert table.queues() == {"broker-a": (1, 1, 4)}


def test_a_topic_that_a_broker_no_longer_mentions_stays(table):
    table.tell()
    table.tell(table=topics(TopicConfig("payments"), counter=2))
    assert sorted(table.topics()) == ["orders", "payments"]


def test_an_unchanged_version_is_not_looked_into(table):
    table.tell()
    table.tell(table=topics(TopicConfig("orders", 1, 1, 6), TopicConfig("payments")))
    assert table.topics() == ["orders"]


def test_a_broker_that_became_a_slave_is_no_master_any_more(table):
    table.tell()
    table.tell(broker_id=1)
    assert table.addresses() == {"broker-a": {1: A}}


def test_a_broker_that_says_goodbye_is_gone_with_its_queues(table):
    table.tell()
    table.tell("broker-b", B)
    table.unregister("broker-a", A)
    assert table.addresses() == {"broker-b": {0: B}}
    assert list(table.queues()) == ["broker-b"]


def test_the_last_broker_of_a_topic_takes_the_topic_along(table):
    table.tell()
    table.unregister("broker-a", A)
    assert table.topics() == []


def test_a_goodbye_of_an_unknown_broker_changes_nothing(table):
    table.tell()
    table.unregister("broker-x", "10.0.0.9:10911")
    assert table.addresses() == {"broker-a": {0: A}}


def test_a_dead_masters_slave_keeps_the_queues_readable(table):
    table.tell()
    table.tell(address=A_SLAVE, broker_id=1)
    table.unregister("broker-a", A)
    assert table.addresses() == {"broker-a": {1: A_SLAVE}}
    assert table.queues() == {"broker-a": (4, 8, 6)}


@pytest.mark.parametrize(("late_ms", "is_gone"), [(0, False), (1, True)])
def test_a_broker_is_forgotten_after_two_minutes_of_silence(table, late_ms, is_gone):
    table.tell(now_ms=1000)
    assert SILENCE_MS == 120_000
    gone = table.expire(1000 + SILENCE_MS + late_ms)
    assert gone == ([A] if is_gone else [])
    assert (table.route("orders") is None) == is_gone


def test_only_the_silent_broker_is_forgotten(table):
    table.tell(now_ms=0)
    table.tell("broker-b", B, now_ms=60_000)
    assert table.expire(SILENCE_MS + 1) == [A]
    assert table.addresses() == {"broker-b": {0: B}}


def test_every_registration_counts_as_a_sign_of_life(table):
    table.tell(now_ms=0)
    table.tell(now_ms=100_000)
    assert table.expire(SILENCE_MS + 1) == []


def test_a_broker_whose_connection_ends_is_forgotten_at_once(table):
    table.tell(connection="first")
    table.tell("broker-b", B, connection="second")
    assert table.hung_up("first") == [A]
    assert table.addresses() == {"broker-b": {0: B}}


def test_the_end_of_a_restarted_brokers_old_connection_harms_nobody(table):
    table.tell(connection="before the restart")
    table.tell(connection="after it")
    assert table.hung_up("before the restart") == []
    assert table.addresses() == {"broker-a": {0: A}}


def test_a_broker_that_comes_back_is_believed_though_its_version_is_old(table):
    table.tell()
    table.unregister("broker-a", A)
    table.tell()
    assert table.queues() == {"broker-a": (4, 8, 6)}


def test_the_cluster_lists_names_and_addresses(table):
    table.tell()
    table.tell(address=A_SLAVE, broker_id=1)
    table.tell("broker-b", B)
    cluster = table.cluster()
    assert cluster.clusters == {CLUSTER: ["broker-a", "broker-b"]}
    found = {name: data.broker_addrs for name, data in cluster.brokers.items()}
    assert found == {"broker-a": {0: A, 1: A_SLAVE}, "broker-b": {0: B}}


def test_a_broker_name_without_addresses_leaves_the_cluster(table):
    table.tell()
    table.unregister("broker-a", A)
    assert table.cluster().clusters == {}
