"""Which old files may go, and when: at an hour of the day, or as the disk fills up.

    disk used   75 % ┬ CLEAN   what is old goes, at any hour
                85 % ┼ FORCE   the oldest goes, old or not
                90 % ┴ FULL    likewise, and sends are refused

The first limit is diskMaxUsedSpaceRatio; where it is above the second, FORCE begins
there, too.  The others are no settings: RocketMQ's are properties of Java's.  A file's
age is that of the message after its last one, so of the first message in the next file;
the last file is never old.  Disks are counted by their partitions: what else lies there
counts, too.

RocketMQ takes the file's time of change for its age, and where diskMaxUsedSpaceRatio is
above 90 it refuses sends and removes nothing.

Source: DefaultMessageStore.CleanCommitLogService, release 4.9.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import NamedTuple

from rmqlab.clock import HOUR_MS
from rmqlab.errors import ConfigError
from rmqlab.settings import StoreConfig

LEAST_PERCENT, MOST_PERCENT = 10, 95
UNKNOWN = -1.0


class Limits(NamedTuple):
    """Above which part of a disk something is done about it, whatever the settings."""

    force: float = 0.85
    full: float = 0.90


def limits_of(java_options: str) -> Limits:
    """Return the limits that options for Java name: ``-Drocketmq.broker.…=0.95``.

    Raises:
        ConfigError: one is no number.
    """
    names = {
        "-Drocketmq.broker.diskSpaceCleanForciblyRatio": "force",
        "-Drocketmq.broker.diskSpaceWarningLevelRatio": "full",
    }
    found = {}
    for option in java_options.split():
        name, _, value = option.partition("=")
        if name in names:
            try:
                found[names[name]] = float(value)
            except ValueError:
                raise ConfigError(
                    f"{option} cannot be used: write a part of the disk, such as 0.95"
                ) from None
    return Limits(**found)


class DiskState(IntEnum):
    """How much room there is; each state has what the ones before have."""

    ROOMY = auto()
    CLEAN = auto()
    FORCE = auto()
    FULL = auto()


@dataclass(frozen=True)
class DiskUse:
    """How full the disks of log, queues and index are: 0.0 to 1.0, or UNKNOWN."""

    log: float
    queues: float
    index: float

    def __str__(self) -> str:
        """As RocketMQ tells it to producers."""
        return f"CL: {self.log:5.2f} CQ: {self.queues:5.2f} INDEX: {self.index:5.2f}"


def judge(use: DiskUse, config: StoreConfig, limits: Limits) -> DiskState:
    """Return how much room the fuller disk of log and queues has."""
    used = max(use.log, use.queues)
    percent = max(LEAST_PERCENT, min(config.disk_max_used_space_ratio, MOST_PERCENT))
    if used > limits.full:
        return DiskState.FULL
    if used <= percent / 100:
        return DiskState.ROOMY
    return DiskState.FORCE if used > limits.force else DiskState.CLEAN


def may_remove(
    followed_ms: int | None,
    now_ms: int,
    state: DiskState,
    config: StoreConfig,
    *,
    is_hour: bool,
) -> bool:
    """Whether the oldest file may go.

    `followed_ms` is when the next file began, None where that cannot be told.
    """
    if state >= DiskState.FORCE and config.clean_file_forcibly_enable:
        return True
    is_due = is_hour or state >= DiskState.CLEAN
    if followed_ms is None or not is_due:
        return False
    return now_ms - followed_ms >= config.file_reserved_time * HOUR_MS


def hours_of(delete_when: str) -> frozenset[int]:
    """Return the hours of the day that deleteWhen names, such as ``04;16``.

    Raises:
        ConfigError: it names something else.
    """
    parts = [part.strip() for part in delete_when.split(";") if part.strip()]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise _no_hours(delete_when)
    hours = frozenset(map(int, parts))
    if not hours <= frozenset(range(24)):
        raise _no_hours(delete_when)
    return hours


def _no_hours(delete_when: str) -> ConfigError:
    return ConfigError(
        f"deleteWhen={delete_when} cannot be used: write hours of the day from 00 to "
        "23, such as 04 or 04;16"
    )
