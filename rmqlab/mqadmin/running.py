"""What a consumer says of itself, as a sheet; and what is wrong with it.

    properties    the client's settings
    subscription  what it wants
    offsets       how far it is, queue by queue
    queues        what lies pulled and not yet consumed
    rates         how long it takes and how often it fails, by topic

Source: ConsumerRunningInfo.java, ProcessQueueInfo.java, ConsumeStatus.java, 4.9.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rmqlab.mqadmin.java import queue_text
from rmqlab.mqadmin.times import digits
from rmqlab.protocol.bodies import queue_of
from rmqlab.protocol.message import MessageQueue

Info = Mapping[str, Any]

OFFSETS = "%-64s  %-32s  %-4s  %-20s"
OFFSET = "%-32s  %-32s  %-4d  %-20d"
QUEUE = "%-64s  %-32s  %-4d  %s"
RATES = "%-64s  %14s %14s %14s %14s %18s %25s"
RATE = "%-32s  %14.2f %14.2f %14.2f %14.2f %18.2f %25d"
BLOCKED_MS = 60_000
"""A queue is blocked that has messages and was not consumed for so long."""
SETTLED_MS = 120_000
"""Members that started later than so long ago may still be taking up a change."""


def sheet(info: Info) -> str:
    """Return all that a client says."""
    parts = (_properties, _subscriptions, _offsets, _queues, _rates)
    lines = "\n\n\n".join("\n".join(part(info)) for part in parts)
    stacks = info.get("jstack")
    return f"{lines}\n\n\n#Consumer jstack#\n{stacks}" if stacks else lines


def _properties(info: Info) -> Iterator[str]:
    yield "#Consumer Properties#"
    for key, value in sorted((info.get("properties") or {}).items()):
        yield f"{key:<40}: {value}"


def _subscriptions(info: Info) -> Iterator[str]:
    yield "#Consumer Subscription#"
    for number, one in enumerate(_wanted(info), 1):
        mode = str(one.get("classFilterMode", False)).lower()
        yield (
            f"{number:03d} Topic: {one['topic']:<40} ClassFilter: {mode:<8} "
            f"SubExpression: {one['subString']}"
        )


def _offsets(info: Info) -> Iterator[str]:
    yield "#Consumer Offset#"
    yield OFFSETS % ("#Topic", "#Broker Name", "#QID", "#Consumer Offset")
    for queue, one in _by_queue(info):
        yield OFFSET % (*queue, one["commitOffset"])


def _queues(info: Info) -> Iterator[str]:
    yield "#Consumer MQ Detail#"
    yield OFFSETS % ("#Topic", "#Broker Name", "#QID", "#ProcessQueueInfo")
    for queue, one in _by_queue(info):
        yield QUEUE % (*queue, _process_queue(one))


def _process_queue(one: Info) -> str:
    """Return a queue's window as Java prints it."""
    numbers = (
        *("commitOffset", "cachedMsgMinOffset", "cachedMsgMaxOffset", "cachedMsgCount"),
        *("cachedMsgSizeInMiB", "transactionMsgMinOffset", "transactionMsgMaxOffset"),
        *("transactionMsgCount", "locked", "tryUnlockTimes", "lastLockTimestamp"),
        *("droped", "lastPullTimestamp", "lastConsumeTimestamp"),
    )
    texts = (f"{name}={_value(name, one.get(name, 0))}" for name in numbers)
    return f"ProcessQueueInfo [{', '.join(texts)}]"


def _value(name: str, value: Any) -> str:
    if name.endswith("Timestamp"):
        return digits(value)
    return str(value).lower()


def _rates(info: Info) -> Iterator[str]:
    yield "#Consumer RT&TPS#"
    yield RATES % (
        *("#Topic", "#Pull RT", "#Pull TPS", "#Consume RT", "#ConsumeOK TPS"),
        *("#ConsumeFailed TPS", "#ConsumeFailedMsgsInHour"),
    )
    names = "pullRT", "pullTPS", "consumeRT", "consumeOKTPS", "consumeFailedTPS"
    for topic, one in sorted((info.get("statusTable") or {}).items()):
        rates = (one.get(name) or 0.0 for name in names)
        yield RATE % (topic, *rates, one.get("consumeFailedMsgs") or 0)


def want_the_same(infos: list[Info], now_ms: int) -> bool:
    """Whether all members of a group want the same; one that just started may not."""
    if any(now_ms - _started_ms(one) < SETTLED_MS for one in infos):
        return True
    wanted = [[(s["topic"], s["subString"]) for s in _wanted(one)] for one in infos]
    return all(one == wanted[0] for one in wanted)


def complaints(client_id: str, info: Info, now_ms: int) -> Iterator[str]:
    """Yield what is wrong with a client's queues, a sentence each."""
    properties = info.get("properties") or {}
    is_orderly = properties.get("PROP_CONSUMEORDERLY") == "true"
    for queue, one in _by_queue(info):
        where = f"{client_id} {queue_text(queue)}"
        idle_ms = now_ms - one.get("lastConsumeTimestamp", now_ms)
        if is_orderly and not one.get("locked"):
            for_ms = now_ms - one.get("lastLockTimestamp", now_ms)
            yield f"{where} can't lock for a while, {for_ms}ms"
        elif is_orderly and one.get("droped") and one.get("tryUnlockTimes"):
            yield f"{where} unlock {one['tryUnlockTimes']} times, still failed"
        elif not is_orderly and idle_ms > BLOCKED_MS and one.get("cachedMsgCount"):
            yield f"{where} can't consume for a while, maybe blocked, {idle_ms}ms"


def _started_ms(info: Info) -> int:
    properties = info.get("properties") or {}
    return int(properties.get("PROP_CONSUMER_START_TIMESTAMP") or 0)


def _wanted(info: Info) -> list[Info]:
    found: list[Info] = list(info.get("subscriptionSet") or [])
    return sorted(found, key=lambda one: (one["topic"], one["subString"]))


def _by_queue(info: Info) -> list[tuple[MessageQueue, Info]]:
    table = info.get("mqTable") or {}
    found = ((queue_of(key), one) for key, one in table.items())
    return sorted(found, key=lambda pair: pair[0])
