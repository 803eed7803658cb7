"""The console's pages, without a browser: what they ask a live broker, and show."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import pytest

from rmqlab.classroom.console import brokers as seen
from rmqlab.classroom.console.app import Console
from rmqlab.classroom.console.cluster_page import ClusterPage, brokers_table
from rmqlab.classroom.console.consumers_page import ConsumersPage, groups
from rmqlab.classroom.console.messages_page import (
    KEY,
    NEWEST,
    OFFSET_ID,
    UNIQUE_ID,
    MessagesPage,
    Search,
    body_text,
    search,
)
from rmqlab.classroom.console.page import table
from rmqlab.classroom.console.source import Source, find
from rmqlab.classroom.console.topics_page import TopicsPage, topic, topics
from rmqlab.classroom.console.topology_page import TopologyPage, drawing
from rmqlab.client.blocking import BlockingAdmin, BlockingConsumer, run
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.errors import RmqError
from rmqlab.mqadmin.cluster import BrokerLoad, BrokerTotals
from rmqlab.mqadmin.places import Place
from rmqlab.testing import RocketMQ, waiting
from tests.classroom.conftest import run as run_command
from tests.support import HOST, free_port, quick_client

BOUND_S = 60.0
DEAD = "127.0.0.1:1"
"""Nobody listens there."""


@pytest.fixture
def rocketmq(tmp_path):
    """Yield a broker and its name server, in this process."""
    with RocketMQ(tmp_path / "store") as started:
        yield started


@pytest.fixture
def admin(rocketmq):
    """Return a client of a broker with one order in it."""
    rocketmq.send("orders", "<one> coffee", keys="order-7", tags="paid")
    with BlockingAdmin(rocketmq.name_servers, timeout_s=BOUND_S) as admin:
        yield admin


def asked(admin, question, *more):
    return run(question(admin.inner, *more))


def wait_for(condition):
    return waiting.wait_for(condition, BOUND_S)


def page_of(kind, admin, *more):
    page = kind(*more, admin, lambda: None)
    page.look()
    return page


def broker(broker_id, log_end=None, name="broker-a", **more):
    place = Place("c", name, broker_id, f"10.0.0.{broker_id}:10911")
    nothing = BrokerLoad.of(place, {}, 0), BrokerTotals.of(place, {})
    return seen.BrokerSeen(place, *nothing, log_end, **more)


# The cluster


def test_a_broker_has_its_version_its_counts_and_the_end_of_its_log(admin, rocketmq):
    (one,) = asked(admin, seen.brokers)
    assert (one.place.broker, one.place.address) == ("broker-a", rocketmq.address)
    assert (one.load.version, one.totals.in_today, one.why) == ("V4_9_7", 1, "")
    assert one.log_end > 0


def test_a_dead_name_server_is_shown_beside_the_one_that_answers(admin):
    both = f"{DEAD};{admin.inner.name_servers[0]}"
    with BlockingAdmin(both, timeout_s=BOUND_S) as of_both:
        page = page_of(ClusterPage, of_both, seen.Roll())
    servers, table_of_brokers = (one.value for one in page.widget.children[:2])
    assert "connect to 127.0.0.1:1 failed" in servers
    assert "brokers that it knows: 1" in servers
    assert "V4_9_7" in table_of_brokers


def test_a_broker_that_does_not_answer_keeps_its_row(admin, rocketmq, monkeypatch):
    places = asked(admin, seen.everywhere)

    async def still_known(_):
        return places

    monkeypatch.setattr(seen, "everywhere", still_known)
    rocketmq.kill()
    (one,) = asked(admin, seen.brokers)
    assert "failed" in one.why
    assert "does not answer" in brokers_table([one])


def test_a_broker_that_no_name_server_knows_any_more_stays_and_says_since_when(
    admin, rocketmq
):
    page = page_of(ClusterPage, admin, seen.Roll())
    rocketmq.stop()
    page.look()
    assert "gone since" in page.widget.children[1].value
    rocketmq.restart()
    page.look()
    assert "gone since" not in page.widget.children[1].value


def test_since_when_a_broker_is_gone_does_not_change_while_it_is():
    before = [broker(0), broker(1)]
    gone = seen.with_gone(before, [broker(1)], 5000)
    assert [one.gone_ms for one in gone] == [5000, None]
    later = seen.with_gone(gone, [broker(1)], 9000)
    assert [one.gone_ms for one in later] == [5000, None]
    assert seen.with_gone(later, [broker(0), broker(1)], 9999) == before


def test_a_slave_is_behind_its_own_master():
    pairs = seen.pairs(
        [broker(1, 5, "b"), broker(0, 5, "b"), broker(1, 70), broker(0, 100)]
    )
    assert [len(one) for one in pairs] == [2, 2]
    lags = [seen.behind(slave, pair) for pair in pairs for slave in pair]
    assert lags == [None, 0, None, 30]


def test_how_far_a_slave_is_behind_is_unknown_without_its_master():
    slave = broker(1, 70)
    assert seen.behind(slave, [slave]) is None
    gone = replace(broker(0, 100), gone_ms=1)
    assert seen.behind(slave, [gone, slave]) is None
    assert "bytes behind" not in drawing([gone, slave])


# Topics


def test_a_topic_has_its_queues_and_what_is_in_them(admin):
    orders = asked(admin, topic, "orders")
    assert len(orders.queues) == 4
    assert sum(one.messages for one in orders.queues) == 1
    page = page_of(TopicsPage, admin)
    shown = page.widget.children[0].children[1].value
    assert "<b>orders</b> on broker-a: queues 4, messages 1" in shown
    assert "RW-" in shown


def test_the_systems_topics_are_listed_on_demand(admin):
    assert asked(admin, topics) == ["orders"]
    everything = run(topics(admin.inner, with_system=True))
    assert {"orders", "TBW102"} < set(everything)


def test_a_topic_whose_broker_does_not_answer_says_why(admin, rocketmq):
    route = admin.route("orders")

    async def still_known(_):
        return route

    rocketmq.kill()
    admin.inner.known_route = still_known
    found = asked(admin, topic, "orders")
    assert found.queues == []
    assert "failed" in found.away["broker-a"]


# Consumers


def test_a_group_has_its_members_and_how_far_it_is_behind(admin, rocketmq):
    eaten = []
    to = "kitchen", rocketmq.name_servers, eaten.append, quick_client()
    with BlockingConsumer(*to, ConsumeFrom.FIRST_OFFSET) as cook:
        cook.subscribe("orders")
        wait_for(lambda: eaten)
        (row,) = wait_for(lambda: asked(admin, groups))
        page = page_of(ConsumersPage, admin)
    assert (row.group, row.count, row.type) == ("kitchen", 1, "PUSH")
    table_of_groups, choice, one = page.widget.children[:3]
    assert "kitchen" in table_of_groups.value
    assert choice.value == "kitchen"
    assert "1 member," in one.value


# Messages


@pytest.mark.parametrize("by", [NEWEST, KEY, UNIQUE_ID, OFFSET_ID])
def test_a_message_is_found_by_topic_key_and_either_id(admin, by):
    (order,) = asked(admin, search, Search(NEWEST, "orders", ""))
    ids = {KEY: "order-7", UNIQUE_ID: order.msg_id, OFFSET_ID: order.offset_msg_id}
    wanted = Search(by, "" if by == OFFSET_ID else "orders", ids.get(by, ""))
    assert wanted.is_whole
    (found,) = asked(admin, search, wanted)
    assert (found.body, found.tags) == (b"<one> coffee", "paid")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Search(KEY, "orders", "order-8"), "no message"),
        (Search(UNIQUE_ID, "orders", "rubbish"), "no message"),
        (Search(OFFSET_ID, "", "rubbish"), "is no offset id"),
        (Search(NEWEST, "rubbish", ""), "No topic route info"),
    ],
)
def test_what_is_not_found_is_said(admin, wanted, why):
    with pytest.raises(RmqError, match=why):
        asked(admin, search, wanted)


def test_a_search_without_its_words_is_not_begun():
    assert not Search(KEY, "orders", "").is_whole
    assert not Search(NEWEST, "", "").is_whole


def test_the_page_finds_shows_and_says_what_it_did_not_find(admin):
    page = MessagesPage(admin, lambda: None)
    page.look()  # offers the topics, of which the first is searched
    page.look()
    line, _, sheet, _ = page.widget.children
    _, topic_of_it, text, _ = line.children
    assert topic_of_it.value == "orders"
    assert "order-7" in sheet.value
    assert "&lt;one&gt; coffee" in sheet.value
    line.children[0].value = KEY
    text.value = "order-8"
    page.look()
    assert "order-7" not in sheet.value
    assert "order-8 in orders" in sheet.value


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("ünï".encode(), "ünï"),
        (b"\xff\x00", "ff 00"),
        (b"a" * 4095 + "ü".encode(), "a" * 4095 + "\n… and 1 more"),
    ],
)
def test_a_body_is_text_or_bytes_and_is_cut_if_it_is_long(body, text):
    assert body_text(body) == text


# Topology, and all together


def test_a_cluster_that_is_not_ours_is_drawn_and_says_why_it_has_no_buttons(
    admin, rocketmq, monkeypatch, tmp_path
):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    source = find(None, rocketmq.name_servers)
    assert source.cluster is None
    page = page_of(TopologyPage, admin, source, seen.Roll())
    picture, why, _ = page.widget.children
    assert rocketmq.address in picture.value
    assert "only looked at" in why.value


def test_whoever_gives_a_name_server_of_a_cluster_of_ours_gets_its_buttons(one_master):
    found = find(None, f"{DEAD};{one_master.name_servers}")
    assert found.cluster is not None
    assert found.cluster.name == one_master.name
    assert found.why_no_buttons == ""


def test_a_port_that_is_taken_is_told_with_its_holder():
    with socket.create_server((HOST, free_port())) as taken:
        port = str(taken.getsockname()[1])
        result = run_command("console", "--port", port, "-n", DEAD)
    assert result.exit_code == 1
    assert f"port {port} is held by process {os.getpid()}" in result.output
    assert "--port" in result.output


def test_without_a_cluster_it_says_how_to_have_one(monkeypatch, tmp_path):
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path))
    result = run_command("console")
    assert result.exit_code == 1
    assert "`rmqlab up 2m-2s-sync` starts one" in result.output


def test_the_page_in_view_looks_by_itself_and_says_what_is_the_matter():
    console = Console(Source(DEAD, None))
    try:
        wait_for(lambda: "not known now" in console.pages[0].said)
        console.tabs.selected_index = 1
        wait_for(lambda: "not known now" in console.pages[1].said)
    finally:
        console.close()


def test_names_are_no_markup_and_numbers_are_aligned():
    shown = table(("<a>", "b"), [("<i>", 1234), (None, 5.678)])
    assert "&lt;a&gt;" in shown
    assert "&lt;i&gt;" in shown
    assert "<td class='number'>1,234</td>" in shown
    assert "<td class='number'>5.68</td>" in shown
