"""What a broker measures of itself, under the names that RocketMQ's tools read.

Only what is truly measured is told.  Two names are this broker's own: haSlaveCount and
haSlaveAckOffset say how many slaves are connected and how far the fastest is.

Source: AdminBrokerProcessor.prepareRuntimeInfo, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.ha.master import HaMaster
from rmqlab.protocol.codes import CURRENT_VERSION
from rmqlab.store.store import MessageStore

UNITS = ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))


def measure(
    store: MessageStore, ha_master: HaMaster, booted_ms: int, now_ms: int
) -> dict[str, str]:
    """Return the measurements; every value is text, as RocketMQ has it."""
    log, use = store.log, store.disk_use()
    up_s = (now_ms - booted_ms) // 1000
    return {
        "bootTimestamp": str(booted_ms),
        "brokerVersion": str(int(CURRENT_VERSION)),
        "brokerVersionDesc": CURRENT_VERSION.name,
        "commitLogDiskRatio": str(use.log),
        "commitLogMaxOffset": str(log.end),
        "commitLogMinOffset": str(log.start),
        "consumeQueueDiskRatio": str(use.queues),
        "dispatchBehindBytes": str(log.end - store.dispatched),
        "haSlaveAckOffset": str(ha_master.acked),
        "haSlaveCount": str(len(ha_master.slaves)),
        "remainHowManyDataToFlush": f"{log.end - log.files.flushed} B",
        "runtime": f"[ {_duration(up_s)} ]",
    }


def _duration(seconds: int) -> str:
    parts = []
    for size, name in UNITS:
        count, seconds = divmod(seconds, size)
        parts.append(f"{count} {name}")
    return ", ".join(parts)
