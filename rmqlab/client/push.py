"""A consumer that is called: it pulls, and hands what comes to a listener.

    rebalancer ──▶ our share of the queues ──▶ pull loops ──▶ workers ──▶ listener
                                                                 └──▶ offsets

At least once: an offset is told to the broker every five seconds and at the end, so
after a crash, or when a queue changes hands, some messages come again.

Source: DefaultMQPushConsumerImpl.java, release 4.9.7.
"""

from __future__ import annotations

from typing import Self

from rmqlab.client.allocate import Allocate, averagely
from rmqlab.client.answers import Answers
from rmqlab.client.direct import Direct
from rmqlab.client.instance import ClientInstance
from rmqlab.client.listener import Consumed, Later, Listener
from rmqlab.client.local_offsets import LocalOffsets
from rmqlab.client.member import Member
from rmqlab.client.offsets import ConsumeFrom, GroupOffsets, OffsetSaver
from rmqlab.client.place import Place
from rmqlab.client.rebalance import Rebalancer
from rmqlab.client.share import Share
from rmqlab.protocol.membership import ConsumerData
from rmqlab.protocol.message import RETRY_PREFIX, MessageQueue
from rmqlab.settings import ClientConfig

__all__ = ["Consumed", "Later", "Listener", "PushConsumer"]


BROADCASTING = "BROADCASTING"


class PushConsumer:
    """One member of a consumer group; use it as an async context manager.

    Messages are consumed in any order, up to `consume_concurrency` at once, or, if it
    is `orderly`, each queue's one after the other.  Of a group that is `broadcasting`
    every member has every message; what is not consumed then does not come again.
    `since_ms` is for a `start` at a TIMESTAMP.
    """

    def __init__(
        self,
        group: str,
        name_servers: str,
        listener: Listener,
        config: ClientConfig | None = None,
        *,
        start: ConsumeFrom = ConsumeFrom.LAST_OFFSET,
        since_ms: int | None = None,
        orderly: bool = False,
        broadcasting: bool = False,
        allocate: Allocate = averagely,
        place: Place | None = None,
    ) -> None:
        self.group = group
        at = name_servers, config, place
        self.instance = instance = ClientInstance(*at, is_lasting=broadcasting)
        self.config = instance.config
        data = ConsumerData(group, consume_from_where=start.text)
        if broadcasting:
            data.message_model = BROADCASTING
        self._member = Member(instance, data)
        kept = LocalOffsets(instance, group) if broadcasting else None
        offsets = GroupOffsets(instance, group, start, since_ms=since_ms, kept=kept)
        self._offsets = offsets
        self._saver = OffsetSaver(offsets, self.config)
        how = {"is_orderly": orderly, "is_broadcast": broadcasting}
        self._share = share = Share(instance, self._member, offsets, listener, **how)
        self._rebalancer = Rebalancer(
            instance,
            group,
            lambda: list(self._member.subscriptions),
            share.assign,
            allocate=allocate,
            is_broadcast=broadcasting,
        )
        Answers(instance, self._member, offsets, share, is_orderly=orderly)
        Direct(instance, group, listener, share.track, is_orderly=orderly)

    async def __aenter__(self) -> Self:
        await self.instance.start()
        for part in (self._share, self._rebalancer, self._saver):
            part.start()
        if self._member.data.message_model == BROADCASTING:
            return self
        try:
            await self.subscribe(RETRY_PREFIX + self.group)
        except BaseException:
            # Else it would stay a member that is given queues and pulls none.
            await self.close()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def subscribe(self, topic: str, text: str = "*", kind: str = "TAG") -> None:
        """Begin to consume a topic: ``*``, tags such as ``a || b``, or kind ``SQL92``.

        A topic without a route yet is begun when it has one; see `Member.subscribe`.
        """
        await self._member.subscribe(topic, text, kind)
        self._rebalancer.wake()

    async def unsubscribe(self, topic: str) -> None:
        """Consume a topic no more."""
        await self._share.assign(topic, set())
        await self._member.unsubscribe(topic)

    def suspend(self) -> None:
        """Pull no more for a while; what was pulled already is consumed."""
        self._share.suspend()

    def resume(self) -> None:
        """Pull again."""
        self._share.resume()

    @property
    def queues(self) -> list[MessageQueue]:
        """The queues that this member consumes now, sorted."""
        return sorted(self._share.windows)

    @property
    def waiting(self) -> int:
        """How many messages were pulled and are not consumed yet."""
        return sum(map(len, self._share.windows.values()))

    async def close(self) -> None:
        """Stop pulling, let listeners finish, save the offsets, say goodbye."""
        await self._rebalancer.stop()
        await self._saver.stop()
        await self._share.close()
        await self._member.leave()
        await self.instance.stop()
