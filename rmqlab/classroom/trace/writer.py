"""Events → lines: equal events give equal bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Self

from rmqlab.classroom.trace import Event

_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def to_text(event: Event) -> str:
    """Return an event's line, without its end: `at`, `kind`, the facts as they came."""
    facts = dict(event)
    at_s, kind = facts.pop("at"), facts.pop("kind")
    head = f'{{"at":{at_s:.6f},"kind":{_to_json(kind)}'
    return f"{head},{_to_json(facts)[1:]}" if facts else f"{head}}}"


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
