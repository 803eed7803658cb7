"""A producer whose messages come to be only if work done here succeeds.

    async def pay(message: Message) -> Verdict:
        …                                       # the local transaction
        return Verdict.COMMIT

    async def was_paid(message: StoredMessage) -> Verdict:
        return Verdict.COMMIT if … else Verdict.ROLLBACK

    async with TransactionProducer("shop", "127.0.0.1:9876", was_paid) as producer:
        await producer.send(Message("orders", b"one coffee"), pay)

        producer                    broker
            │ ── half message ───────▶ │   stored, seen by nobody
          work                         │
            │ ── COMMIT or ROLLBACK ─▶ │   one-way: it may be lost
            │ ◀─ what became of it? ── │   … and asks, after a while, any of the group
            │ ── COMMIT or ROLLBACK ─▶ │

A verdict may arrive twice, and a message committed twice is there twice.

Source: TransactionMQProducer.java, DefaultMQProducerImpl.sendMessageInTransaction and
checkTransactionState, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import Enum
from typing import Any, NamedTuple, Self

from rmqlab.client import routes
from rmqlab.client.place import Place
from rmqlab.client.producer import Producer
from rmqlab.client.sent import SendResult, SendStatus
from rmqlab.errors import NotConnected
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.half_message import PREPARED, PRODUCER_GROUP
from rmqlab.protocol.message import DELAY, Message, StoredMessage
from rmqlab.protocol.record import Record, decode, to_message
from rmqlab.protocol.transactions import CheckTransactionState, EndTransaction
from rmqlab.settings import ClientConfig

log = logging.getLogger(__name__)


NOWHERE = "a broker without a master"


class Verdict(Enum):
    """What is to become of a half message."""

    COMMIT = int(SysFlag.TRANSACTION_COMMIT)
    ROLLBACK = int(SysFlag.TRANSACTION_ROLLBACK)
    UNKNOWN = 0
    """Not known yet: the broker will ask again."""


Work = Callable[[Message], Verdict | Awaitable[Verdict]]
"""The local transaction; given the message as it was sent, its id among the properties.

What it raises, or returns that is no verdict, leaves it unknown.
"""
Check = Callable[[StoredMessage], Verdict | Awaitable[Verdict]]
"""Tells of an earlier message, perhaps of another process, how its work ended."""


class Transacted(NamedTuple):
    """Where the half message went, and the verdict that was sent after it."""

    sent: SendResult
    verdict: Verdict


class TransactionProducer:
    """Sends half messages and settles them; use it as an async context manager."""

    def __init__(
        self,
        group: str,
        name_servers: str,
        check: Check,
        config: ClientConfig | None = None,
        place: Place | None = None,
    ) -> None:
        self.group, self._check = group, check
        self.inner = Producer(group, name_servers, config, place)
        """Sends the half messages, and any others."""
        self._instance = self.inner.instance
        self._instance.remoting.asked[CheckTransactionState.CODE] = self._asked
        self._checking: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave what is being checked to others of the group, and say goodbye."""
        for task in self._checking:
            task.cancel()
        await asyncio.gather(*self._checking, return_exceptions=True)
        await self.inner.close()

    async def send(
        self, message: Message, work: Work, timeout_s: float | None = None
    ) -> Transacted:
        """Send a half message, do the work, and tell the broker the verdict.

        Where the half message is stored but not SEND_OK the work is not begun, and it
        is rolled back.  A delay does not go with a transaction and is dropped.

        Raises:
            SendError, RemoteError: there is no half message, and no work was done; see
                `Producer.send`.
        """
        own = {PREPARED: "true", PRODUCER_GROUP: self.group}
        half = replace(message, properties=message.properties | own)
        half.properties.pop(DELAY, None)
        sent = await self.inner.send(half, timeout_s=timeout_s)
        verdict = Verdict.ROLLBACK
        if sent.status is SendStatus.SEND_OK:
            verdict = await _verdict_of(work, half)
        header = EndTransaction(
            self.group,
            sent.queue_offset,
            int(sent.offset_msg_id[-16:], 16),
            verdict.value,
            sent.msg_id,
        )
        brokers = self._instance.brokers()
        address = routes.master_address(brokers, sent.queue.broker_name)
        await self._tell(address or NOWHERE, header)
        return Transacted(sent, verdict)

    def _asked(self, frame: Frame, address: str) -> None:
        """A broker asks: find out, and answer when it is known."""
        record = decode(frame.body)
        asked = CheckTransactionState.parse(frame.fields)
        if not isinstance(record, Record):
            return
        message = to_message(record)
        if message.properties.get(PRODUCER_GROUP) != self.group:
            log.warning("asked about another group's message=%s", message)
            return
        task = asyncio.create_task(self._answer(message, asked, address))
        self._checking.add(task)
        task.add_done_callback(self._checking.discard)

    async def _answer(
        self, message: StoredMessage, asked: CheckTransactionState, address: str
    ) -> None:
        verdict = await _verdict_of(self._check, message)
        header = EndTransaction(
            self.group,
            asked.tran_state_table_offset,
            asked.commit_log_offset,
            verdict.value,
            message.msg_id,
            from_transaction_check=True,
            transaction_id=asked.transaction_id,
        )
        await self._tell(address, header)

    async def _tell(self, address: str, header: EndTransaction) -> None:
        """Tell a broker the verdict; if that fails it will ask."""
        try:
            await self._instance.remoting.tell(address, header)
        except NotConnected as error:
            log.warning("verdict not told msg_id=%s: %s", header.msg_id, error)


async def _verdict_of(find_out: Callable[[Any], Any], message: Any) -> Verdict:
    try:
        verdict = find_out(message)
        if inspect.isawaitable(verdict):
            verdict = await verdict
        return Verdict(verdict)
    except Exception:
        log.exception("verdict unknown message=%s", message)
        return Verdict.UNKNOWN
