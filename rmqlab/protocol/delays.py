"""Delay levels: how long each is, and what a delayed message's queue entry says.

    messageDelayLevel = 1s 5s 10s … 2h      level 1 is 1s, level 2 is 5s, …

Until it is due a delayed message lies in SCHEDULE_TOPIC_XXXX, in the queue of its
level, and the entry there has the time in place of a tag's hash.

Not here: the delivery.

Source: ScheduleMessageService.java, CommitLog.checkMessageAndReturnSize, 4.9.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rmqlab.errors import ConfigError
from rmqlab.protocol.message import DELAY, SCHEDULE_TOPIC, tags_code

UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

_DELAY = re.compile(r"([0-9]{1,9})([smhd])")
_LEVEL = re.compile(r"0*[1-9][0-9]{0,8}")


class DelayLevels:
    """The levels that one setting spells.

    Raises:
        ConfigError: it does not spell any.
    """

    def __init__(self, text: str) -> None:
        self._ms = [_delay_ms(part) for part in text.split()]

    def due_ms(self, level: int, stored_ms: int) -> int:
        """Return when a message is due; a level above the highest is the highest."""
        return stored_ms + self._ms[min(level, len(self._ms)) - 1]

    def entry_code(
        self, topic: str, properties: Mapping[str, str], stored_ms: int
    ) -> int:
        """Return what a queue entry has beside its place: tag hash or time."""
        if topic == SCHEDULE_TOPIC and self._ms:
            level = properties.get(DELAY, "")
            if _LEVEL.fullmatch(level):
                return self.due_ms(int(level), stored_ms)
        return tags_code(properties)


def _delay_ms(text: str) -> int:
    found = _DELAY.fullmatch(text)
    if not found:
        raise ConfigError(
            f"messageDelayLevel has {text!r}: write a number and s, m, h or d, such as "
            "10s"
        )
    return int(found[1]) * UNIT_MS[found[2]]
