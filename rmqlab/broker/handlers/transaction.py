"""Commits a half message, or rolls it back.

A commit is two records: the message itself, where consumers find it, and after it the
op message that settles the half one.  A crash between the two leaves the half message
open; its sender is asked, commits again, and the message is there twice.

Source: EndTransactionProcessor.java, AdminBrokerProcessor.resumeCheckHalfMessage,
release 4.9.7.
"""

from __future__ import annotations

import logging

from rmqlab.broker.call import HELD, Answer, Call
from rmqlab.broker.memory import Memory
from rmqlab.errors import Refused, StoreError
from rmqlab.protocol import half_message
from rmqlab.protocol.codes import ResponseCode, SysFlag
from rmqlab.protocol.message import CHECK_MAX_TOPIC, HALF_TOPIC, log_offset_of
from rmqlab.protocol.record import Record, properties_of
from rmqlab.protocol.transactions import EndTransaction, ResumeCheckHalf
from rmqlab.settings import BrokerRole
from rmqlab.store.results import PutStatus
from rmqlab.store.store import MessageStore

log = logging.getLogger(__name__)

NOTHING_SET = "not set any response code"
"""The remark of an answer in which RocketMQ sets a code and forgets the remark."""
VERDICTS = (SysFlag.TRANSACTION_COMMIT, SysFlag.TRANSACTION_ROLLBACK)
"""Of an offset id, with an IPv4 or an IPv6 address; the last 16 are the offset."""


class TransactionHandler:
    """Answers END_TRANSACTION and RESUME_CHECK_HALF_MESSAGE."""

    def __init__(self, memory: Memory, store: MessageStore) -> None:
        self._config, self._store = memory.config, store

    def end(self, asked: EndTransaction, call: Call) -> Answer | None:
        """Settle a half message; one that its sender leaves open stays open.

        Clients ask one-way.  The answer does not wait for disk or slave: what is lost
        with either is asked about again.

        Raises:
            Refused: this is a slave; there is no such half message; or it cannot be
                stored.
        """
        if self._store.config.broker_role is BrokerRole.SLAVE:
            raise Refused(ResponseCode.SLAVE_NOT_AVAILABLE, NOTHING_SET)
        if asked.commit_or_rollback not in VERDICTS:
            return HELD
        half = self._half(asked)
        if asked.commit_or_rollback == SysFlag.TRANSACTION_COMMIT:
            self._commit(half, call.now_ms)
            answer = call.answer()
        else:
            answer = call.answer(remark=NOTHING_SET)
        host = self._config.broker_i_p1, self._config.listen_port
        self._settle(half_message.op_of(half, call.now_ms, host))
        return answer

    def _half(self, asked: EndTransaction) -> Record:
        half = self._store.reading.record_at(asked.commit_log_offset)
        if half is None or half.topic != HALF_TOPIC:
            raise _wrong("Find prepared transaction message failed")
        group = properties_of(half).get(half_message.PRODUCER_GROUP)
        if group != asked.producer_group:
            raise _wrong("The producer group wrong")
        if half.queue_offset != asked.tran_state_table_offset:
            raise _wrong("The transaction state table offset wrong")
        return half

    def _commit(self, half: Record, now_ms: int) -> None:
        message = half_message.committed(half, now_ms)
        if message is None:
            raise _wrong("Find prepared transaction message failed")
        try:
            status = self._store.put(message).status
        except StoreError as error:
            log.warning("not committed offset=%d: %s", half.physical_offset, error)
            raise _unavailable() from error
        if status is PutStatus.MESSAGE_ILLEGAL:
            raise Refused(
                ResponseCode.MESSAGE_ILLEGAL,
                "The message is illegal, maybe msg body or properties length not "
                "matched. msg body length limit "
                f"{self._store.config.max_message_size}B, msg properties length limit "
                "32KB.",
            )
        if status is not PutStatus.PUT_OK:
            raise _unavailable()

    def _settle(self, op: Record) -> None:
        """Write the op message; without it the sender is asked, and answers again."""
        try:
            status = self._store.put(op).status
        except StoreError as error:
            log.warning("half message stays open offset=%s: %s", op.body, error)
            return
        if status is not PutStatus.PUT_OK:
            log.warning("half message stays open offset=%s: %s", op.body, status.name)

    def resume(self, asked: ResumeCheckHalf, call: Call) -> Answer:
        """Make a half message of one that was given up: its sender is asked again.

        Raises:
            Refused: SYSTEM_ERROR; there is none, or it cannot be stored.
        """
        aside = self._store.reading.record_at(log_offset_of(asked.msg_id or ""))
        if aside is None or aside.topic not in (CHECK_MAX_TOPIC, HALF_TOPIC):
            raise _wrong(
                f"Exception was thrown when putting message back to {HALF_TOPIC}."
            )
        failed = f"Put message back to {HALF_TOPIC} failed."
        try:
            put = self._store.put(half_message.resumed(aside, call.now_ms))
        except StoreError as error:
            raise _wrong(failed) from error
        if put.status is not PutStatus.PUT_OK:
            raise _wrong(failed)
        return call.answer()


def _wrong(remark: str) -> Refused:
    return Refused(ResponseCode.SYSTEM_ERROR, remark)


def _unavailable() -> Refused:
    code = ResponseCode.SERVICE_NOT_AVAILABLE
    return Refused(code, "Service not available now.")
