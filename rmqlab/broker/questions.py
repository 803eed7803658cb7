"""What a broker asks its clients, over the connections that they opened.

    asker ── request ──► broker ── the same, numbered anew ──► client
    asker ◄── answer ─── broker ◄──────── answer ────────────── client

The broker counts its questions itself: a client's own requests have the client's
numbers.  An answer belongs to the question of its connection and number.

Source: Broker2Client.callClient, NettyRemotingAbstract.invokeSyncImpl, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Hashable

from rmqlab.broker.call import Peer
from rmqlab.errors import Refused
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame

MOST_OPEN = 1000
"""Questions without an answer, of all clients together."""

Then = Callable[[Frame | None], None]
"""Told the answer; None where the time was up or the client hung up."""


class Questions:
    """Those that are not answered yet."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[tuple[Hashable, int], tuple[Then, asyncio.TimerHandle]] = {}

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self._open)

    def ask(self, peer: Peer, question: Frame, limit_s: float, then: Then) -> None:
        """Send a question, under a number of its own; tell `then` what came of it.

        Raises:
            Refused: SYSTEM_BUSY; too many are open.
        """
        if len(self._open) >= MOST_OPEN:
            remark = f"{MOST_OPEN} questions to clients are open, no more may be"
            raise Refused(ResponseCode.SYSTEM_BUSY, remark)
        question.opaque = next(self._numbers) & 0x7FFFFFFF
        key = peer, question.opaque
        loop = asyncio.get_running_loop()
        late = loop.call_later(limit_s, self._end, key, None)
        self._open[key] = then, late
        peer.send(question)

    def answered(self, answer: Frame, connection: Hashable) -> None:
        """Take in an answer; one that nobody waits for is dropped."""
        self._end((connection, answer.opaque), answer)

    def hung_up(self, connection: Hashable) -> None:
        """Wait no more for a client that is gone."""
        for key in [key for key in self._open if key[0] == connection]:
            self._end(key, None)

    def _end(self, key: tuple[Hashable, int], answer: Frame | None) -> None:
        if found := self._open.pop(key, None):
            then, late = found
            late.cancel()
            then(answer)

    def close(self) -> None:
        """Wait for none of them any more."""
        for key in list(self._open):
            self._end(key, None)
