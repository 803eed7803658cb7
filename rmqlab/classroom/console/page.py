"""What all pages share: they look when they are in view, and show rows as tables.

A page asks on the console's one thread that looks; a click only says what to ask next.
So no answer overtakes another, and whatever waits, the page itself never does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, ClassVar, TypeVar

import ipywidgets as widgets
from markupsafe import Markup, escape

from rmqlab.client.admin import Admin
from rmqlab.client.blocking import BlockingAdmin, run

GREEN, AMBER, RED, GREY = "#1a7f37", "#9a6700", "#cf222e", "#57606a"
UNKNOWN = "–"
HEADING, CELL = Markup("<th class='{}'>{}</th>"), Markup("<td class='{}'>{}</td>")

T = TypeVar("T")
Question = Callable[[Admin], Coroutine[Any, Any, T]]

STYLE = """<style>
.rmq-page table {border-collapse: collapse; line-height: 1.5; font-size: 13px}
.rmq-page th {text-align: left; color: #57606a; border-bottom: 1px solid #8c959f}
.rmq-page th, .rmq-page td {padding: 2px 14px 2px 0; vertical-align: top}
.rmq-page td.number, .rmq-page th.number {
  text-align: right; font-variant-numeric: tabular-nums}
.rmq-page tr + tr td {border-bottom: 1px solid #eaeef2}
.rmq-page table + table, .rmq-page .widget-html + .widget-html {margin-top: 14px}
.rmq-page pre {
  font-family: monospace; line-height: 1.4;
  white-space: pre-wrap; word-break: break-all}
</style>"""


class Page(ABC):
    """One page: its widgets, and how it looks."""

    TITLE: ClassVar[str]

    def __init__(self, admin: BlockingAdmin, look_now: Callable[[], None]) -> None:
        self.admin, self._look_now = admin, look_now
        self._said = widgets.HTML()
        self.widget = widgets.VBox([*self.parts(), self._said])
        self.widget.add_class("rmq-page")

    @abstractmethod
    def parts(self) -> Sequence[widgets.Widget]:
        """Make the page's widgets and return them from top to bottom."""

    @abstractmethod
    def look(self) -> None:
        """Ask what is to be shown, and show it.

        Raises:
            RmqError: it cannot be known now.  What was shown stays.
        """

    def ask(self, question: Question[T]) -> T:
        """Return what name servers and brokers answer.

        Raises:
            RmqError: they do not, or refuse.
        """
        return run(question(self.admin.inner))

    def say(self, text: str) -> None:
        """Say below the page what is the matter; nothing, if nothing is."""
        self._said.value = mark(text, RED) if text else ""

    @property
    def said(self) -> str:
        """What is the matter."""
        return str(self._said.value)

    def asks_again(self, *chosen: widgets.Widget) -> None:
        """Look at once whenever one of these has another value."""
        for one in chosen:
            one.observe(lambda _: self._look_now(), "value")


def offer(choice: widgets.Select | widgets.Dropdown, names: Sequence[str]) -> None:
    """Let one choose among these names; what was chosen stays, else the first is."""
    chosen = choice.value
    if tuple(names) != tuple(choice.options):
        choice.options = tuple(names)
        choice.value = chosen if chosen in names else next(iter(names), None)


def mark(text: str, colour: str) -> Markup:
    """Return a text in a colour."""
    return Markup("<span style='color:{}'>{}</span>").format(colour, text)


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """Return rows below their headings; numbers are aligned, text is never markup."""
    lines = list(rows)
    kinds = [_kind(column) for column in zip(*lines, strict=True)]
    kinds = kinds or [""] * len(headings)
    head = _row(HEADING, headings, kinds)
    body = (_row(CELL, one, kinds) for one in lines)
    return Markup("<table>{}{}</table>").format(head, Markup().join(body))


def _kind(column: Sequence[Any]) -> str:
    known = [one for one in column if one is not None]
    are_numbers = known and all(isinstance(one, int | float) for one in known)
    return "number" if are_numbers else ""


def _row(form: Markup, cells: Sequence[Any], kinds: Sequence[str]) -> Markup:
    pairs = zip(kinds, cells, strict=True)
    parts = Markup().join(form.format(kind, _text(cell)) for kind, cell in pairs)
    return Markup("<tr>{}</tr>").format(parts)


def _text(cell: Any) -> Markup:
    if cell is None:
        return escape(UNKNOWN)
    if isinstance(cell, float):
        return escape(f"{cell:,.2f}")
    return escape(f"{cell:,}" if isinstance(cell, int) else cell)
