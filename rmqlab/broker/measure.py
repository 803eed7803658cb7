"""What a broker measures of itself, under the names that RocketMQ's tools read.

Only what is truly measured is told.  Pulls, queries and ends of transactions are
answered as they come: nothing of them queues, and there is no room for it.  Four names
are this broker's own: haSlaveCount and haSlaveAckOffset say how many slaves are
connected and how far the fastest is, haSlaveStuckCount how many of them need what was
removed from the log, haFault why a slave copies nothing though its master is there.

Not here: putLatency99 and putLatency999.

Source: AdminBrokerProcessor.prepareRuntimeInfo, StoreStatsService.java, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.broker.memory import Memory
from rmqlab.broker.rates import SPANS_S, Rates, What
from rmqlab.broker.tables.delays import DelayOffsets
from rmqlab.errors import StoreError
from rmqlab.ha.master import HaMaster
from rmqlab.ha.slave import HaSlave
from rmqlab.protocol.codes import CURRENT_VERSION
from rmqlab.protocol.message import SCHEDULE_TOPIC
from rmqlab.store.store import MessageStore

UNITS = ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))
PREFIXES = " KMGTPE"
NO_POOL = (1 << 31) - 1


def measure(
    memory: Memory,
    store: MessageStore,
    ha_master: HaMaster,
    ha_slave: HaSlave,
    booted_ms: int,
    now_ms: int,
) -> dict[str, str]:
    """Return the measurements; every value is text, as RocketMQ has it."""
    found = {
        "bootTimestamp": str(booted_ms),
        "brokerVersion": str(int(CURRENT_VERSION)),
        "brokerVersionDesc": CURRENT_VERSION.name,
        "haFault": ha_slave.fault,
        "haSlaveAckOffset": str(ha_master.acked),
        "haSlaveCount": str(len(ha_master.slaves)),
        "haSlaveStuckCount": str(len(ha_master.stuck)),
        "runtime": f"[ {_duration((now_ms - booted_ms) // 1000)} ]",
        "startAcceptSendRequestTimeStamp": str(
            memory.config.start_accept_send_request_time_stamp
        ),
    }
    found |= _rates(memory.rates) | _counts(memory.rates, store)
    found |= {
        "getMessageEntireTimeMax": str(memory.took.longest_get_ms),
        "putMessageDistributeTime": str(memory.took),
        "putMessageEntireTimeMax": str(memory.took.longest_put_ms),
    }
    found |= _levels(memory.delays, store)
    found |= _log(store) | _disks(store) | _queues(memory, now_ms)
    return dict(sorted(found.items()))


def _rates(rates: Rates) -> dict[str, str]:
    """A second, over ten seconds, a minute and ten; empty where not known yet."""

    def texts(what: What, unknown: str = "") -> str:
        found = (rates.a_second(what, span_s) for span_s in SPANS_S)
        return " ".join(unknown if one is None else str(one) for one in found)

    return {
        "putTps": texts(lambda counts: counts.puts),
        "getFoundTps": texts(lambda counts: counts.finds),
        "getMissTps": texts(lambda counts: counts.misses),
        "getTransferedTps": texts(lambda counts: counts.transferred),
        "getTotalTps": texts(lambda counts: counts.finds + counts.misses, "0.0"),
    }


def _counts(rates: Rates, store: MessageStore) -> dict[str, str]:
    now, today, yesterday = store.counts, rates.today, rates.yesterday
    return {
        "msgGetTotalTodayMorning": str(today.transferred),
        "msgGetTotalTodayNow": str(now.transferred),
        "msgGetTotalYesterdayMorning": str(yesterday.transferred),
        "msgPutTotalTodayMorning": str(today.puts),
        "msgPutTotalTodayNow": str(now.puts),
        "msgPutTotalYesterdayMorning": str(yesterday.puts),
        "putMessageAverageSize": str(now.put_bytes / max(1, now.puts)),
        "putMessageFailedTimes": str(now.failed_puts),
        "putMessageSizeTotal": str(now.put_bytes),
        "putMessageTimesTotal": str(now.puts),
    }


def _log(store: MessageStore) -> dict[str, str]:
    log = store.log
    first = store.reading.record_at(log.start)
    return {
        "commitLogMaxOffset": str(log.end),
        "commitLogMinOffset": str(log.start),
        "dispatchBehindBytes": str(log.end - store.dispatched),
        "dispatchMaxBuffer": "0",
        "earliestMessageTimeStamp": str(first.store_timestamp if first else -1),
        "pageCacheLockTimeMills": "0",
        "remainHowManyDataToFlush": _human(log.end - log.files.flushed),
        "remainTransientStoreBufferNumbs": str(NO_POOL),
    }


def _levels(delays: DelayOffsets, store: MessageStore) -> dict[str, str]:
    """Of each delay level how far it is delivered, and where its queue ends."""
    return {
        f"scheduleMessageOffset_{level}": f"{offset},"
        f"{store.queues.max_offset(SCHEDULE_TOPIC, level - 1)}"
        for level, offset in sorted(delays.items())
    }


def _disks(store: MessageStore) -> dict[str, str]:
    use, path = store.disk_use(), store.paths.commit_log
    found = {
        "commitLogDiskRatio": str(use.log),
        f"commitLogDiskRatio_{path}": str(use.log),
        "consumeQueueDiskRatio": str(use.queues),
    }
    try:
        total, free = store.disk_room()
    except StoreError:
        return found
    text = f"Total : {_human(total)}, Free : {_human(free)}."
    return found | {"commitLogDirCapacity": text}


def _queues(memory: Memory, now_ms: int) -> dict[str, str]:
    """Requests that wait: sends, pulls, queries, ends of transactions.

    Only sends ever do, and only where `labSendMillis` makes them.
    """
    found = {
        "EndTransactionQueueSize": "0",
        "EndTransactionThreadPoolQueueCapacity": "0",
    }
    for kind in ("send", "pull", "query"):
        found[f"{kind}ThreadPoolQueueSize"] = "0"
        found[f"{kind}ThreadPoolQueueCapacity"] = "0"
        found[f"{kind}ThreadPoolQueueHeadWaitTimeMills"] = "0"
    sends, capacity = memory.sends, memory.config.send_thread_pool_queue_capacity
    return found | {
        "sendThreadPoolQueueSize": str(len(sends)),
        "sendThreadPoolQueueCapacity": str(capacity),
        "sendThreadPoolQueueHeadWaitTimeMills": str(sends.head_wait_ms(now_ms)),
    }


def _duration(seconds: int) -> str:
    parts = []
    for size, name in UNITS:
        count, seconds = divmod(seconds, size)
        parts.append(f"{count} {name}")
    return ", ".join(parts)


def _human(size: int) -> str:
    """Return bytes as Java's tools print them: ``206 B``, ``3.6 KiB``."""
    if size < 1024:
        return f"{size} B"
    power = (size.bit_length() - 1) // 10
    return f"{size / 1024**power:.1f} {PREFIXES[power]}iB"
