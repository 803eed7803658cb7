"""Where the store's files are, how they are named, and what an entry measures.

    ROOT/commitlog/00000000000000000000        named by the offset of its first byte
    ROOT/consumequeue/TOPIC/QUEUE/000000000…   likewise, in the queue's own bytes
    ROOT/index/20251128060000000               named by the time of its making, UTC
    ROOT/config/topics.json, …                 the broker's tables
    ROOT/checkpoint, ROOT/abort, ROOT/lock

Source: StorePathConfigHelper.java, BrokerPathConfigHelper.java, UtilAll.java, 4.9.7.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

QUEUE_ENTRY = struct.Struct(">qiq")
"""Of a consume queue: log offset, record size, tag hash."""

NAME_DIGITS = 20
PAGE_BYTES = 4096
"""The settings for flushing count in pages."""


def file_name(offset: int) -> str:
    """Return the name of the file whose first byte has this offset."""
    return f"{offset:0{NAME_DIGITS}d}"


@dataclass(frozen=True)
class StorePaths:
    """The paths below one storePathRootDir.

    As in RocketMQ only the commit log may lie elsewhere; the keys that promise the
    same for queues, index, checkpoint and abort file are read by no release.
    """

    root: str
    commit_log_dir: str = ""

    @property
    def commit_log(self) -> str:
        """The commit log's folder."""
        return self.commit_log_dir or f"{self.root}/commitlog"

    @property
    def consume_queues(self) -> str:
        """The folder of all consume queues."""
        return f"{self.root}/consumequeue"

    def consume_queue(self, topic: str, queue_id: int) -> str:
        """Return the folder of one consume queue."""
        return f"{self.consume_queues}/{topic}/{queue_id}"

    @property
    def index(self) -> str:
        """The folder of the index files."""
        return f"{self.root}/index"

    @property
    def checkpoint(self) -> str:
        """The checkpoint file."""
        return f"{self.root}/checkpoint"

    @property
    def abort(self) -> str:
        """The file that exists while a broker runs."""
        return f"{self.root}/abort"

    @property
    def lock(self) -> str:
        """The file that a running broker holds locked."""
        return f"{self.root}/lock"

    def config(self, name: str) -> str:
        """Return the path of one of the broker's tables, such as ``topics.json``."""
        return f"{self.root}/config/{name}"
