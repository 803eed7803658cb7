"""Traffic in a simulation: clients that come, go and die, in virtual time."""

from __future__ import annotations

import pytest

from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.simulated.traffic import SimTraffic


@pytest.fixture
def cluster():
    with SimCluster.up("2m-noslave", seed=3) as found:
        yield found


@pytest.fixture
def events(cluster):
    """Return what clients tell, as kind and facts."""
    told = []
    kinds = ("client", "send", "told", "consumed")

    def observe(at_s, kind, facts):
        if kind in kinds:
            told.append((kind, dict(facts)))

    cluster.simulation.timeline.observers.append(observe)
    return told


def test_traffic_of_an_hour_is_acknowledged_and_consumed(cluster):
    with SimTraffic(cluster, "orders", per_second=0.5) as traffic:
        traffic.run_for(3600)
        found = traffic.stop()
    assert len(found.sent) == 1801
    assert found.outcomes == {"SEND_OK": 1801}
    assert not found.missing | found.surprising
    assert not found.untold


def test_events_of_traffic_are_those_of_the_schema(cluster, events):
    with SimTraffic(cluster, "orders", consumers=1) as traffic:
        traffic.wait_for(1)
        traffic.stop()
    by_kind = dict(reversed(events))
    assert by_kind["send"] == {
        "client": "orders-producer",
        "key": "orders-0",
        "topic": "orders",
    }
    assert list(by_kind["told"]) == [
        *("client", "key", "took_s", "outcome", "broker", "queue", "offset")
    ]
    assert by_kind["consumed"] == {
        "client": "orders-consumer-1",
        "group": "traffic-orders",
        "key": "orders-0",
        "topic": "orders",
        "broker": by_kind["told"]["broker"],
        "queue": by_kind["told"]["queue"],
        "offset": 0,
    }
    went = [facts["what"] for kind, facts in events if kind == "client"]
    assert went == ["started", "started", "closed", "closed"]


def test_a_consumer_that_is_closed_leaves_its_share_to_the_others(cluster):
    with SimTraffic(cluster, "orders") as traffic:
        traffic.run_for(60)
        traffic.begin_to_close("orders-consumer-1")
        traffic.run_for(60)
        assert traffic.running == ["orders-producer", "orders-consumer-2"]
        assert traffic.stop().missing == set()


def test_what_a_killed_consumer_did_not_say_it_had_comes_again(cluster):
    with SimTraffic(cluster, "orders", consumers=1) as traffic:
        traffic.run_for(63)
        traffic.kill("orders-consumer-1")
        traffic.begin_to_start("orders-consumer-1")
        traffic.run_for(60)
        found = traffic.stop()
    assert found.doubled
    assert not found.missing


def test_a_consumer_that_finds_nobody_starts_again_until_somebody_is_there():
    with SimCluster.up("1m", seed=3) as cluster, SimTraffic(cluster, "orders") as them:
        them.run_for(60)
        them.kill("orders-consumer-1")
        cluster.crash("host1")
        them.begin_to_start("orders-consumer-1")
        them.run_for(20)
        cluster.boot("host1")
        them.run_for(120)
        assert not them.stop().missing


def test_a_consumer_of_another_group_is_given_everything_again(cluster, events):
    with SimTraffic(cluster, "orders", consumers=1) as traffic:
        traffic.run_for(10)
        traffic.begin_to_close("orders-consumer-1")
        traffic.run_for(10)
        traffic.begin_to_start("orders-consumer-1", group="others")
        traffic.stop()
    given = {facts["key"] for _, facts in events if facts.get("group") == "others"}
    assert given == {one.key for one in traffic.report.sent}


def test_a_killed_producer_is_never_told_and_a_new_one_counts_on(cluster):
    with SimTraffic(cluster, "orders", consumers=0) as traffic:
        cluster.pause("broker-a")
        cluster.pause("broker-b")
        traffic.run_for(1)
        traffic.kill("orders-producer")
        untold = dict(traffic.report.untold)
        cluster.resume("broker-a")
        cluster.resume("broker-b")
        traffic.begin_to_start("orders-producer")
        traffic.run_for(10)
        found = traffic.stop()
    assert untold
    assert untold.items() <= found.untold.items()
    keys = {one.key for one in found.sent} | untold.keys()
    assert keys == {f"orders-{n}" for n in range(len(keys))}


def test_clients_that_are_paused_are_killed_where_they_cannot_say_goodbye(cluster):
    with SimTraffic(cluster, "orders", consumers=1) as traffic:
        traffic.run_for(5)
        traffic.process("orders-consumer-1").pause()
        traffic.stop(drain_s=1)
    assert traffic.running == []


def test_verbs_name_the_clients_that_there_are(cluster):
    with SimTraffic(cluster, "orders", consumers=1) as traffic:
        with pytest.raises(ClusterError, match="it has orders-producer, orders-cons"):
            traffic.kill("orders-consumer-9")
        with pytest.raises(ClusterError, match="runs already"):
            traffic.begin_to_start("orders-producer")
        traffic.kill("orders-producer")
        with pytest.raises(ClusterError, match="not running"):
            traffic.begin_to_close("orders-producer")


def test_traffic_without_a_producer_only_consumes(cluster):
    with SimTraffic(cluster, "orders", per_second=0) as traffic:
        assert traffic.names == ["orders-consumer-1", "orders-consumer-2"]
        assert traffic.run_for(10).sent == []
        traffic.stop()


def test_the_same_seed_gives_the_same_traffic():
    def played():
        with SimCluster.up("2m-noslave", seed=9) as cluster:
            traffic = SimTraffic(cluster, "orders").begin()
            traffic.run_for(20)
            cluster.kill("broker-a")
            return traffic.run_for(60)

    assert played() == played()
