"""How far each delay level has been delivered.

An offset is that of the level's next message in its queue of the schedule topic.

Not here: when a message is due (`protocol.delays`), the delivery (`services.delayed`).

Source: ScheduleMessageService.java, DelayOffsetSerializeWrapper.java, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rmqlab.errors import WireError


class DelayOffsets:
    """All offsets, by level as in delayOffset.json."""

    FILE = "delayOffset.json"

    def __init__(self) -> None:
        self._offsets: dict[int, int] = {}

    @property
    def state(self) -> object:
        """What differs after every change; None while there is nothing to keep."""
        return tuple(self._offsets.items()) or None

    def get(self, level: int) -> int:
        """Return a level's offset; 0 where nothing of it was delivered yet."""
        return self._offsets.get(level, 0)

    def items(self) -> Iterable[tuple[int, int]]:
        """Return each level that has an offset, and that."""
        return self._offsets.items()

    def move(self, level: int, offset: int) -> None:
        """Set a level's offset."""
        self._offsets[level] = offset

    def to_json(self) -> dict[str, Any]:
        """Return the table as in delayOffset.json; levels are bare numbers."""
        return {"offsetTable": self._offsets}

    def load(self, found: Any) -> None:
        """Become what a file or a master says.

        Raises:
            WireError: it is no delayOffset.json.
        """
        try:
            levels = found["offsetTable"].items()
            self._offsets = {int(level): int(at) for level, at in levels}
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise WireError(f"no delay offset table: {found!r:.200}") from error
