"""Delay levels: how long each is, and what a delayed message's queue entry says.

    messageDelayLevel = 1s 5s 10s … 2h      level 1 is 1s, level 2 is 5s, …

    orders:3 ──► SCHEDULE_TOPIC_XXXX, queue level − 1 ──► orders:3, once it is due
                 with REAL_TOPIC=orders, REAL_QID=3

Until it is due a delayed message lies in SCHEDULE_TOPIC_XXXX, in the queue of its
level, and the entry there has the time in place of a tag's hash.

Not here: the delivery (`broker.services.delayed`).

Source: ScheduleMessageService.java, CommitLog.asyncPutMessage and
checkMessageAndReturnSize, release 4.9.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rmqlab.errors import ConfigError
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import (
    DELAY,
    REAL_QUEUE,
    REAL_TOPIC,
    SCHEDULE_TOPIC,
    join_properties,
    tags_code,
)
from rmqlab.protocol.record import Record, properties_of

UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

_DELAY = re.compile(r"([0-9]{1,9})([smhd])")
_LEVEL = re.compile(r"0*[1-9][0-9]{0,8}")


_DELAYABLE = (0, SysFlag.TRANSACTION_COMMIT)
"""By the bits of the sys flag that tell of a transaction."""


def level_of(properties: Mapping[str, str]) -> int:
    """Return the level that a message asks for; 0 where it asks for none."""
    level = properties.get(DELAY, "")
    return int(level) if _LEVEL.fullmatch(level) else 0


class DelayLevels:
    """The levels that one setting spells; the first is 1.

    Raises:
        ConfigError: it does not spell any.
    """

    def __init__(self, text: str) -> None:
        self._ms = [_delay_ms(part) for part in text.split()]

    @property
    def highest(self) -> int:
        """The highest level; 0 where there is none, and nothing is delayed."""
        return len(self._ms)

    def due_ms(self, level: int, stored_ms: int) -> int:
        """Return when a message is due; a level above the highest is the highest."""
        return stored_ms + self._ms[min(level, len(self._ms)) - 1]

    def wait_ms(self, level: int, due_ms: int, now_ms: int) -> int:
        """Return how long a message still waits; 0 where it is due.

        None waits longer than its level: if it seems to, the clock was put back, and
        it is due at once.
        """
        return due_ms - now_ms if now_ms < due_ms <= self.due_ms(level, now_ms) else 0

    def entry_code(
        self, topic: str, properties: Mapping[str, str], stored_ms: int
    ) -> int:
        """Return what a queue entry has beside its place: tag hash or time."""
        level = level_of(properties) if topic == SCHEDULE_TOPIC and self._ms else 0
        return self.due_ms(level, stored_ms) if level else tags_code(properties)

    def postpone(self, record: Record) -> None:
        """Have a message that asks for a delay lie in the schedule topic meanwhile."""
        if DELAY.encode() not in record.properties:
            return
        properties = properties_of(record)
        level = min(level_of(properties), self.highest)
        if level and record.sys_flag & SysFlag.TRANSACTION_ROLLBACK in _DELAYABLE:
            properties |= {
                DELAY: str(level),
                REAL_TOPIC: record.topic,
                REAL_QUEUE: str(record.queue_id),
            }
            record.properties = join_properties(properties).encode()
            record.topic, record.queue_id = SCHEDULE_TOPIC, level - 1


def _delay_ms(text: str) -> int:
    found = _DELAY.fullmatch(text)
    if not found:
        raise ConfigError(
            f"messageDelayLevel has {text!r}: write a number and s, m, h or d, such as "
            "10s"
        )
    return int(found[1]) * UNIT_MS[found[2]]
