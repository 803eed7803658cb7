"""Offsets of a member that broadcasts, in a file of its own.

    ~/.rocketmq_offsets/HOST@INSTANCE/kitchen/offsets.json
    {"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:7}}

Every member has every message, so nobody else can know how far this one is.  A member
finds them again only where its host and its instance's name are the same.

Source: LocalFileOffsetStore.java, OffsetSerializeWrapper.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from rmqlab.client.instance import ClientInstance
from rmqlab.errors import StoreError, WireError
from rmqlab.protocol import fastjson
from rmqlab.protocol.bodies import queue_key, queue_of
from rmqlab.protocol.message import MessageQueue

log = logging.getLogger(__name__)


class LocalOffsets:
    """The file, and what is in it; it is read when first asked for."""

    def __init__(self, instance: ClientInstance, group: str) -> None:
        folder = instance.config.local_offset_store_dir
        self.path = f"{folder}/{instance.client_id}/{group}/offsets.json"
        self._files = instance.place.files
        self._offsets: dict[MessageQueue, int] | None = None

    async def read(self, queue: MessageQueue) -> int | None:
        """Return a queue's offset, None where the file has none.

        Raises:
            StoreError: neither the file nor its backup can be read.
        """
        return self._table().get(queue)

    async def write(self, offsets: Mapping[MessageQueue, int]) -> None:
        """Write them to the file, beside those that are in it."""
        try:
            table = self._table()
            table |= offsets
            named = {queue_key(queue): table[queue] for queue in sorted(table)}
            text = fastjson.dumps({"offsetTable": named}, pretty=True)
            self._files.replace_text(self.path, text)
        except StoreError as error:
            log.warning("offsets not saved: %s", error)

    def _table(self) -> dict[MessageQueue, int]:
        if self._offsets is None:
            try:
                self._offsets = self._load(self.path)
            except WireError as error:
                log.warning("offsets not read, so the backup is path=%s", self.path)
                try:
                    self._offsets = self._load(f"{self.path}.bak")
                except WireError:
                    raise StoreError(
                        f"{self.path} and its backup are no offsets ({error}); "
                        "without them consumption begins as if for the first time"
                    ) from error
        return self._offsets

    def _load(self, path: str) -> dict[MessageQueue, int]:
        text = self._files.read_text(path)
        if text is None:
            return {}
        try:
            table = fastjson.loads(text)["offsetTable"]
            return {queue_of(key): int(offset) for key, offset in table.items()}
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise WireError(f"no offsetTable: {text:.80}") from error
