"""RocketMQ's names and Python's: `flush_disk_type` here is `flushDiskType` there."""

from __future__ import annotations


def camel_case(name: str) -> str:
    """Return `consumerGroup` for `consumer_group`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def snake_case(name: str) -> str:
    """Return `consumer_group` for `consumerGroup`."""
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in name)
