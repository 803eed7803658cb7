"""Removes old files, one at a time, and refuses sends while the disk is full.

First the log's oldest files, then those of queues and index that know of nothing else.
What a queue lacks then is seen at once: its smallest offset follows the log's start.

RocketMQ waits for readers of a file before it removes it; here they read on, for an
open file is there until it is closed.

Source: DefaultMessageStore.CleanCommitLogService, CleanConsumeQueueService, 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from rmqlab.clock import Clock
from rmqlab.errors import StoreError
from rmqlab.service import Service
from rmqlab.store.retention import DiskState, Limits, hours_of, judge, may_remove
from rmqlab.store.store import MessageStore

log = logging.getLogger(__name__)

MOST_A_ROUND = 10
"""Files of the log."""


class Cleaning(Service):
    """Has a look at the disk and a round of removals every cleanResourceInterval.

    A step removes one file; a round has a step for each.
    """

    first_s = 60.0

    def __init__(
        self, store: MessageStore, clock: Clock, limits: Limits | None = None
    ) -> None:
        super().__init__()
        config = store.config
        self._store, self._clock = store, clock
        hours_of(config.delete_when)  # be told now of what cannot be used
        self._limits = limits or Limits()
        self._between_s = config.clean_resource_interval / 1000
        self._removals = self._round()
        self._retry_ms = 0
        self._is_asked = False

    def clean_now(self) -> None:
        """Have a round come at once that removes what is old, whatever the hour."""
        self._is_asked, self._removals = True, self._round()
        self.wake()

    async def step(self) -> None:
        """Look at the disk, and remove the next file if one may go.

        Raises:
            StoreError: one could not be removed; redeleteHangedFileInterval has to
                pass before that is tried again.
        """
        self._look()
        self.interval_s = self._between_s
        now_ms = self._clock.now_ms()
        if now_ms < self._retry_ms:
            return
        try:
            pause_s = next(self._removals, None)
        except StoreError:
            hanged_ms = self._store.config.redelete_hanged_file_interval
            self._removals, self._retry_ms = self._round(), now_ms + hanged_ms
            raise
        if pause_s is None:
            self._removals = self._round()
        else:
            self.interval_s = pause_s

    def _look(self) -> DiskState:
        use = self._store.disk_use()
        state = judge(use, self._store.config, self._limits)
        is_full = state is DiskState.FULL
        if is_full and not self._store.is_disk_full:
            log.error("disk full, sends are refused used=[%s]", use)
        elif self._store.is_disk_full and not is_full:
            log.info("disk has room again used=[%s]", use)
        self._store.is_disk_full = is_full
        return state

    def _round(self) -> Iterator[float]:
        """Remove what may go; yield after each file how long to pause."""
        store, config = self._store, self._store.config
        for _ in range(MOST_A_ROUND):
            if not self._oldest_may_go():
                break
            removed = store.log.start
            store.drop_oldest_log_file()
            log.info("log file removed from=%d to=%d", removed, store.log.start)
            yield config.delete_commit_log_files_interval / 1000
        self._is_asked = False
        for _ in store.queues.drop_before(store.log.start):
            yield config.delete_consume_queue_files_interval / 1000
        store.index.drop_before(store.log.start)

    def _oldest_may_go(self) -> bool:
        if len(self._store.log.files.file_starts) < 2:
            return False
        hours = hours_of(self._store.config.delete_when)
        return may_remove(
            self._store.log.followed_ms(),
            self._clock.now_ms(),
            self._look(),
            self._store.config,
            is_hour=self._is_asked or self._clock.hour() in hours,
        )
