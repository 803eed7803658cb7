"""Headers of transactions: a half message is settled, or its sender is asked.

Source: EndTransactionRequestHeader.java, CheckTransactionStateRequestHeader.java,
ResumeCheckHalfMessageRequestHeader.java, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.protocol.codes import RequestCode
from rmqlab.protocol.header import Header, request


@request(RequestCode.END_TRANSACTION)
class EndTransaction(Header):
    """Settle the half message at `commit_log_offset`.

    `tran_state_table_offset` is its offset in the queue of half messages;
    `commit_or_rollback` has the bits of `SysFlag.TRANSACTION_ROLLBACK`: 8 commits, 12
    rolls back, 0 leaves it open.
    """

    producer_group: str
    tran_state_table_offset: int
    commit_log_offset: int
    commit_or_rollback: int
    msg_id: str
    from_transaction_check: bool = False
    transaction_id: str | None = None


@request(RequestCode.CHECK_TRANSACTION_STATE)
class CheckTransactionState(Header):
    """A broker asks a producer what became of its half message, the body.

    One-way: the producer answers with END_TRANSACTION.
    """

    tran_state_table_offset: int
    commit_log_offset: int
    msg_id: str | None = None
    transaction_id: str | None = None
    offset_msg_id: str | None = None


@request(RequestCode.RESUME_CHECK_HALF_MESSAGE)
class ResumeCheckHalf(Header):
    """Ask again about a half message that was given up; `msg_id` is its offset id."""

    msg_id: str | None = None
