"""Events → lines: equal events give equal bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

from rmqlab.classroom.trace import Event

_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_quoted = json.encoder.encode_basestring


def to_text(event: Event) -> str:
    """Return an event's line, without its end: `at`, then the facts as they came."""
    texts = [f'{{"at":{event["at"]:.6f}']
    for key, value in event.items():
        if key != "at":
            texts.append(f"{_quoted(key)}:{_value(value)}")
    return ",".join(texts) + "}"


def _value(value: Any) -> str:
    """Return a fact as JSON; the two kinds that nearly all are of, in little time."""
    kind = type(value)
    if kind is str:
        return _quoted(value)
    return str(value) if kind is int else _to_json(value)


class Writer:
    """A file that is written as things happen; nothing is kept in memory.

    `is_prompt`: a line is in the operating system's hands at once, and so outlives
    the process, however that ends.
    """

    def __init__(
        self, path: str | Path, first: Event, *, is_prompt: bool = False
    ) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        buffering = 1 if is_prompt else -1
        self._file = Path(path).open("w", buffering, "utf-8", newline="\n")  # noqa: SIM115
        self.write(first)

    def write(self, event: Event) -> None:
        """Add one event; once closed, nothing happens."""
        if not self._file.closed:
            self._file.write(to_text(event) + "\n")

    def close(self) -> None:
        """Write what is left."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
