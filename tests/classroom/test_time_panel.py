"""The panel on a simulated cluster: its time, its hosts, buttons pressed at once."""

from __future__ import annotations

import threading

import pytest

from rmqlab.classroom.panel import ClusterPanel
from rmqlab.classroom.simulated.lab import SimLab

BOUND_S = 20


@pytest.fixture
def cluster():
    """Simulate two masters with their slaves."""
    with SimLab.up("2m-2s-sync", seed=7) as started:
        yield started


@pytest.fixture
def panel(cluster):
    """Show them in a panel; it stops to look with the test."""
    shown = ClusterPanel(cluster)
    yield shown
    shown.close()


def time_buttons(panel):
    return {button.description: button for button in panel._time.buttons}


def press(panel, button):
    """Press a button and wait until its work is done and shown."""
    message, done = panel._message, threading.Event()

    def changed(change):
        if not change.new.endswith("…"):
            done.set()

    message.observe(changed, "value")
    button.click()
    assert done.wait(BOUND_S)
    message.unobserve(changed, "value")


def test_the_time_is_shown_and_stands_still(panel, cluster):
    before_s = cluster.now_s
    panel._look()
    assert panel._time._clock.value == f"<b>t = {before_s:,.3f} s</b>"
    assert cluster.now_s == before_s


@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_a_button_lets_so_many_seconds_pass(panel, cluster, seconds):
    before_s = cluster.now_s
    press(panel, time_buttons(panel)[f"+{seconds} s"])
    assert cluster.now_s == before_s + seconds
    assert f"t = {cluster.now_s:,.3f} s" in panel._time._clock.value


def test_a_slider_says_how_much_time_another_button_lets_pass(panel, cluster):
    before_s = cluster.now_s
    panel._time._slider.value = 300
    press(panel, time_buttons(panel)["Go on"])
    assert cluster.now_s == before_s + 300


def test_a_step_goes_to_the_next_event_and_says_what_it_was(panel, cluster):
    cluster.kill("broker-a")
    press(panel, time_buttons(panel)["Step"])
    assert "s  closed  connection=" in panel._message.value


def test_hosts_have_buttons_that_say_what_can_be_done(panel, cluster):
    power, net = panel._host_rows["host1"].buttons
    press(panel, power)
    press(panel, net)
    assert [tuple(one) for one in cluster.hosts()] == [
        ("host1", False, True), ("host2", True, False),
    ]  # fmt: skip
    assert (power.description, net.description) == ("Boot", "Heal")
    assert "no power, cut off" in panel._host_rows["host1"]._title.value
    press(panel, net)
    press(panel, power)
    assert cluster.node("broker-a").state == "usable"
    assert (power.description, net.description) == ("Crash", "Cut")


def test_nodes_have_the_buttons_that_they_have_anywhere(panel, cluster):
    _, kill, _, pause, restart = panel._rows["broker-a"].widget.children
    press(panel, pause)
    assert cluster.node("broker-a").state == "paused"
    press(panel, kill)
    press(panel, restart)
    assert cluster.node("broker-a").state == "usable"


def test_a_press_that_cannot_be_done_is_said(panel, cluster):
    cluster.crash("host1")
    *_, restart = panel._rows["broker-a"].widget.children
    press(panel, restart)
    assert "is down: `boot` it first" in panel._message.value


def test_buttons_pressed_during_a_long_run_wait_for_its_end(panel, cluster):
    seen = []

    def told(at_s, kind, facts):
        if not seen and kind == "sent" and at_s > 100:
            seen.append(at_s)
            panel._rows["broker-a"].widget.children[1].click()
            time_buttons(panel)["+10 s"].click()

    cluster.simulation.timeline.observers.append(told)
    end_s = cluster.now_s + 300
    cluster.run(300)
    assert seen
    for thread in threading.enumerate():
        if thread.name.startswith("rmqlab: "):
            thread.join(BOUND_S)
    assert cluster.now_s == end_s + 10
    assert cluster.node("broker-a").state == "killed"


def test_events_are_listed_by_virtual_time(panel, cluster):
    cluster.run(42)
    cluster.kill("broker-a")
    panel._look()
    assert "42.0 s  broker-a   killed" in panel._events.value.splitlines()[0]


def test_a_panel_says_when_its_simulation_was_ended(panel, cluster):
    said = threading.Event()
    panel._message.observe(
        lambda change: "is gone" in change.new and said.set(), "value"
    )
    cluster.down()
    assert said.wait(BOUND_S)
    assert all(button.disabled for button in panel._time.buttons)


def test_its_text_is_the_same_as_on_any_cluster(panel):
    assert repr(panel) == "ClusterPanel: open this notebook in JupyterLab to use it"
