"""A half message, and what becomes of it: the records of a transaction.

    send ─▶ half message ─┬─ commit ───▶ the message itself, and an op message
               │   ▲      └─ rollback ─▶ an op message
               └───┴ asked about        (too often ─▶ given up)

A half message lies in a topic that nobody consumes; its properties keep where it
belongs.  Nothing in a log can be changed, so that it is settled is a message, too: the
op message, whose body is the half message's queue offset.  And one that is asked about
is written anew, at the end of its queue, with a number that says how often.

Not here: who settles (`broker.handlers.transaction`) and who asks
(`broker.services.transaction_check`).

Source: TransactionalMessageBridge.java, EndTransactionProcessor.java,
DefaultTransactionalMessageCheckListener.java, release 4.9.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import (
    CHECK_MAX_TOPIC,
    HALF_TOPIC,
    OP_TOPIC,
    REAL_QUEUE,
    REAL_TOPIC,
    TAGS,
    WAIT,
    join_properties,
)
from rmqlab.protocol.record import Record, properties_of

PREPARED = "TRAN_MSG"
PRODUCER_GROUP = "PGROUP"
CHECK_TIMES = "TRANSACTION_CHECK_TIMES"
IMMUNITY_S = "CHECK_IMMUNITY_TIME_IN_SECONDS"
FIRST_OFFSET = "TRAN_PREPARED_QUEUE_OFFSET"
"""Where a half message lay before it was written anew because it is immune."""

SETTLED_TAG = "d"
QUEUE_ID = 0
"""Half messages and op messages have one queue each."""

_OFFSET = re.compile(rb"[0-9]{1,18}")
_QUEUE_ID = re.compile(r"[0-9]{1,9}")
_KIND = SysFlag.TRANSACTION_ROLLBACK


def is_half(properties: Mapping[str, str]) -> bool:
    """Whether a message that is sent with these properties is to be a half one."""
    return properties.get(PREPARED, "").lower() == "true"


def half_of(record: Record, properties: Mapping[str, str]) -> Record:
    """Return the half message of what was sent with these properties."""
    home = {REAL_TOPIC: record.topic, REAL_QUEUE: str(record.queue_id)}
    return replace(
        record,
        topic=HALF_TOPIC,
        queue_id=QUEUE_ID,
        sys_flag=record.sys_flag & ~_KIND,
        properties=_joined({**properties, **home}),
    )


def committed(half: Record, now_ms: int) -> Record | None:
    """Return the message that a half one becomes; None where it names no home.

    Its properties stay what they are: RocketMQ removes the names of the home from a
    copy that is never written.
    """
    home = at_home(half)
    return home and replace(
        home,
        sys_flag=half.sys_flag & ~_KIND | SysFlag.TRANSACTION_COMMIT,
        store_timestamp=now_ms,
        prepared_offset=half.physical_offset,
    )


def op_of(half: Record, now_ms: int, host: tuple[str, int]) -> Record:
    """Return the op message that says: this half message is settled."""
    return Record(
        topic=OP_TOPIC,
        queue_id=half.queue_id,
        body=str(half.queue_offset).encode(),
        properties=_joined({WAIT: "true", TAGS: SETTLED_TAG}),
        flag=0,
        sys_flag=0,
        born_timestamp=now_ms,
        born_host=host,
        store_timestamp=now_ms,
        store_host=host,
    )


def settled_by(op: Record) -> int | None:
    """Return which half message an op message settles; None where it says no such."""
    is_op = properties_of(op).get(TAGS) == SETTLED_TAG
    return int(op.body) if is_op and _OFFSET.fullmatch(op.body) else None


def asked_about(half: Record, times: int, now_ms: int) -> Record:
    """Return the half message as it is written anew when its sender is asked."""
    return _anew(half, {CHECK_TIMES: str(times)}, now_ms)


def postponed(half: Record, now_ms: int) -> Record:
    """Return the half message as it is written anew while it is immune."""
    return _anew(half, {FIRST_OFFSET: str(first_offset(half))}, now_ms)


def first_offset(half: Record) -> int:
    """Return by which queue offset its sender knows a half message."""
    text = properties_of(half).get(FIRST_OFFSET, "").encode()
    return int(text) if _OFFSET.fullmatch(text) else half.queue_offset


def _anew(half: Record, changed: Mapping[str, str], now_ms: int) -> Record:
    return replace(
        half,
        properties=_joined({**properties_of(half), **changed}),
        flag=0,
        reconsume_times=0,
        store_timestamp=now_ms,
    )


def given_up(half: Record, now_ms: int) -> Record:
    """Return the half message as it is laid aside, to be asked about no more."""
    return replace(
        half, topic=CHECK_MAX_TOPIC, queue_id=QUEUE_ID, store_timestamp=now_ms
    )


def resumed(aside: Record, now_ms: int) -> Record:
    """Return the half message of one that was laid aside: it is asked about again."""
    return replace(
        aside,
        topic=HALF_TOPIC,
        queue_id=QUEUE_ID,
        properties=_joined({**properties_of(aside), CHECK_TIMES: "0"}),
        store_timestamp=now_ms,
    )


def question(half: Record, anew: Record) -> Record | None:
    """Return what the sender is shown: its message, at the place where it is now."""
    home = at_home(half)
    return home and replace(
        home,
        properties=_joined({**properties_of(anew), WAIT: "false"}),
        queue_offset=anew.queue_offset,
        physical_offset=anew.physical_offset,
    )


def at_home(half: Record) -> Record | None:
    """Return a message in the topic and queue where it belongs; None without any."""
    properties = properties_of(half)
    topic, queue_id = properties.get(REAL_TOPIC), properties.get(REAL_QUEUE, "")
    if not topic or not _QUEUE_ID.fullmatch(queue_id):
        return None
    return replace(half, topic=topic, queue_id=int(queue_id))


def _joined(properties: Mapping[str, str]) -> bytes:
    return join_properties(properties).encode()
