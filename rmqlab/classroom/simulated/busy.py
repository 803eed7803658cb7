"""A consumer whose listener takes its time, and does not always succeed.

It tells when it begins with a message and when it is done (`history.turns`), by the
topic in which the message lies: a message that comes again lies in the retry topic.
"""

from __future__ import annotations

import asyncio
from random import Random

from rmqlab.classroom.flow import Reader, Record
from rmqlab.client.listener import Consumed
from rmqlab.client.place import Place
from rmqlab.protocol.message import RETRY_PREFIX, RETRY_TOPIC, StoredMessage
from rmqlab.settings import ClientConfig

TAKES_S = {0.0: 12, 0.02: 60, 0.3: 20, 3.0: 7, 25.0: 1}
"""How long a listener may take at most, and how often it is one of these."""
FAILS = 0.1
"""How often it does not succeed."""
MOST_FAILURES = 2
"""Of one message."""


class BusyReader(Reader):
    """A member of a group, orderly or not, that decides by dice."""

    def __init__(
        self,
        client: str,
        group: str,
        topic: str,
        name_servers: str,
        record: Record,
        config: ClientConfig | None = None,
        place: Place | None = None,
        *,
        is_orderly: bool,
        dice: Random,
    ) -> None:
        member = client, group, topic, name_servers, record, config, place
        super().__init__(*member, is_orderly=is_orderly)
        self._dice = dice

    async def _consume(self, message: StoredMessage) -> Consumed:
        facts = self._facts(message)
        if RETRY_TOPIC in message.properties:
            facts["topic"] = RETRY_PREFIX + self.group
        self._record("begun", **facts)
        (most_s,) = self._dice.choices(list(TAKES_S), list(TAKES_S.values()))
        await asyncio.sleep(self._dice.uniform(0.0, most_s))
        times = message.reconsume_times
        if times < MOST_FAILURES and self._dice.random() < FAILS:
            self._record("later", **facts)
            return Consumed.RECONSUME_LATER
        self._record("consumed", **facts)
        return Consumed.SUCCESS
