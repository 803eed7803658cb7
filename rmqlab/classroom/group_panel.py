"""The live panel of a consumer group: who consumes which queue, and how far.

It only looks.  On simulated time looking is a request that takes a moment, so there it
looks when its button is pressed, and not by itself.
"""

from __future__ import annotations

import html

import ipywidgets as widgets

from rmqlab.classroom.group_view import look
from rmqlab.classroom.live import Watch, display_widget
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.classroom.verbs import LabVerbs
from rmqlab.client.blocking import BlockingAdmin
from rmqlab.errors import RmqError


class GroupPanel:
    """A group's members and queues, as the brokers tell."""

    def __init__(self, cluster: LabVerbs, group: str) -> None:
        self._cluster, self._group = cluster, group
        # Its own, and none of the lab's clients, which a notebook may close.
        to = cluster.name_servers, cluster.client_config, cluster.client_driver()
        self._admin = BlockingAdmin(*to)
        self._view, self._message = widgets.HTML(), widgets.HTML()
        self._watch: Watch | None = None
        self.widget = widgets.VBox([self._view, self._message])
        if isinstance(cluster, SimLab):
            self.button = widgets.Button(description="Look")
            self.button.on_click(lambda _: self.look())
            self.widget.children += (self.button,)
        else:
            self._watch = Watch(self._watched, self._gone)
        self.look()

    def _watched(self) -> None:
        self._cluster.status()  # raises where the cluster is gone
        self.look()

    def look(self) -> None:
        """Look now; what cannot be known is said, and what was known stays."""
        try:
            self._view.value = look(self._admin, self._group)._repr_html_()
            self._message.value = ""
        except RmqError as error:
            self._message.value = f"not known now: {html.escape(str(error))}"

    def _gone(self, why: str) -> None:
        self._admin.close()
        self._message.value = f"<b>This cluster is gone</b> ({html.escape(why)})."

    def close(self) -> None:
        """Stop looking."""
        if self._watch:
            self._watch.close()
        self._admin.close()
        self.widget.close()

    def __repr__(self) -> str:
        """A fixed text: outputs of different runs can be compared."""
        return "GroupPanel: open this notebook in JupyterLab to use it"

    def _ipython_display_(self) -> None:
        display_widget(self.widget, repr(self))
