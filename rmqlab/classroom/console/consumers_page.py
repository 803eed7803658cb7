"""The consumers page: every group and how far it is, and of one of them every queue."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets
from markupsafe import Markup

from rmqlab.classroom.console.page import Page, offer, table
from rmqlab.classroom.group_view import look
from rmqlab.client.admin import Admin
from rmqlab.mqadmin.progress import GroupRow, all_groups

HEADINGS = "group", "members", "release", "gets them by", "model", "takes/s", "behind"


class ConsumersPage(Page):
    """All groups, and the queues of the chosen one."""

    TITLE = "Consumers"

    def parts(self) -> Sequence[widgets.Widget]:
        """The table of the groups, a choice, and what the chosen one is doing."""
        self._groups, self._group = widgets.HTML(), widgets.HTML()
        self._chosen = widgets.Dropdown(description="the group")
        self.asks_again(self._chosen)
        return self._groups, self._chosen, self._group

    def look(self) -> None:
        """Ask which groups there are, and how the chosen one is."""
        found = self.ask(groups)
        self._groups.value = groups_table(found)
        offer(self._chosen, sorted(one.group for one in found))
        chosen = self._chosen.value
        self._group.value = look(self.admin, chosen)._repr_html_() if chosen else ""


async def groups(admin: Admin) -> list[GroupRow]:
    """Return all groups, those with most members first, then those furthest behind.

    Raises:
        NotConnected: no name server answered.
    """
    return [one async for one in all_groups(admin)]


def groups_table(seen: Sequence[GroupRow]) -> Markup:
    """Return a line a group."""
    if not seen:
        return Markup("nobody has consumed anything yet")
    rows = (
        (
            *(one.group, one.count, one.version),
            *(one.type.lower(), one.model.lower(), one.tps, one.diff_total),
        )
        for one in seen
    )
    return table(HEADINGS, rows)
