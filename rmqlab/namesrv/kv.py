"""Key-value settings by namespace: the only thing that a name server keeps.

    namespace ──► key ──► value         kvConfig.json, written anew at every change

mqadmin writes the same to every name server.  One namespace means something to
RocketMQ itself: ORDER_TOPIC_CONFIG has a topic's brokers and their queues, in an order
that does not change when one of them is down (``broker-a:4;broker-b:4``).

Source: KVConfigManager.java, NamesrvUtil.java, release 4.9.7.
"""

from __future__ import annotations

import logging

from rmqlab.errors import Refused, StoreError, WireError
from rmqlab.protocol import fastjson
from rmqlab.protocol.codes import ResponseCode
from rmqlab.store.disk import Disk

log = logging.getLogger(__name__)

ORDER_TOPIC_CONFIG = "ORDER_TOPIC_CONFIG"
LARGEST_CHARS = 16 * 1024 * 1024
"""Of the file's text: a namespace must fit into the frame that lists it."""

Namespaces = dict[str, dict[str, str]]


class KvTable:
    """The table and its file; without a disk it is forgotten with the process."""

    def __init__(self, path: str, disk: Disk | None = None) -> None:
        self._path, self._disk = path, disk
        self._table: Namespaces = {}

    def load(self) -> None:
        """Read the file, or its backup where a crash left it unreadable.

        Raises:
            StoreError: it cannot be read, or neither is a table; RocketMQ does not
                start with such a file either.
        """
        if self._disk is None:
            return
        why = None
        for path in (self._path, f"{self._path}.bak"):
            try:
                if text := self._disk.read_text(path):
                    self._table = _namespaces(text)
                    return
            except (WireError, UnicodeDecodeError) as error:
                why = why or f"cannot use {path}: {error}"
        if why:
            raise StoreError(why)

    def get(self, namespace: str, key: str) -> str | None:
        """Return the value."""
        return self._table.get(namespace, {}).get(key)

    def namespace(self, name: str) -> dict[str, str] | None:
        """Return all keys of a namespace; None where nothing was ever put into it."""
        return self._table.get(name)

    def put(self, namespace: str, key: str, value: str) -> None:
        """Keep a value, and write the file.

        Raises:
            Refused: SYSTEM_ERROR; there would be more than `LARGEST_CHARS`.
        """
        changed = {**self._table.get(namespace, {}), key: value}
        table = {**self._table, namespace: changed}
        text = _text(table)
        if len(text) > LARGEST_CHARS:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"no room for {key} in {namespace}: with it the key-value settings "
                f"would have {len(text)} characters, allowed {LARGEST_CHARS}",
            )
        self._table = table
        self._write(text)

    def delete(self, namespace: str, key: str) -> None:
        """Keep it no longer, and write the file; an empty namespace stays."""
        self._table.get(namespace, {}).pop(key, None)
        self._write(_text(self._table))

    def _write(self, text: str) -> None:
        """Write the file; as in RocketMQ nobody is told that the disk refused."""
        if self._disk is None:
            return
        try:
            self._disk.replace_text(self._path, text)
        except StoreError as error:
            log.error("key-value settings not saved: %s", error)  # noqa: TRY400


def _text(table: Namespaces) -> str:
    return fastjson.dumps({"configTable": table})


def _namespaces(text: str) -> Namespaces:
    found = fastjson.loads(text)
    table = found.get("configTable") if isinstance(found, dict) else None
    if not isinstance(table, dict) or not all(map(_is_texts, table.values())):
        raise WireError(f"no table of key-value settings: {text[:80]!r}")
    return table


def _is_texts(pairs: object) -> bool:
    return isinstance(pairs, dict) and all(
        isinstance(one, str) for pair in pairs.items() for one in pair
    )
