"""What a layout is made of: parts, of columns, each with a name and a meaning."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Known = Mapping[str, Any]
"""The values of a layout's fields, by name."""
Meaning = str | Callable[[Any, Known], str]


class Column(NamedTuple):
    """A field's name, and what its value means."""

    name: str
    meaning: Meaning = ""


@dataclass(frozen=True)
class Part:
    """Fields that lie together; their layout may depend on fields before them."""

    layout: Callable[[Known], struct.Struct]
    columns: tuple[Column, ...]


def fixed(layout: struct.Struct, *columns: Column) -> Part:
    """Return a part whose layout is always the same."""
    return Part(lambda known: layout, columns)


def counted(name: str, length: str, meaning: Meaning = "") -> Part:
    """Return bytes, as many as the field `length` says."""
    return Part(
        lambda known: struct.Struct(f">{max(0, known[length])}s"),
        (Column(name, meaning),),
    )


def piece(name: str, size: int, meaning: Meaning = "") -> Part:
    """Return so many bytes."""
    return fixed(struct.Struct(f">{size}s"), Column(name, meaning))
