"""What a panel has besides nodes: hosts, and where the cluster is simulated its time.

    t = 12.345 s  [+1 s] [+10 s] [+60 s] [Step]  ◄── a slider, and a button that goes on
    host1  [Crash | Boot] [Cut | Heal]

Real hosts have no power to lose: theirs are Cut and Heal alone.  Time passes on a press
of a button, as far as it says, and never by itself.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial

import ipywidgets as widgets

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.host_verbs import HostState
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.classroom.trace import Event

SKIPS_S = (1, 10, 60)
LONGEST_SKIP_S = 600
ROW = widgets.Layout(align_items="center", margin="0")
BUTTON = widgets.Layout(width="76px", height="28px", margin="0 2px")
CLOCK = widgets.Layout(width="150px")

Do = Callable[[str, Callable[[], object]], None]
"""Does something, and says meanwhile what."""


class TimeRow:
    """The time, and buttons that let some pass."""

    def __init__(self, cluster: SimLab, do: Do) -> None:
        self._cluster, self._do = cluster, do
        self._clock = widgets.HTML(layout=CLOCK)
        self._slider = widgets.IntSlider(
            value=120, min=1, max=LONGEST_SKIP_S, layout=widgets.Layout(width="260px")
        )
        skips = [
            self._button(f"+{seconds} s", partial(self._pass, seconds))
            for seconds in SKIPS_S
        ]
        step = self._button("Step", self._step)
        go_on = self._button("Go on", lambda: self._pass(self._slider.value))
        row = [self._clock, *skips, step, self._slider, go_on]
        self.buttons = [*skips, step, go_on]
        self.widget = widgets.HBox(row, layout=ROW)

    def _button(self, text: str, clicked: Callable[[], None]) -> widgets.Button:
        button = widgets.Button(description=text, layout=BUTTON)
        button.on_click(lambda _: clicked())
        return button

    def _pass(self, seconds: float) -> None:
        self._do(f"{seconds:g} s pass …", lambda: self._cluster.run(seconds))

    def _step(self) -> None:
        self._do("to the next event …", lambda: _text(self._cluster.step()))

    def show(self, now_s: float) -> None:
        """Show what time it is."""
        self._clock.value = f"<b>t = {now_s:,.3f} s</b>"


def _text(event: Event) -> str:
    """Return an event of a trace as a line."""
    facts = {key: value for key, value in event.items() if key not in ("at", "kind")}
    told = " ".join(f"{key}={value}" for key, value in facts.items())
    return f"{event['at']:,.3f} s  {event['kind']}  {told}"


class HostRow:
    """A host's name, Cut or Heal, and where it is simulated Crash or Boot."""

    def __init__(self, state: HostState, cluster: Cluster | SimLab, do: Do) -> None:
        self.name = state.name
        self._cluster, self._do = cluster, do
        self._title = widgets.HTML(layout=widgets.Layout(width="560px"))
        self._power = widgets.Button(layout=BUTTON)
        self._net = widgets.Button(layout=BUTTON)
        has_power = isinstance(cluster, SimLab)
        self.buttons = [self._power, self._net] if has_power else [self._net]
        self.widget = widgets.HBox([self._title, *self.buttons], layout=ROW)
        for button in self.buttons:
            button.on_click(self._clicked)
        self.show(state)

    def _clicked(self, button: widgets.Button) -> None:
        verb = button.description.lower()
        act = getattr(self._cluster, verb)
        self._do(f"{verb} {self.name} …", lambda: act(self.name))

    def show(self, state: HostState) -> None:
        """Show how the host is, and offer what can be done to it."""
        words = [*(["no power"] * (not state.is_up)), *(["cut off"] * state.is_cut)]
        colour = "#cf222e" if words else "#1a7f37"
        said = f"<span style='color:{colour}'>● {', '.join(words) or 'up'}</span>"
        self._title.value = f"<b>{html.escape(self.name)}</b> {said}"
        self._power.description = "Crash" if state.is_up else "Boot"
        self._net.description = "Heal" if state.is_cut else "Cut"
        for button in self.buttons:
            button.tooltip = f"{button.description} {self.name}"
