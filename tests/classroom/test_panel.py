"""The panel without a browser: what it shows, and what its buttons ask for."""

from __future__ import annotations

import threading

import pytest

from rmqlab.classroom.cluster import Status
from rmqlab.classroom.panel import ClusterPanel
from rmqlab.classroom.runtime import ClusterError, Event, NodeState

BOUND_S = 20


class FakeCluster:
    """Shows the states it is given; notes what it is asked for."""

    def __init__(self, *nodes) -> None:
        self.nodes, self.events = list(nodes), []
        self.asked, self.was_asked = [], threading.Event()
        self.error, self.faults = None, {}

    def status(self):
        if self.error:
            raise self.error
        known = "lab-00", "local", "2m", "10.0.0.1:9876"
        return Status(*known, self.nodes, self.events, self.faults)

    def _ask(self, verb, node):
        self.asked.append((verb, node))
        self.was_asked.set()

    def cut(self, host):
        self._ask("cut", host)

    def heal(self, host):
        self._ask("heal", host)

    def kill(self, node):
        self._ask("kill", node)

    def stop(self, node):
        self._ask("stop", node)

    def pause(self, node):
        self._ask("pause", node)

    def resume(self, node):
        self._ask("resume", node)

    def restart(self, node):
        self._ask("restart", node)
        raise ClusterError("it will not <start>")


def node(name="broker-a", state="usable", host="host1", **more):
    return NodeState(name, host, "SYNC_MASTER", f"{host}:10911", name, state, **more)


@pytest.fixture
def show():
    """Return a way to show nodes in a panel; it stops to look with the test."""
    panels = []

    def shown(*nodes):
        cluster = FakeCluster(*nodes)
        panels.append(ClusterPanel(cluster))
        return cluster, panels[-1]

    yield shown
    for panel in panels:
        panel.close()


def buttons(panel, name="broker-a"):
    _, *found = panel._rows[name].widget.children
    return {button.description: button for button in found}


def facts(panel, name="broker-a"):
    return panel._rows[name].widget.children[0].value


def offered(panel):
    return {name for name, button in buttons(panel).items() if not button.disabled}


def test_nodes_stand_below_their_host(show):
    nodes = node("a"), node("b", host="host2"), node("a-s", host="host2")
    _, panel = show(*nodes)
    boxes = panel.widget.children[1:3]
    titles = [box.children[0].children[0].value for box in boxes]
    assert ["host1" in titles[0], "host2" in titles[1]] == [True, True]
    assert [len(box.children) - 1 for box in boxes] == [1, 2]


def test_a_row_says_who_a_node_is_how_it_is_and_how_far_behind(show):
    _, panel = show(node(log_end=1234567, behind=890))
    for part in ("broker-a", "SYNC_MASTER", "host1:10911", "usable", "log 1,234,567"):
        assert part in facts(panel)
    assert "890 behind" in facts(panel)


def test_what_a_node_says_is_shown_as_text_not_as_html(show):
    _, panel = show(node(state="failed", why="<script>"))
    assert "&lt;script&gt;" in facts(panel)
    assert "<script>" not in facts(panel)


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("usable", {"Kill", "Stop", "Pause", "Restart"}),
        ("waiting", {"Kill", "Stop", "Pause", "Restart"}),
        ("paused", {"Kill", "Stop", "Resume", "Restart"}),
        ("killed", {"Restart"}),
        ("stopped", {"Restart"}),
        ("failed", {"Restart"}),
        ("starting", {"Kill", "Stop"}),
    ],
)
def test_only_what_can_be_done_to_a_node_is_offered(show, state, wanted):
    _, panel = show(node(state=state))
    assert offered(panel) == wanted


@pytest.mark.parametrize("verb", ["Kill", "Stop", "Pause", "Resume", "Restart"])
def test_a_click_asks_the_cluster_for_it(show, verb):
    cluster, panel = show(node(state="paused" if verb == "Resume" else "usable"))
    buttons(panel)[verb].click()
    assert cluster.was_asked.wait(BOUND_S)
    assert cluster.asked == [(verb.lower(), "broker-a")]


@pytest.mark.parametrize(
    ("faults", "verb"), [({}, "Cut"), ({"host1": "cut off"}, "Heal")]
)
def test_a_real_host_can_be_cut_off_and_healed_but_has_no_power_to_lose(
    show, faults, verb
):
    cluster, panel = show(node())
    cluster.faults = faults
    panel._look()
    title, *found = panel.widget.children[1].children[0].children
    assert ("cut off" in title.value) == bool(faults)
    assert [button.description for button in found] == [verb]
    found[0].click()
    assert cluster.was_asked.wait(BOUND_S)
    assert cluster.asked == [(verb.lower(), "host1")]


def test_what_went_wrong_with_a_click_is_said(show):
    _, panel = show(node())
    message, said = panel.widget.children[-2], threading.Event()
    message.observe(lambda change: "will not" in change.new and said.set(), "value")
    buttons(panel)["Restart"].click()
    assert said.wait(BOUND_S)
    assert "it will not &lt;start&gt;" in message.value


def test_what_went_wrong_stays_said_while_the_panel_looks_again(show):
    _, panel = show(node())
    message, said = panel.widget.children[-2], threading.Event()
    message.observe(lambda change: "will not" in change.new and said.set(), "value")
    buttons(panel)["Restart"].click()
    assert said.wait(BOUND_S)
    panel._look()
    assert "it will not" in message.value


def test_what_is_being_done_is_said_until_it_is_done(show):
    cluster, panel = show(node())
    message = panel.widget.children[-2]
    said, cleared, may_end = [], threading.Event(), threading.Event()

    def kill(name):
        said.append(message.value)
        panel._look()
        said.append(message.value)
        assert may_end.wait(BOUND_S)

    cluster.kill = kill
    message.observe(lambda change: change.new or cleared.set(), "value")
    buttons(panel)["Kill"].click()
    assert not cleared.is_set()
    may_end.set()
    assert cleared.wait(BOUND_S)
    assert said == ["kill broker-a …"] * 2


def test_what_happened_is_listed_newest_first(show):
    cluster, panel = show(node())
    cluster.events = [Event(at, "broker-a", f"event {at:02}") for at in range(20)]
    panel._look()
    lines = panel.widget.children[-1].value.splitlines()
    assert len(lines) == 12
    assert "event 19" in lines[0]
    assert "event 08" in lines[-1]


def test_a_panel_follows_its_cluster_by_itself(show):
    cluster, panel = show(node())
    changed = threading.Event()
    panel._rows["broker-a"].widget.children[0].observe(lambda _: changed.set(), "value")
    cluster.nodes = [node(state="killed")]
    assert changed.wait(BOUND_S)
    assert "killed" in facts(panel)


def test_a_panel_says_when_its_cluster_is_gone(show):
    cluster, panel = show(node())
    message, said = panel.widget.children[-2], threading.Event()
    message.observe(lambda change: "is gone" in change.new and said.set(), "value")
    cluster.error = ClusterError("nobody answers")
    assert said.wait(BOUND_S)
    assert "nobody answers" in message.value
    assert "Run the cell that starts it again" in message.value
    assert offered(panel) == set()


def test_its_text_is_the_same_on_every_machine(show):
    _, panel = show(node())
    assert repr(panel) == "ClusterPanel: open this notebook in JupyterLab to use it"
