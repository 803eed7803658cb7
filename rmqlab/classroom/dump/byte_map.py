"""A byte map: bytes in colours, and beside each field its name, value and meaning.

In a notebook it is HTML, in a terminal rich's own, as a text (`print`) it has no
colours.  Its repr has none of the bytes: a notebook's outputs can be compared.
"""

from __future__ import annotations

import html
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rmqlab.classroom.dump.layouts import Field, fields
from rmqlab.classroom.dump.words import printable

COLOURS = (
    "#ffd6a5", "#caffbf", "#9bf6ff", "#bdb2ff", "#ffc6ff", "#fdffb6", "#ffadad",
    "#a0c4ff",
)  # fmt: skip
INK = "#111111"
HEADINGS = ("byte", "bytes", "field", "value", "meaning")
SHOWN_BYTES = 12
"""Of a field in the table; in the block of a notebook the first 64."""
BLOCK_BYTES = 64
SHOWN_CHARACTERS = 40


class ByteMap:
    """The map of some bytes; `kind` is a layout's name, such as ``frame``.

    Raises:
        StoreError: there is no such layout.
    """

    def __init__(self, kind: str, data: bytes) -> None:
        self.kind, self.data = kind, data
        self.fields = fields(kind, data)

    def __repr__(self) -> str:
        """``byte map: queue entry, 3 fields``."""
        return f"byte map: {self.kind}, {len(self.fields)} fields"

    def __str__(self) -> str:
        """An aligned table without colours."""
        lines = [HEADINGS, *map(_cells, self.fields)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        told = ("  ".join(map(str.ljust, cells, widths)) for cells in lines)
        return "\n".join(one.rstrip() for one in told)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """Draw it in a terminal."""
        table = Table(box=None)
        for heading in HEADINGS:
            table.add_column(heading, no_wrap=heading != "meaning")
        for number, field in enumerate(self.fields):
            at, data, *told = _cells(field)
            coloured = Text(data, f"{INK} on {_colour(number)}")
            table.add_row(at, coloured, *map(Text, told))
        yield table

    def _repr_html_(self) -> str:
        block = " ".join(
            f"<span title='{_safe(field.name)}' style='{_style(number)}'>"
            f"{_hex(field.data, BLOCK_BYTES)}</span>"
            for number, field in enumerate(self.fields)
            if field.data
        )
        head = "".join(f"<th style='{LEFT}'>{one}</th>" for one in HEADINGS)
        rows = "".join(
            f"<tr>{_html_cells(number, field)}</tr>"
            for number, field in enumerate(self.fields)
        )
        return (
            f"<div style='font-family:monospace;max-width:60em'>{block}</div>"
            f"<table><tr>{head}</tr>{rows}</table>"
        )


def byte_map(kind: str, data: bytes) -> ByteMap:
    """Return the map of bytes that are a record, a queue entry, and so on.

    Raises:
        StoreError: there is no layout of this kind; the text names those that are.
    """
    return ByteMap(kind, data)


LEFT = "text-align:left"


def _html_cells(number: int, field: Field) -> str:
    at, data, *told = map(_safe, _cells(field))
    mono = f"{LEFT};font-family:monospace"
    return (
        f"<td style='{LEFT}'>{at}</td>"
        f"<td style='{mono};{_style(number)}'>{data}</td>"
        + "".join(f"<td style='{LEFT}'>{cell}</td>" for cell in told)
    )


def _cells(field: Field) -> tuple[str, str, str, str, str]:
    data, value = _hex(field.data, SHOWN_BYTES), _value(field)
    return str(field.at), data, field.name, value, printable(field.meaning)


def _hex(data: bytes, most: int) -> str:
    more = f" … {len(data)} B" if len(data) > most else ""
    return data[:most].hex(" ") + more


def _value(field: Field) -> str:
    value: Any = field.value
    if value is None or field.name.endswith("address"):
        return ""
    if field.name == "header length":
        value = int.from_bytes(value)  # struct has no number of three bytes
    if isinstance(value, int):
        in_hex = field.name in ("magic", "body crc", "key hash")
        return f"0x{value & 0xFFFFFFFF:08x}" if in_hex else str(value)
    text = printable(value[:SHOWN_CHARACTERS].decode("utf-8", "replace"))
    return text + "…" * (len(value) > SHOWN_CHARACTERS)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _style(number: int) -> str:
    return f"background:{_colour(number)};color:{INK}"


def _safe(text: str) -> str:
    return html.escape(text, quote=True)
