"""The handlers of what the members of a group share, built together."""

from __future__ import annotations

from rmqlab.broker.call import Tell
from rmqlab.broker.handlers.group import GroupHandler
from rmqlab.broker.handlers.locks import LockHandler
from rmqlab.broker.handlers.offsets import OffsetHandler
from rmqlab.broker.memory import Memory
from rmqlab.store.store import MessageStore


def membership(memory: Memory, store: MessageStore, tell: Tell) -> tuple[object, ...]:
    """Return them: who belongs to a group, which queues are whose, how far it is."""
    return (
        GroupHandler(memory, tell),
        LockHandler(memory),
        OffsetHandler(memory, store),
    )
