"""The live panel: a cluster's nodes, their buttons, and what happened.

It looks at the cluster once a second; a button's work is done on a thread of its own,
so that it never blocks the page.  The cluster's state has one owner, its supervisor:
the panel only asks.

A host can be cut off, and a simulated cluster has a time and machines to play with,
too: see `time_panel`.  The panel only looks at it: time passes on a press of a button,
never by itself.

It needs nothing from the network, and no icon font: every state is also a word.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from datetime import datetime

import ipywidgets as widgets

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.host_verbs import HostState, hosts_of
from rmqlab.classroom.live import Watch, display_widget
from rmqlab.classroom.runtime import Event, NodeState, Status
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.classroom.time_panel import BUTTON, ROW, HostRow, TimeRow
from rmqlab.errors import RmqError

EVENTS_SHOWN = 12
AGAIN = "Run the cell that starts it again."
"""What to do when the cluster is gone."""

COLOURS = {
    "usable": "#1a7f37",
    "starting": "#0969da",
    "waiting": "#9a6700",
    "paused": "#9a6700",
    "stopped": "#57606a",
    "killed": "#cf222e",
    "failed": "#cf222e",
}


class ClusterPanel:
    """Hosts, nodes, roles, states, logs, and four buttons a node."""

    def __init__(self, cluster: Cluster | SimLab, again: str = AGAIN) -> None:
        self._cluster, self._again = cluster, again
        self._simulated = cluster if isinstance(cluster, SimLab) else None
        self._message = widgets.HTML()
        self._events = widgets.HTML()
        self._rows: dict[str, _Row] = {}
        self._time = TimeRow(self._simulated, self._do) if self._simulated else None
        self._host_rows: dict[str, HostRow] = {}
        status = cluster.status()
        self.widget = widgets.VBox([self._heading(status), *self._hosts(status)])
        if self._time:
            self.widget.children += (self._time.widget,)
        self.widget.children += (self._message, self._events)
        self._show(status)
        self._watch = Watch(self._look, self._gone)

    def _heading(self, status: Status) -> widgets.Widget:
        text = f"<b>{_safe(status.name)}</b> on {_safe(status.runtime)}"
        return widgets.HTML(f"{text}, name servers {_safe(status.name_servers)}")

    def _hosts(self, status: Status) -> list[widgets.Widget]:
        boxes = []
        for host in dict.fromkeys(node.host for node in status.nodes):
            rows = [_Row(node, self._act) for node in status.nodes if node.host == host]
            self._rows |= {row.name: row for row in rows}
            border = widgets.Layout(
                border="1px solid #d0d7de", margin="4px 0", padding="4px"
            )
            title = self._title(host, status)
            boxes.append(
                widgets.VBox([title, *(row.widget for row in rows)], layout=border)
            )
        return boxes

    def _title(self, host: str, status: Status) -> widgets.Widget:
        state = next(one for one in self._host_states(status) if one.name == host)
        row = self._host_rows[host] = HostRow(state, self._cluster, self._do)
        return row.widget

    def _host_states(self, status: Status) -> list[HostState]:
        return self._simulated.hosts() if self._simulated else hosts_of(status)

    def _act(self, verb: str, node: str) -> None:
        self._do(f"{verb} {node} …", lambda: getattr(self._cluster, verb)(node))

    def _do(self, said: str, work: Callable[[], object]) -> None:
        """Do what a button says, without making the page wait."""

        def do() -> None:
            try:
                found = work()
                self._look()
                self._message.value = _safe(str(found)) if self._is_told(found) else ""
            except RmqError as error:
                self._message.value = (
                    f"<span style='color:#cf222e'>{_safe(str(error))}</span>"
                )

        self._message.value = _safe(said)
        threading.Thread(target=do, name=f"rmqlab: {said}", daemon=True).start()

    def _is_told(self, found: object) -> bool:
        """Whether what a verb returned is not among what the panel shows anyway."""
        return found is not None and not isinstance(found, NodeState)

    def _look(self) -> None:
        self._show(self._cluster.status())

    def _show(self, status: Status) -> None:
        for node in status.nodes:
            self._rows[node.name].show(node)
        if self._simulated and self._time:
            self._time.show(self._simulated.now_s)
        for host in self._host_states(status):
            self._host_rows[host.name].show(host)
        self._events.value = _events_html(status.events, self._moment)

    def _moment(self, at_ms: int) -> str:
        """Return when something happened: by the wall clock, or in virtual time."""
        if self._simulated is None:
            return f"{datetime.fromtimestamp(at_ms / 1000).astimezone():%H:%M:%S}"
        at_s = (at_ms - self._simulated.simulation.timeline.epoch_ms) / 1000
        return f"{at_s:8,.1f} s"

    def _gone(self, why: str) -> None:
        """Say that there is nothing to show any more."""
        for row in self._rows.values():
            row.disable()
        buttons = [one for row in self._host_rows.values() for one in row.buttons]
        for button in [*buttons, *(self._time.buttons if self._time else [])]:
            button.disabled = True
        self._message.value = (
            f"<b style='color:#cf222e'>This cluster is gone</b> ({_safe(why)}). "
            f"{self._again}"
        )

    def close(self) -> None:
        """Stop looking."""
        self._watch.close()
        self.widget.close()

    def __repr__(self) -> str:
        """A fixed text: outputs of different runs can be compared."""
        return "ClusterPanel: open this notebook in JupyterLab to use it"

    def _ipython_display_(self) -> None:
        display_widget(self.widget, repr(self))


class _Row:
    """One node: its facts, and Kill, Stop, Pause or Resume, Restart."""

    def __init__(self, node: NodeState, act: Callable[[str, str], None]) -> None:
        self.name = node.name
        self._facts = widgets.HTML(layout=widgets.Layout(width="560px"))
        self._kill = self._button("Kill", lambda: act("kill", node.name))
        self._stop = self._button("Stop", lambda: act("stop", node.name))
        self._pause = self._button("Pause", lambda: act(self._pause_verb, node.name))
        self._restart = self._button("Restart", lambda: act("restart", node.name))
        self._buttons = [self._kill, self._stop, self._pause, self._restart]
        self.widget = widgets.HBox([self._facts, *self._buttons], layout=ROW)
        self._pause_verb = "pause"

    def _button(self, text: str, clicked: Callable[[], None]) -> widgets.Button:
        tooltip = f"{text} {self.name}"
        button = widgets.Button(description=text, tooltip=tooltip, layout=BUTTON)
        button.on_click(lambda _: clicked())
        return button

    def show(self, node: NodeState) -> None:
        """Show a node's state, and offer what can be done to it."""
        self._facts.value = _facts_html(node)
        self._kill.disabled = self._stop.disabled = not node.is_alive
        self._pause.disabled = node.state not in ("usable", "waiting", "paused")
        self._pause_verb = "resume" if node.state == "paused" else "pause"
        self._pause.description = self._pause_verb.capitalize()
        self._restart.disabled = node.state == "starting"

    def disable(self) -> None:
        """Offer nothing any more."""
        for button in self._buttons:
            button.disabled = True


def _facts_html(node: NodeState) -> str:
    colour = COLOURS[node.state]
    cells = [
        (90, f"<b>{_safe(node.name)}</b>"),
        (110, _safe(node.role)),
        (140, _safe(node.address)),
        (70, f"<span style='color:{colour}'>● {node.state}</span>"),
        (130, _log_text(node)),
    ]
    spans = (
        f"<span style='display:inline-block;width:{width}px'>{text}</span>"
        for width, text in cells
    )
    return f"<div title='{_safe(node.why)}'>{''.join(spans)}</div>"


def _log_text(node: NodeState) -> str:
    if node.log_end is None:
        return ""
    behind = f", {node.behind:,} behind" if node.behind else ""
    return f"log {node.log_end:,}{behind}"


def _events_html(events: list[Event], moment: Callable[[int], str]) -> str:
    lines = [
        f"{moment(event.at_ms)}  {_safe(event.node):<10} {_safe(event.what)}"
        for event in events[-EVENTS_SHOWN:][::-1]
    ]
    return f"<pre style='margin:0;font-size:90%'>{chr(10).join(lines)}</pre>"


def _safe(text: str) -> str:
    return html.escape(text, quote=True)
