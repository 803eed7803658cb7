"""Gets the files onto the disk, and lets through the sends that wait for that.

SYNC_FLUSH: every send wakes the log's flush, and all that were put while one flush ran
share the next: group commit.  What nobody waits for (a send with WAIT=false, a delayed
message that is due, what a slave copies) is flushed ten milliseconds later.
ASYNC_FLUSH: the log is flushed twice a second where four pages are new, and every ten
seconds whatever there is.

Source: CommitLog.GroupCommitService, FlushRealTimeService,
DefaultMessageStore.FlushConsumeQueueService, release 4.9.7.
"""

from __future__ import annotations

import asyncio

from rmqlab.broker.gate import OffsetGate
from rmqlab.service import Service
from rmqlab.settings import FlushDiskType
from rmqlab.store.layout import PAGE_BYTES
from rmqlab.store.store import MessageStore

IDLE_S = 0.010


class LogFlush(Service):
    """Flushes the commit log and opens the gate at which sends wait for that."""

    def __init__(self, store: MessageStore, gate: OffsetGate) -> None:
        super().__init__()
        config = store.config
        self._store, self._gate = store, gate
        self._is_sync = config.flush_disk_type is FlushDiskType.SYNC_FLUSH
        self._thorough_at = self._retry_at = 0.0
        self._is_coming = False
        self.interval_s = config.flush_interval_commit_log / 1000

    def grew(self) -> None:
        """The log grew: with SYNC_FLUSH it is flushed soon, whoever waits for that."""
        if self._is_sync and not self._is_coming:
            self._is_coming = True
            asyncio.get_running_loop().call_later(IDLE_S, self._soon)

    def _soon(self) -> None:
        self._is_coming = False
        self.wake()

    async def step(self) -> None:
        """Flush if it is due.

        Raises:
            StoreError: the disk refused; who waits will time out.
        """
        files, config = self._store.log.files, self._store.config
        self.interval_s = config.flush_interval_commit_log / 1000
        least_bytes = config.flush_commit_log_least_pages * PAGE_BYTES
        now = asyncio.get_running_loop().time()
        new_bytes = files.end - files.flushed
        is_due = self._is_sync or new_bytes >= least_bytes
        if new_bytes and now >= self._retry_at and (is_due or now >= self._thorough_at):
            self._thorough_at = now + config.flush_commit_log_thorough_interval / 1000
            # After a failure much is written again: not for every send that waits.
            self._retry_at = now + self.interval_s
            self._gate.advance(await self._store.flush_log())
            self._retry_at = 0.0


class QueueFlush(Service):
    """Flushes consume queues and full index files, and saves the checkpoint.

    The checkpoint with all queues once a minute, else those with enough new pages.
    """

    def __init__(self, store: MessageStore) -> None:
        super().__init__()
        self._store = store
        self._thorough_at = 0.0
        self.interval_s = store.config.flush_interval_consume_queue / 1000

    async def step(self) -> None:
        """Flush what is due.

        Raises:
            DiskFull, StoreError: the disk refused; the next step tries the same again.
        """
        now, config = asyncio.get_running_loop().time(), self._store.config
        self.interval_s = config.flush_interval_consume_queue / 1000
        if now < self._thorough_at:
            least = config.flush_consume_queue_least_pages
            await self._store.flush_queues(least)
            return
        await self._store.flush_queues()
        await self._store.checkpoint.save()
        self._thorough_at = now + config.flush_consume_queue_thorough_interval / 1000
