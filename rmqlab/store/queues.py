"""All consume queues of a store, by topic and number.

Source: DefaultMessageStore.loadConsumeQueue and findConsumeQueue, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Iterator

from rmqlab.errors import StoreError
from rmqlab.store.consume_queue import ConsumeQueue, Placed, QueueEntry
from rmqlab.store.disk import Disk
from rmqlab.store.file_pool import FilePool
from rmqlab.store.layout import PAGE_BYTES, StorePaths


class ConsumeQueues:
    """Where each message of each queue lies in the log."""

    def __init__(
        self, disk: Disk, pool: FilePool, paths: StorePaths, file_size: int
    ) -> None:
        self._disk, self._pool, self._paths = disk, pool, paths
        self._file_size = file_size
        self._queues: dict[tuple[str, int], ConsumeQueue] = {}
        self._grown: dict[tuple[str, int], ConsumeQueue] = {}
        """Those that may not be flushed."""
        self.log_start = 0
        """Where the log begins; each queue follows when it is asked for."""

    def load(self) -> None:
        """Find the files that are there, and the end of each queue.

        Raises:
            StoreError: a folder is no queue, a file is none of these settings, or the
                disk refused.
        """
        for topic in self._disk.names(self._paths.consume_queues):
            folder = f"{self._paths.consume_queues}/{topic}"
            for queue_id in self._disk.names(folder):
                if not (queue_id.isascii() and queue_id.isdecimal()):
                    raise StoreError(
                        f"{folder}/{queue_id} is no queue: move it elsewhere"
                    )
                queue = self._made(topic, int(queue_id))
                queue.files.load()
                queue.recover()

    def _made(self, topic: str, queue_id: int) -> ConsumeQueue:
        folder = self._paths.consume_queue(topic, queue_id)
        queue = ConsumeQueue(self._disk, self._pool, folder, self._file_size)
        self._queues[topic, queue_id] = queue
        return queue

    def find(self, topic: str, queue_id: int) -> ConsumeQueue | None:
        """Return a queue that has or had a message."""
        queue = self._queues.get((topic, queue_id))
        if queue:
            queue.find_min(self.log_start)
        return queue

    def items(self) -> Iterator[tuple[tuple[str, int], ConsumeQueue]]:
        """Yield all queues that have or had a message."""
        for key, queue in self._queues.items():
            queue.find_min(self.log_start)
            yield key, queue

    def __iter__(self) -> Iterator[ConsumeQueue]:
        """Yield the queues; some may join meanwhile."""
        return iter(list(self._queues.values()))

    def put(self, topic: str, queue_id: int, placed: list[Placed]) -> list[Placed]:
        """Add messages' entries to their queue; see `ConsumeQueue.put`.

        Raises:
            DiskFull, StoreError: offer them again, some may have been added.
        """
        queue = self._queues.get((topic, queue_id)) or self._made(topic, queue_id)
        self._grown[topic, queue_id] = queue
        return queue.put(placed)

    def drop(self, key: tuple[str, int]) -> None:
        """Remove a queue and its files.

        Raises:
            StoreError: the disk refused; call again.
        """
        self._queues[key].files.drop_all()
        del self._queues[key]
        self._grown.pop(key, None)

    def min_offset(self, topic: str, queue_id: int) -> int:
        """Return the offset of the oldest message of a queue; 0 for an unknown one."""
        queue = self.find(topic, queue_id)
        return queue.min_offset if queue else 0

    def max_offset(self, topic: str, queue_id: int) -> int:
        """Return the offset that the next readable message of a queue will have."""
        queue = self.find(topic, queue_id)
        return queue.max_offset if queue else 0

    def drop_before(self, log_start: int) -> Iterator[None]:
        """Remove the files that know only of what was before `log_start`.

        One at a time: yield after each.

        Raises:
            StoreError: the disk refused; begin anew.
        """
        for queue in self:
            while queue.drop_before(log_start):
                yield

    def count_before(self, log_offset: int) -> int:
        """Return how many messages the queues have, or had, before a log offset.

        Had, too, that a queue of which only the end is there counts from 0 on.
        """
        return sum(queue.count_before(log_offset) for queue in self)

    @property
    def last(self) -> QueueEntry | None:
        """Of the newest message in any queue."""
        found = (queue.last for queue in self if queue.last)
        return max(found, default=None)

    @property
    def log_end(self) -> int:
        """Where in the log the newest message in any queue ends; -1 without any."""
        return max((queue.log_end for queue in self), default=-1)

    def cut_log(self, log_end: int) -> bool:
        """Forget the records that end beyond `log_end`; return whether there were any.

        Raises:
            StoreError: the disk refused.
        """
        longer = [queue for queue in self if queue.cut_log(log_end)]
        return bool(longer)

    async def flush(self, least_pages: int = 0) -> bool:
        """Flush each queue with at least these new pages; return whether all are.

        Raises:
            DiskFull, StoreError: the disk refused; call again later.
        """
        for key, queue in list(self._grown.items()):
            if queue.files.end - queue.files.flushed >= least_pages * PAGE_BYTES:
                await queue.files.flush()
            is_same = self._grown.get(key) is queue  # else dropped meanwhile
            if is_same and queue.files.flushed == queue.files.end:
                del self._grown[key]
        return not self._grown
