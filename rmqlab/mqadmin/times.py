"""Moments, in milliseconds since 1970, as mqadmin reads and prints them.

In this machine's own time zone, as RocketMQ has it.

Source: UtilAll.java, PrintMessageSubCommand.timestampFormat, release 4.9.7.
"""

from __future__ import annotations

from datetime import datetime

NOW = "now"
FORMS = "currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS"


def moment(at_ms: int) -> str:
    """Return ``2026-11-28 03:56:32,858``."""
    return f"{_local(at_ms):%Y-%m-%d %H:%M:%S},{at_ms % 1000:03d}"


def second(at_ms: int) -> str:
    """Return ``2026-11-28 03:56:32``."""
    return f"{_local(at_ms):%Y-%m-%d %H:%M:%S}"


def digits(at_ms: int) -> str:
    """Return ``20261128035632858``."""
    return f"{_local(at_ms):%Y%m%d%H%M%S}{at_ms % 1000:03d}"


def milliseconds(text: str) -> int:
    """Return the moment that the text, a number or a date, spells; see `FORMS`.

    Raises:
        ValueError: it spells none.
    """
    try:
        return int(text)
    except ValueError:
        rest, _, thousandths = text.strip().rpartition(":")
        at = datetime.strptime(rest, "%Y-%m-%d#%H:%M:%S").astimezone()
        return int(at.timestamp()) * 1000 + int(thousandths)


def moment_or_now(text: str) -> int:
    """Return the moment, or -1 for ``now``, which brokers take for a queue's end.

    Raises:
        ValueError: see `milliseconds`.
    """
    return -1 if text == NOW else milliseconds(text)


def _local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000).astimezone()
