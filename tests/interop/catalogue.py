"""What lies in a store, what a client is told of it, and what it must be told.

A message here is a dict as LineClient prints it: see `seen`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import zlib
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.message import (
    SCHEDULE_TOPIC,
    java_hash,
    keys_of,
    offset_msg_id,
    plain_body,
    split_properties,
)
from rmqlab.protocol.record import Record
from rmqlab.store.index_file import key_hash
from tests.interop.line_client import LineClient
from tests.interop.real import BROKER_NAME
from tests.support import HOST

Seen = dict[str, Any]

ONE_FILE = 300
"""Entries of a queue's file.  RocketMQ looks for a time in one file only, which it
chooses by when the files were last written: only where there is one is the answer
sure."""
HOURS = {"17": 1, "18": 2}
"""By delay level."""
TIMES = 60
KEYS = 500
"""Each is a round trip, and there are some twenty thousand."""


def seen(record: Record) -> Seen:
    """Return a record as the Java client prints it."""
    body = plain_body(record.body, record.sys_flag)
    return {
        "topic": record.topic,
        "queue": record.queue_id,
        "offset": record.queue_offset,
        "at": record.physical_offset,
        "size": record.size,
        "flag": record.flag,
        "sysFlag": int(record.sys_flag),
        "born": record.born_timestamp,
        "bornHost": list(record.born_host),
        "stored": record.store_timestamp,
        "storeHost": list(record.store_host),
        "reconsumed": record.reconsume_times,
        "prepared": record.prepared_offset,
        "crc": zlib.crc32(record.body) & 0x7FFFFFFF,
        "properties": split_properties(record.properties.decode()),
        "body": hashlib.sha256(body).hexdigest(),
    }


def in_order(messages: Iterable[Seen]) -> list[Seen]:
    """Return messages in the order of the log, IPv6 hosts as Python writes them."""
    for one in messages:
        host, port = one["bornHost"]
        one["bornHost"] = [str(ipaddress.ip_address(host)), port]
    return sorted(messages, key=lambda one: one["at"])


class Catalogue:
    """What must be told of these messages, by questions."""

    def __init__(self, topics: dict[str, int], messages: list[Seen]) -> None:
        self.topics, self.messages = topics, messages
        self.queued = [one for one in messages if not _kind(one) & 4]
        self._queues: dict[tuple[str, int], list[Seen]] = defaultdict(list)
        for one in self.queued:
            self._queues[one["topic"], one["queue"]].append(one)

    def bounds(self) -> dict[str, list[list[Any]]]:
        """Return broker, number, first and next offset of each queue of a topic."""
        return {
            topic: [
                [BROKER_NAME, number, 0, len(self._queues[topic, number])]
                for number in range(count)
            ]
            for topic, count in self.topics.items()
        }

    def tagged(self, topic: str, tag: str) -> list[Seen]:
        """Return the messages of a topic's queues that have a tag."""
        named = [one for one in self.queued if one["topic"] == topic]
        return [one for one in named if one["properties"].get("TAGS") == tag]

    def entries(self) -> dict[tuple[str, int], list[tuple[int, int, int]]]:
        """Return what each queue's entries hold: place, size, tag hash or due time."""
        return {
            queue: [(one["at"], one["size"], _code(one)) for one in messages]
            for queue, messages in self._queues.items()
        }

    def keys(self) -> list[tuple[str, str, int]]:
        """Return topic, key and place for each key of each message that has any."""
        return [
            (one["topic"], key, one["at"])
            for one in self.messages
            if _kind(one) != SysFlag.TRANSACTION_ROLLBACK
            for key in keys_of(one["properties"])
        ]

    def index_entries(self) -> list[tuple[int, int]]:
        """Return hash and place for each of them."""
        return [(key_hash(topic, key), at) for topic, key, at in self.keys()]

    def by_key(self) -> dict[tuple[str, str], list[int]]:
        """Return where the messages with a key are, for a good sample of the keys."""
        unique = {one["properties"].get("UNIQ_KEY") for one in self.messages}
        found = defaultdict(list)
        for topic, key, at in self.keys():
            if key not in unique:
                found[topic, key].append(at)
        return dict(_sample(list(found.items()), KEYS))

    def by_unique_key(self) -> dict[tuple[str, str], Seen]:
        """Return the message with a unique id, for a good sample."""
        keyed = [
            one
            for one in self.messages
            if "UNIQ_KEY" in one["properties"]
            and _kind(one) != SysFlag.TRANSACTION_ROLLBACK
        ]
        last = {(one["topic"], one["properties"]["UNIQ_KEY"]): one for one in keyed}
        return dict(_sample(list(last.items()), KEYS))

    def unqueued(self) -> list[Seen]:
        """Return the messages that only their offset in the log leads to."""
        return [one for one in self.messages if _kind(one) & 4]

    def times(self) -> dict[tuple[str, int, int], int]:
        """Return the queue offset nearest to a time, for times that leave no doubt."""
        found = {}
        for (topic, queue), messages in self._queues.items():
            if not messages or len(messages) > ONE_FILE:
                continue
            first, last = messages[0], messages[-1]
            found[topic, queue, first["stored"] - 500] = first["offset"]
            found[topic, queue, last["stored"] + 500] = last["offset"]
            for before, after in pairwise(messages):
                apart = after["stored"] - before["stored"]
                if apart > 3 and after["offset"] % 7 == 0:
                    found[topic, queue, before["stored"] + 1] = before["offset"]
                    found[topic, queue, after["stored"] - 1] = after["offset"]
        return dict(_sample(list(found.items()), TIMES))


def _kind(message: Seen) -> int:
    return int(message["sysFlag"] & SysFlag.TRANSACTION_ROLLBACK)


def _code(message: Seen) -> int:
    """Return the hash of a message's tag, or when it is due."""
    level, tag = message["properties"].get("DELAY"), message["properties"].get("TAGS")
    if message["topic"] == SCHEDULE_TOPIC:
        return int(message["stored"]) + HOURS[level] * 3_600_000
    return java_hash(tag) if tag else 0


def _sample(rows: list[Any], most: int) -> list[Any]:
    return rows[:: max(1, -(-len(rows) // most))]


class Told:
    """What a client is told, in answer to the same questions."""

    def __init__(self, client: LineClient, port: int, asked: Catalogue) -> None:
        self._client, self._port, self._asked = client, port, asked

    async def _each(self, do: str, rows: Iterable[dict[str, Any]]) -> list[Any]:
        return await self._client.ask_all({"do": do, **row} for row in rows)

    async def bounds(self) -> dict[str, list[list[Any]]]:
        """Ask for the queues of each topic and their offsets."""
        topics = list(self._asked.topics)
        answers = await self._each("queues", ({"topic": one} for one in topics))
        return dict(zip(topics, map(sorted, answers), strict=True))

    async def messages(self) -> list[Seen]:
        """Read every queue from its first offset to its last."""
        return await self._read(self._asked.topics)

    async def tagged(self, topic: str, tag: str) -> list[Seen]:
        """Read only what has a tag: the broker finds it by the hash in the queue."""
        return await self._read([topic], tags=tag)

    async def _read(self, topics: Iterable[str], **how: str) -> list[Seen]:
        bounds = self._asked.bounds()
        rows = [
            {"topic": topic, "broker": broker, "queue": queue, "from": low, "to": high}
            for topic in topics
            for broker, queue, low, high in bounds[topic]
        ]
        answers = await self._each("read", ({**row, **how} for row in rows))
        return in_order([one for answer in answers for one in answer])

    async def by_key(self) -> dict[tuple[str, str], list[int]]:
        """Ask for the messages of each key."""
        keys = list(self._asked.by_key())
        rows = ({"topic": topic, "key": key} for topic, key in keys)
        answers = await self._each("key", rows)
        return dict(zip(keys, map(sorted, answers), strict=True))

    async def by_unique_key(self) -> dict[tuple[str, str], Seen]:
        """Ask for the message of each unique id."""
        keys = list(self._asked.by_unique_key())
        rows = ({"topic": topic, "key": key} for topic, key in keys)
        answers = await self._each("unique", rows)
        in_order(filter(None, answers))
        return dict(zip(keys, answers, strict=True))

    async def unqueued(self) -> list[Seen]:
        """Ask for the messages in no queue, by their offset in the log."""
        where = (HOST, self._port)
        wanted = self._asked.unqueued()
        rows = ({"id": offset_msg_id(where, one["at"])} for one in wanted)
        return in_order(await self._each("view", rows))

    async def times(self) -> dict[tuple[str, int, int], int]:
        """Ask for the offset of each time."""
        keys = list(self._asked.times())
        rows = (
            {"topic": topic, "broker": BROKER_NAME, "queue": queue, "ms": ms}
            for topic, queue, ms in keys
        )
        return dict(zip(keys, await self._each("at", rows), strict=True))


async def check(client: LineClient, port: int, known: Catalogue) -> None:
    """Check everything that a client can be told of the messages of a store."""
    told = Told(client, port, known)
    assert await told.bounds() == known.bounds()
    assert await told.messages() == known.queued
    assert await told.unqueued() == known.unqueued()
    assert await told.tagged("long", "Stornö") == known.tagged("long", "Stornö") != []
    assert await told.by_key() == known.by_key()
    assert await told.by_unique_key() == known.by_unique_key()
    assert await told.times() == known.times()
