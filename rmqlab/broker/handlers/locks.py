"""Queues that a client wants for itself, to consume them in order.

A slave has locks of its own: only who asks it gets them, and no client does.

Source: AdminBrokerProcessor.lockBatchMQ and unlockBatchMQ, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.broker.call import Answer, Call
from rmqlab.broker.memory import Memory
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.grouping import LockBatch, UnlockBatch
from rmqlab.protocol.queue_bodies import LockRequest, locked


class LockHandler:
    """Gives locks and takes them back."""

    def __init__(self, memory: Memory) -> None:
        self._locks = memory.locks

    def lock(self, _: LockBatch, call: Call) -> Answer:
        """Lock queues, or renew their locks; return those that the client has now.

        Raises:
            WireError: the body is no request for locks.
        """
        asked = LockRequest.from_json(fastjson.loads(call.frame.body))
        group, client_id = asked.consumer_group, asked.client_id
        had = self._locks.lock(group, client_id, asked.queues, call.now_ms)
        return call.answer(body=bodies.encode(locked(had)))

    def unlock(self, _: UnlockBatch, call: Call) -> Answer:
        """Take locks back.

        Raises:
            WireError: the body is no request about locks.
        """
        asked = LockRequest.from_json(fastjson.loads(call.frame.body))
        self._locks.unlock(asked.consumer_group, asked.client_id, asked.queues)
        return call.answer()
