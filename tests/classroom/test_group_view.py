"""A consumer group at one moment: what is shown of what the brokers tell."""

from __future__ import annotations

import pytest

from rmqlab.classroom.group_panel import GroupPanel
from rmqlab.classroom.group_view import look, view_of
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.groups import QueueProgress
from rmqlab.errors import Unavailable
from rmqlab.protocol.message import MessageQueue

ORDERS = [MessageQueue("orders", "broker-a", number) for number in range(3)]
RETRIES = MessageQueue("%RETRY%kitchen", "broker-a", 0)


def far(queue, end, consumed):
    return QueueProgress(queue, end, consumed, 0)


def test_each_queue_has_its_member_and_both_offsets():
    shares = {"bob": [ORDERS[2]], "ann": ORDERS[:2]}
    progress = [far(ORDERS[0], 50, 30), far(ORDERS[1], 7, 7), far(ORDERS[2], 5, 0)]
    view = view_of("kitchen", shares, progress)
    assert view.members == ["ann", "bob"]
    assert [one.members for one in view.queues] == [("ann",), ("ann",), ("bob",)]
    assert [one.behind for one in view.queues] == [20, 0, 5]
    assert view.behind == 25
    assert view.idle == []


def test_a_member_without_a_queue_is_idle_and_a_queue_without_a_member_is_nobodys():
    shares = {"ann": [ORDERS[0]], "zoe": []}
    view = view_of("kitchen", shares, [far(ORDERS[0], 1, 1), far(ORDERS[1], 4, 1)])
    assert view.idle == ["zoe"]
    assert view.queues[1].members == ()
    assert "orders broker-a 1  nobody" in repr(view)
    assert "nobody" in view._repr_html_()


def test_two_members_that_both_have_a_queue_are_both_shown():
    view = view_of("kitchen", {"ann": [ORDERS[0]], "bob": [ORDERS[0]]}, [])
    assert view.queues[0].members == ("ann", "bob")


def test_a_queue_of_retries_is_shown_when_there_is_something_in_it():
    shares = {"ann": [ORDERS[0], RETRIES]}
    assert [one.queue for one in view_of("kitchen", shares, []).queues] == [ORDERS[0]]
    view = view_of("kitchen", shares, [far(RETRIES, 2, 1)])
    assert [one.queue for one in view.queues] == [RETRIES, ORDERS[0]]


def test_a_consumer_that_is_ahead_of_its_queue_is_not_behind():
    assert view_of("kitchen", {}, [far(ORDERS[0], 3, 9)]).behind == 0


def test_names_are_no_markup():
    view = view_of("<b>", {"<i>": [ORDERS[0]]}, [])
    assert "<i>" not in view._repr_html_()
    assert "group <b>&lt;b&gt;</b>" in view._repr_html_()


@pytest.fixture
def kitchen():
    """Yield a simulated cluster with two cooks and twelve orders, all consumed."""
    with SimLab.up("1m", seed=7) as cluster:
        with cluster.admin() as admin:
            admin.create_topic("orders", 4)
        cooks = [
            cluster.consumer("orders", lambda _: None, "kitchen", name=name)
            for name in ("ann", "bob")
        ]
        cluster.run(30)
        producer = cluster.producer()
        for number in range(12):
            producer.send("orders", f"order {number}")
        cluster.run(10)
        yield cluster, cooks
        cluster.close_clients()


def test_the_brokers_and_the_members_tell_it_all(kitchen):
    cluster, cooks = kitchen
    with cluster.admin() as admin:
        view = look(admin, "kitchen")
    shares = [{one for one in cook.queues if one.topic == "orders"} for cook in cooks]
    seen = [
        {one.queue for one in view.queues if one.members == (member,)}
        for member in view.members
    ]
    assert seen == shares
    assert all(map(len, shares))
    assert (view.behind, sum(one.end for one in view.queues)) == (0, 12)


def test_a_group_whose_members_are_gone_is_still_so_far(kitchen):
    cluster, cooks = kitchen
    for cook in cooks:
        cook.close()
    cluster.producer().send("orders", "late")
    with cluster.admin() as admin:
        view = look(admin, "kitchen")
    assert (view.members, view.behind) == ([], 1)


def test_on_simulated_time_a_panel_looks_when_it_is_asked_to(kitchen):
    cluster, cooks = kitchen
    panel = GroupPanel(cluster, "kitchen")
    view, _, button = panel.widget.children
    assert "2 members" in view.value
    cooks[0].close()
    assert "2 members" in view.value
    button.click()
    assert "1 member," in view.value
    panel.close()


def test_a_panel_goes_on_when_the_notebooks_clients_are_closed(kitchen):
    cluster, _ = kitchen
    panel = GroupPanel(cluster, "kitchen")
    view, message, button = panel.widget.children
    cluster.close_clients()
    button.click()
    assert (message.value, "0 members" in view.value) == ("", True)
    panel.close()


def test_a_panel_keeps_what_it_knew_where_nobody_answers(kitchen):
    cluster, _ = kitchen
    panel = GroupPanel(cluster, "kitchen")
    view, message, button = panel.widget.children
    known = view.value
    cluster.kill("namesrv1")
    cluster.kill("broker-a")
    button.click()
    assert view.value == known
    assert "not known now" in message.value
    panel.close()


def test_a_group_that_nobody_has_heard_of_is_said_so():
    with SimLab.up("1m", seed=7) as cluster, cluster.admin() as admin:
        with pytest.raises(Exception, match="%RETRY%strangers") as caught:
            look(admin, "strangers")
        assert not isinstance(caught.value, Unavailable)


def test_its_text_is_the_same_on_every_machine(kitchen):
    panel = GroupPanel(kitchen[0], "kitchen")
    assert repr(panel) == "GroupPanel: open this notebook in JupyterLab to use it"
    panel.close()
