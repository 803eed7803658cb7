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
    table.unregister("broker-a", 0, A)
    assert table.addresses() == {"broker-b": {0: B}}
    assert list(table.queues()) == ["broker-b"]


def test_the_last_broker_of_a_topic_takes_the_topic_along(table):
    table.tell()
    table.unregister("broker-a", 0, A)
    assert table.topics() == []


def test_a_goodbye_of_an_unknown_broker_changes_nothing(table):
    table.tell()
    table.unregister("broker-x", 0, "10.0.0.9:10911")
    assert table.addresses() == {"broker-a": {0: A}}


def test_a_dead_masters_slave_keeps_the_queues_readable(table):
    table.tell()
    table.tell(address=A_SLAVE, broker_id=1)
    table.unregister("broker-a", 0, A)
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
    table.unregister("broker-a", 0, A)
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
    table.unregister("broker-a", 0, A)
    assert table.cluster().clusters == {}


def test_a_goodbye_frees_the_brokers_id_whoever_has_it_now(table):
    """As in RocketMQ, which looks at the id and not at the address."""
    table.tell(address=A)
    table.tell(address=B)
    table.unregister("broker-a", 0, A)
    assert table.addresses() == {}


def test_a_brokers_topics_are_as_told_until_their_version_differs(table):
    table.tell()
    assert table.is_as_told(A, ORDERS.data_version, 0)
    assert not table.is_as_told(A, DataVersion(2, 7), 0)
    assert not table.is_as_told(B, ORDERS.data_version, 0)
    assert table.version(A) == ORDERS.data_version
    assert table.version(B) is None


def test_a_broker_whose_topics_are_as_told_lives(table):
    table.tell(now_ms=0)
    table.tell("broker-b", B, now_ms=0)
    assert table.is_as_told(A, ORDERS.data_version, 1)
    assert not table.is_as_told(B, DataVersion(2, 7), 1)
    assert table.expire(SILENCE_MS + 1) == [B]


def test_a_cluster_has_the_topics_of_its_brokers(table):
    table.tell()
    table.tell("broker-b", B, table=topics(TopicConfig("payments")))
    table._brokers["broker-b"].cluster = "other"
    assert table.topics(CLUSTER) == ["orders"]
    assert table.topics("other") == ["payments"]
    assert table.topics("nowhere") == []
    assert table.topics() == ["orders", "payments"]


@pytest.mark.parametrize(
    ("flags", "mask", "found"),
    [(1, 1, ["unit", "both"]), (2, 2, ["sub", "both"]), (2, 3, ["sub"])],
)
def test_topics_of_units_are_found_by_their_flags(table, flags, mask, found):
    of_flags = {"plain": 0, "unit": 1, "sub": 2, "both": 3}
    table.tell(
        table=topics(*(TopicConfig(k, topic_sys_flag=v) for k, v in of_flags.items()))
    )
    assert table.unit_topics(flags, mask) == found


def test_clusters_and_brokers_have_topics_of_their_names(table):
    assert table.system_topics() == ([], None)
    table.tell()
    table.tell("broker-b", B)
    assert table.system_topics() == ([CLUSTER, "broker-a", "broker-b"], A)


def test_a_deleted_topic_is_back_when_its_masters_version_changes(table):
    table.tell()
    table.delete_topic("orders")
    table.delete_topic("never was")
    table.tell()
    assert table.topics() == []
    table.tell(table=topics(TopicConfig("orders"), counter=2))
    assert table.topics() == ["orders"]


def test_a_topic_is_deleted_from_one_cluster_only(table):
    table.tell()
    table.tell("broker-b", B)
    table._brokers["broker-b"].cluster = "other"
    table.delete_topic("orders", "other")
    assert list(table.queues()) == ["broker-a"]
    table.delete_topic("orders", CLUSTER)
    assert table.topics() == []


def test_the_permission_to_write_is_taken_from_one_broker_and_given_back(table):
    table.tell(table=topics(TopicConfig("orders", 4, 8, 7), TopicConfig("payments")))
    table.tell("broker-b", B)
    assert table.set_writable("broker-a", writable=False) == 2
    assert table.queues() == {"broker-a": (4, 8, 5), "broker-b": (4, 8, 6)}
    assert table.set_writable("broker-a", writable=True) == 2
    assert table.queues()["broker-a"] == (4, 8, 6)  # as in RocketMQ: not 7
    assert table.set_writable("broker-x", writable=False) == 0


def test_a_wiped_permission_is_back_with_another_version_only(table):
    table.tell()
    table.set_writable("broker-a", writable=False)
    table.tell()
    assert table.queues()["broker-a"][2] == 4
    table.tell(table=topics(TopicConfig("orders", 4, 8, 6), counter=2))
    assert table.queues()["broker-a"][2] == 6
