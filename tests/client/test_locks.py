"""Locks that are renewed while queues come and go; the whole is in `test_orderly`."""

from __future__ import annotations

from types import SimpleNamespace

from rmqlab.client.locks import Locks
from rmqlab.errors import Unavailable
from rmqlab.protocol.message import MessageQueue

HERE, THERE = (MessageQueue("orders", f"broker-{name}", 0) for name in "ab")


def away(broker_name):
    raise Unavailable(f"{broker_name} has no master")


async def test_a_queue_given_back_while_another_broker_is_asked_is_not_locked_anew(
    monkeypatch,
):
    clock = SimpleNamespace(now_ms=lambda: 0)
    instance = SimpleNamespace(client_id="me", clock=clock, master_of=away)
    locks, asked = Locks(instance, "kitchen", lambda queue: None), []

    async def ask(broker_name, queues):
        asked.append(queues)
        if queues == [HERE]:
            await locks.give_back([THERE])
        return queues

    monkeypatch.setattr(locks, "_ask", ask)
    assert await locks.take([HERE]) == [HERE]
    assert await locks.take([THERE]) == [THERE]
    asked.clear()
    await locks.step()
    assert asked == [[HERE]]
    assert set(locks.locked_ms) == {HERE}
