"""Asks producers what became of their half messages, once a minute.

A half message that nobody settled within six seconds is written anew, and a producer
of its group is shown it; its answer comes as END_TRANSACTION.  Where none is connected
that counts as asked, too.  After 15 times it is laid aside.

Source: TransactionalMessageCheckService.java, TransactionalMessageServiceImpl.java,
AbstractTransactionalMessageCheckListener.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from rmqlab.broker.call import Peer
from rmqlab.broker.memory import Memory
from rmqlab.broker.tables.halves import CheckRules, HalfLedger, Step, times_asked
from rmqlab.clock import Clock
from rmqlab.protocol import half_message
from rmqlab.protocol.frame import Flag, Frame
from rmqlab.protocol.message import (
    CHECK_MAX_TOPIC,
    HALF_TOPIC,
    MAX_PROPERTIES_BYTES,
    OP_TOPIC,
    UNIQ_KEY,
    offset_msg_id,
)
from rmqlab.protocol.record import Record, decode_all, encode, properties_of
from rmqlab.protocol.transactions import CheckTransactionState
from rmqlab.service import Service
from rmqlab.store.results import GetStatus, PutStatus
from rmqlab.store.store import MessageStore

log = logging.getLogger(__name__)

GROUP = "CID_RMQ_SYS_TRANS"
ROUND_MS = 60_000
OPS_AT_ONCE = 32
HOUR_MS = 3_600_000


class TransactionCheck(Service):
    """One round a minute over the half messages that are not done with."""

    def __init__(
        self,
        memory: Memory,
        store: MessageStore,
        clock: Clock,
        topics_changed: Callable[[], None],
    ) -> None:
        super().__init__()
        self._memory, self._store, self._clock = memory, store, clock
        self._topics_changed = topics_changed
        self.interval_s = memory.config.transaction_check_interval / 1000

    async def step(self) -> None:
        """Go through the half messages; others have their turn after each.

        Raises:
            StoreError: one could not be written anew; the next round begins with it.
        """
        if not self._store.queues.max_offset(HALF_TOPIC, half_message.QUEUE_ID):
            return
        self._have_topic(HALF_TOPIC)
        started_ms = self._clock.now_ms()
        ledger = HalfLedger(self._offset(HALF_TOPIC), self._offset(OP_TOPIC))
        try:
            while self._clock.now_ms() - started_ms <= ROUND_MS:
                if not self._go_on(ledger, started_ms):
                    break
                await asyncio.sleep(0)
        finally:
            self._save(HALF_TOPIC, ledger.half_offset)
            self._save(OP_TOPIC, ledger.op_offset)

    def _have_topic(self, name: str) -> None:
        if self._memory.topics.create_own(name, self._clock.now_ms()):
            self._topics_changed()

    def _offset(self, topic: str) -> int:
        offset = self._memory.offsets.get(GROUP, topic, half_message.QUEUE_ID)
        if offset is None:
            return self._store.queues.min_offset(topic, half_message.QUEUE_ID)
        return offset

    def _save(self, topic: str, offset: int) -> None:
        if offset != self._offset(topic):
            self._memory.offsets.commit(GROUP, topic, half_message.QUEUE_ID, offset)

    def _go_on(self, ledger: HalfLedger, started_ms: int) -> bool:
        """Take the next step; return whether there may be another."""
        ledger.pass_settled()
        half = self._next_half(ledger)
        if half is None:
            return False
        if self._read_ops(ledger) or ledger.is_settled(half.queue_offset):
            return True
        properties, now_ms = properties_of(half), self._clock.now_ms()
        step = self._rules().step(half, properties, started_ms, now_ms)
        if ledger.is_settled(half_message.first_offset(half)):
            log.debug("half message settled while immune %d", half.queue_offset)
        elif step is Step.WAIT or not self._take(step, half, now_ms):
            return False
        ledger.half_offset = half.queue_offset + 1
        return True

    def _rules(self) -> CheckRules:
        config = self._memory.config
        return CheckRules(
            config.transaction_time_out,
            config.transaction_check_max,
            self._store.config.file_reserved_time * HOUR_MS,
        )

    def _take(self, step: Step, half: Record, now_ms: int) -> bool:
        """Do it; return whether the store took what there was to write."""
        anew = self._anew(step, half, now_ms)
        put = self._store.put(anew)
        if put.status is PutStatus.MESSAGE_ILLEGAL:
            # No room for one more property: it must not hold up all others.
            step = Step.GIVE_UP
            put = self._store.put(self._anew(step, half, now_ms))
        if put.record is None:
            return False
        if step is Step.ASK:
            self._ask(half, anew)
        return True

    def _anew(self, step: Step, half: Record, now_ms: int) -> Record:
        if step is Step.ASK:
            times = times_asked(properties_of(half)) + 1
            return half_message.asked_about(half, times, now_ms)
        if step is Step.POSTPONE:
            return half_message.postponed(half, now_ms)
        log.error("half message given up offset=%d", half.physical_offset)
        self._have_topic(CHECK_MAX_TOPIC)
        return half_message.given_up(half, now_ms)

    def _ask(self, half: Record, anew: Record) -> None:
        properties = properties_of(half)
        group = properties.get(half_message.PRODUCER_GROUP, "")
        producer = self._memory.clients.next_producer(group)
        question = half_message.question(half, anew)
        if producer is None or question is None:
            log.warning("nobody to ask about a half message group=%s", group)
            return
        if len(question.properties) > MAX_PROPERTIES_BYTES:
            log.warning("no room to ask about a half message group=%s", group)
            return
        msg_id = properties.get(UNIQ_KEY)
        header = CheckTransactionState(
            tran_state_table_offset=anew.queue_offset,
            commit_log_offset=anew.physical_offset,
            msg_id=msg_id,
            transaction_id=msg_id,
            offset_msg_id=offset_msg_id(anew.store_host, anew.physical_offset),
        )
        body = encode(question)
        frame = Frame(header.CODE, header.to_wire(), body, flag=Flag.ONEWAY)
        cast("Peer", producer).send(frame)

    def _next_half(self, ledger: HalfLedger) -> Record | None:
        found, start = self._read(HALF_TOPIC, ledger.half_offset, 1)
        if not found and start != ledger.half_offset:
            ledger.half_offset = start  # it is gone, or damaged
            found, _ = self._read(HALF_TOPIC, start, 1)
        if not found:
            return None
        ledger.half_offset = found[0].queue_offset  # damaged ones are passed over
        return found[0]

    def _read_ops(self, ledger: HalfLedger) -> bool:
        """Read the next op messages; return whether there were any."""
        found, start = self._read(OP_TOPIC, ledger.op_end, OPS_AT_ONCE)
        if not found and start != ledger.op_end:
            ledger.pass_ops(start)
            return True
        for op in found:
            ledger.settle(op.queue_offset, half_message.settled_by(op))
        return bool(found)

    def _read(self, topic: str, offset: int, most: int) -> tuple[list[Record], int]:
        """Return the next messages of a queue; without any, where to go on."""
        queue_id = half_message.QUEUE_ID
        got = self._store.reading.get(topic, queue_id, offset, most, lambda _: True)
        if got.status is not GetStatus.FOUND:
            return [], got.next_offset
        return list(decode_all(b"".join(got.records))), offset
