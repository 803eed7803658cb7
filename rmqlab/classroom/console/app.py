"""The console in a page's kernel: five pages, of which the one in view looks.

It looks once a second, and at once when something is clicked.
"""

from __future__ import annotations

from datetime import datetime

import ipywidgets as widgets

from rmqlab.classroom.console.brokers import Roll
from rmqlab.classroom.console.cluster_page import ClusterPage
from rmqlab.classroom.console.consumers_page import ConsumersPage
from rmqlab.classroom.console.messages_page import MessagesPage
from rmqlab.classroom.console.page import GREY, STYLE, Page, mark
from rmqlab.classroom.console.source import Source, find
from rmqlab.classroom.console.topics_page import TopicsPage
from rmqlab.classroom.console.topology_page import TopologyPage
from rmqlab.classroom.live import Watch, display_widget
from rmqlab.classroom.runtime import ClusterError
from rmqlab.client.blocking import BlockingAdmin
from rmqlab.errors import RmqError

ANSWER_S = 1.5
"""Who takes longer does not answer now: nobody is to wait long for a page."""


class Console:
    """All pages of one source."""

    def __init__(self, source: Source) -> None:
        self._admin = BlockingAdmin(source.name_servers, timeout_s=ANSWER_S)
        roll, to = Roll(), (self._admin, self.look_now)
        self.pages: list[Page] = [
            ClusterPage(roll, *to),
            TopicsPage(*to),
            ConsumersPage(*to),
            MessagesPage(*to),
            TopologyPage(source, roll, *to),
        ]
        self.tabs = widgets.Tab(
            [page.widget for page in self.pages],
            titles=[page.TITLE for page in self.pages],
            selected_index=0,
        )
        self.tabs.observe(lambda _: self.look_now(), "selected_index")
        self._name_servers, self._looked = source.name_servers, widgets.HTML()
        self.widget = widgets.VBox([widgets.HTML(STYLE), self.tabs, self._looked])
        self._watch = Watch(self.look, lambda why: None)
        self.look_now()

    def look_now(self) -> None:
        """Have the page in view look, without waiting for its turn."""
        self._watch.look_now()

    def look(self) -> None:
        """Have the page in view look; what cannot be known is said there."""
        page = self.pages[self.tabs.selected_index or 0]
        try:
            page.look()
            page.say("")
        except RmqError as error:
            page.say(f"not known now: {error}")
        at = f"{datetime.now().astimezone():%H:%M:%S}"
        said = f"name servers {self._name_servers}, looked at {at}"
        self._looked.value = mark(said, GREY)

    def close(self) -> None:
        """Stop looking."""
        self._watch.close()
        self._admin.close()


def show(name: str | None, name_servers: str | None) -> None:
    """Show the console of these name servers, or of a cluster of ours, in this page."""
    try:
        console = Console(find(name, name_servers))
    except ClusterError as error:
        display_widget(widgets.Label(str(error)), str(error))
    else:
        display_widget(console.widget, "the console: it needs a browser")
