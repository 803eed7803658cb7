"""A message as a sheet, and its body in a file.

Source: QueryMsgByIdSubCommand.printMsg, release 4.9.7.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rmqlab.client.pull import PullResult
from rmqlab.mqadmin.command import Said
from rmqlab.mqadmin.java import map_text, value_text
from rmqlab.mqadmin.times import moment
from rmqlab.protocol.message import StoredMessage

BODIES = "rocketmq", "msgbodys"
"""Where bodies are written to, below the folder for temporary files."""

MIN_OFFSET, MAX_OFFSET = "MIN_OFFSET", "MAX_OFFSET"

FILE_NAME = re.compile(r"[0-9A-Za-z_-]{1,128}")


@dataclass(frozen=True, slots=True)
class MessageSheet(Said):
    """All of a message; `body_path` is the file that has its body."""

    NAME = "messages"
    msg_id: str
    offset_id: str
    topic: str
    tags: str | None
    keys: str | None
    queue_id: int
    queue_offset: int
    commit_log_offset: int
    reconsume_times: int
    born_timestamp: int
    store_timestamp: int
    born_host: str
    store_host: str
    system_flag: int
    properties: Mapping[str, str]
    body: str
    body_path: str
    with_offset_id: bool

    @classmethod
    def of(cls, message: StoredMessage, *, with_offset_id: bool = True) -> MessageSheet:
        """Write the body to its file and return the sheet."""
        return cls(
            message.msg_id,
            message.offset_msg_id,
            message.topic,
            message.tags,
            message.keys,
            message.queue_id,
            message.queue_offset,
            message.physical_offset,
            message.reconsume_times,
            message.born_timestamp,
            message.store_timestamp,
            "{}:{}".format(*message.born_host),
            "{}:{}".format(*message.store_host),
            message.sys_flag,
            message.properties,
            message.body.decode("utf-8", "replace"),
            str(_written(message)),
            with_offset_id,
        )

    def __str__(self) -> str:
        """Return a line for each part, and an empty one."""
        return "\n".join(f"{f'{name}:':<20} {part}" for name, part in self._parts())

    def _parts(self) -> Iterator[tuple[str, object]]:
        if self.with_offset_id:
            yield "OffsetID", self.offset_id
        yield "Topic", self.topic
        yield "Tags", f"[{value_text(self.tags)}]"
        yield "Keys", f"[{value_text(self.keys)}]"
        yield "Queue ID", self.queue_id
        yield "Queue Offset", self.queue_offset
        yield "CommitLog Offset", self.commit_log_offset
        yield "Reconsume Times", self.reconsume_times
        yield "Born Timestamp", moment(self.born_timestamp)
        yield "Store Timestamp", moment(self.store_timestamp)
        yield "Born Host", self.born_host
        yield "Store Host", self.store_host
        yield "System Flag", self.system_flag
        yield "Properties", map_text(self.properties)
        yield "Message Body Path", self.body_path


def pulled(result: PullResult) -> list[StoredMessage]:
    """Return what a pull found, with the two properties that RocketMQ's client adds."""
    ends = {MIN_OFFSET: str(result.min_offset), MAX_OFFSET: str(result.max_offset)}
    return [
        replace(one, properties={**ends, **one.properties}) for one in result.messages
    ]


def _written(message: StoredMessage) -> Path:
    """Write a message's body to the file of its id and return that.

    A sender chooses its messages' ids: one that is no file's name is not taken for it.
    """
    is_name = FILE_NAME.fullmatch(message.msg_id)
    name = message.msg_id if is_name else message.offset_msg_id
    folder = Path(tempfile.gettempdir()).joinpath(*BODIES)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    # Others may write to the folder: what lies there may be a link of theirs.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(message.body)
    return path
