"""A member's share of a topic's queues, and how each of them comes and goes.

    assigned ──▶ [locked] ──▶ begun ──▶ dropped ──▶ what was begun is done ──▶ saved
                               ▲  │                                              │
               elsewhere in it └──┘                              [unlocked] ◀────┘

A queue that was dropped is not begun again before all that is over.  Locks are for
orderly consumers only.

Source: RebalanceImpl.updateProcessQueueTableInRebalance, RebalancePushImpl.java,
MQClientInstance.resetOffset, release 4.9.7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from rmqlab.client.concurrently import Concurrently
from rmqlab.client.finishing import finish
from rmqlab.client.instance import ClientInstance
from rmqlab.client.listener import Listener
from rmqlab.client.locks import Locks
from rmqlab.client.member import Member
from rmqlab.client.offsets import GroupOffsets
from rmqlab.client.orderly import Orderly
from rmqlab.client.process_queue import ProcessQueue
from rmqlab.client.puller import Puller
from rmqlab.protocol.message import MessageQueue, StoredMessage


class Share:
    """The queues of one member, their windows, and who works on them."""

    def __init__(
        self,
        instance: ClientInstance,
        member: Member,
        offsets: GroupOffsets,
        listener: Listener,
        *,
        is_orderly: bool,
        is_broadcast: bool,
    ) -> None:
        self._instance, self._offsets = instance, offsets
        self._wanted = member.subscriptions
        self.windows: dict[MessageQueue, ProcessQueue] = {}
        self.locks: Locks | None = None
        if is_orderly and not is_broadcast:
            self.locks = Locks(instance, member.group, self._lost)
        self._leaving: set[MessageQueue] = set()
        """Queues that were dropped and are not yet another's."""
        self._tasks: set[asyncio.Task[None]] = set()
        work = instance, member.group, listener, self._done
        self._consuming: Orderly | Concurrently
        if is_orderly:
            self._consuming = Orderly(*work, self.locks)
        else:
            self._consuming = Concurrently(*work, is_broadcast=is_broadcast)
        self._puller = Puller(
            instance,
            member.group,
            offsets,
            member.subscriptions,
            self._consuming.take,
            self.move,
            is_orderly=is_orderly,
        )

    def start(self) -> None:
        """Be ready for queues."""
        self._consuming.start()
        if self.locks:
            self.locks.start()

    async def close(self) -> None:
        """Pull no more, let listeners finish, save the offsets, give locks back.

        A listener that is not done in awaitTerminateMillisWhenShutdown is cancelled;
        its message comes again.
        """
        wait_s = self._instance.config.await_terminate_millis_when_shutdown / 1000
        deadline = asyncio.get_running_loop().time() + wait_s
        if self.locks:
            await self.locks.stop()
        await finish(self._tasks, deadline)
        left = list(self.windows.values())
        self.windows.clear()
        for window in left:
            self._puller.end(window.queue)
        await self._consuming.stop(deadline)
        for window in left:
            window.is_dropped = True
        await self._offsets.save_all()
        if self.locks:
            await self.locks.give_back(list(self.locks.locked_ms))

    def suspend(self) -> None:
        """Pull no more for a while; what was pulled is consumed."""
        self._puller.may_pull.clear()

    def resume(self) -> None:
        """Pull again."""
        self._puller.may_pull.set()

    async def assign(self, topic: str, share: set[MessageQueue]) -> None:
        """Have these queues of a topic and no others."""
        mine = {queue for queue in self.windows if queue.topic == topic}
        for queue in sorted(mine - share):
            self.track(self._hand_over(self._drop(queue)))
        new = sorted(share - mine - self._leaving)
        if self.locks:
            new = await self.locks.take(new)
            if topic not in self._wanted:  # unsubscribed meanwhile
                await self.locks.give_back(new)
                return
        for queue in new:
            self._begin(queue)

    def move(self, queue: MessageQueue, offset: int) -> None:
        """Go on elsewhere in a queue of ours; what was pulled of it counts no more."""
        self.track(self._go_on(self._drop(queue), offset))

    def track(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work that is waited for at the end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _begin(self, queue: MessageQueue, offset: int | None = None) -> None:
        """Begin with a queue at `offset`, else at where the group is."""
        window = ProcessQueue(queue, self._instance.clock.now_ms())
        self.windows[queue] = window
        self._consuming.begin(window)
        self._puller.begin(window, offset)

    def _drop(self, queue: MessageQueue) -> ProcessQueue:
        """Have a queue no more; what was begun of it is not done yet."""
        self._puller.end(queue)
        self._leaving.add(queue)
        return self.windows.pop(queue)

    async def _hand_over(self, window: ProcessQueue) -> None:
        """Let another member have a queue, and know how far we came."""
        await self._consuming.end(window)
        await self._offsets.save(window.queue)
        self._offsets.forget(window.queue)
        if self.locks:
            await self.locks.give_back([window.queue])
        self._leaving.discard(window.queue)

    def _lost(self, queue: MessageQueue) -> None:
        """A lock was lost: another may have come further, so nothing is saved."""
        if queue in self.windows:
            self.track(self._forget(self._drop(queue)))

    async def _forget(self, window: ProcessQueue) -> None:
        await self._consuming.end(window)
        self._offsets.forget(window.queue)
        self._leaving.discard(window.queue)

    async def _go_on(self, window: ProcessQueue, offset: int) -> None:
        await self._consuming.end(window)
        self._offsets.update(window.queue, offset)
        await self._offsets.save(window.queue)
        self._leaving.discard(window.queue)
        if self.locks is None or window.queue in self.locks.locked_ms:
            self._begin(window.queue, offset)

    def _done(self, message: StoredMessage, window: ProcessQueue) -> None:
        """A message needs to come no more."""
        if not window.is_dropped:
            now_ms = self._instance.clock.now_ms()
            self._offsets.update(window.queue, window.done(message, now_ms))
