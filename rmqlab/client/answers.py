"""What brokers ask a consumer: how it does, how far it is, and to go on elsewhere.

An operator asks a broker, and that passes the question on: `mqadmin consumerStatus`,
`mqadmin resetOffsetByTime`.

Not here: to consume one message at once (`direct`).

Source: ClientRemotingProcessor.java, DefaultMQPushConsumerImpl.consumerRunningInfo,
MQClientInstance.resetOffset, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rmqlab.client import stacks
from rmqlab.client.flow_control import MIB
from rmqlab.client.instance import ClientInstance
from rmqlab.client.locks import Locks
from rmqlab.client.offsets import ConsumeFrom, GroupOffsets
from rmqlab.client.process_queue import ProcessQueue
from rmqlab.client.puller import Move
from rmqlab.errors import Refused
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.bodies import queue_key, queue_of
from rmqlab.protocol.codes import CURRENT_VERSION, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.grouping import GetClientStatus, GetRunningInfo, ResetClientOffset
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.message import MessageQueue

UNKNOWN = -1
"""An offset that nobody has told yet."""


class Answers:
    """Answers for one member of a group, out of its own tables."""

    def __init__(
        self,
        instance: ClientInstance,
        group: str,
        start: ConsumeFrom,
        offsets: GroupOffsets,
        subscriptions: Mapping[str, Subscription],
        windows: Mapping[MessageQueue, ProcessQueue],
        move: Move,
        locks: Locks | None = None,
    ) -> None:
        self._instance, self._group, self._start = instance, group, start
        self._subscriptions, self._windows = subscriptions, windows
        self._offsets, self._move, self._locks = offsets, move, locks
        self._started_ms = instance.clock.now_ms()
        asked = instance.remoting.asked
        asked[GetRunningInfo.CODE] = self._running_info
        asked[GetClientStatus.CODE] = self._status
        asked[ResetClientOffset.CODE] = self._reset

    def _running_info(self, frame: Frame, address: str) -> Frame:
        asked = GetRunningInfo.parse(frame.fields)
        group = asked.consumer_group
        if group != self._group:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"The Consumer Group <{group}> not exist in this consumer",
            )
        wanted = self._subscriptions.values()
        found: dict[str, Any] = {
            "mqTable": {queue_key(one): self._queue(one) for one in self._windows},
            "properties": self._properties(),
            "statusTable": {},
            "subscriptionSet": [one.to_json() for one in wanted],
        }
        if asked.jstack_enable:
            found["jstack"] = stacks.of_this_loop()
        return frame.answer(ResponseCode.SUCCESS, body=bodies.encode(found))

    def _properties(self) -> dict[str, str]:
        servers = "".join(f"{one};" for one in self._instance.name_servers)
        config = self._instance.config
        return {
            "PROP_CLIENT_VERSION": CURRENT_VERSION.name,
            "PROP_CONSUMEORDERLY": "true" if self._locks else "false",
            "PROP_CONSUMER_START_TIMESTAMP": str(self._started_ms),
            "PROP_CONSUME_TYPE": "CONSUME_PASSIVELY",
            "PROP_NAMESERVER_ADDR": servers,
            "PROP_THREADPOOL_CORE_SIZE": str(config.consume_concurrency),
            "consumeFromWhere": self._start.text,
            "consumerGroup": self._group,
            "messageModel": "CLUSTERING",
            "pullBatchSize": str(config.pull_batch_size),
            "pullThresholdForQueue": str(config.pull_threshold_for_queue),
        }

    def _queue(self, queue: MessageQueue) -> dict[str, Any]:
        window = self._windows[queue]
        locked_ms = self._locks.locked_ms.get(queue) if self._locks else None
        offsets = window.offsets()
        return {
            "cachedMsgCount": len(window),
            "cachedMsgMaxOffset": max(offsets, default=0),
            "cachedMsgMinOffset": min(offsets, default=0),
            "cachedMsgSizeInMiB": window.size // MIB,
            "commitOffset": self._offset(queue),
            "droped": window.is_dropped,
            "lastConsumeTimestamp": window.last_consume_ms,
            "lastLockTimestamp": locked_ms or 0,
            "lastPullTimestamp": window.last_pull_ms,
            "locked": locked_ms is not None,
            "transactionMsgCount": 0,
            "transactionMsgMaxOffset": 0,
            "transactionMsgMinOffset": 0,
            "tryUnlockTimes": 0,
        }

    def _offset(self, queue: MessageQueue) -> int:
        offset = self._offsets.get(queue)
        return UNKNOWN if offset is None else offset

    def _status(self, frame: Frame, address: str) -> Frame:
        topic = GetClientStatus.parse(frame.fields).topic
        mine = (one for one in self._windows if one.topic == topic)
        known = {queue_key(one): self._offset(one) for one in mine}
        found = {"consumerTable": {}, "messageQueueTable": known}
        return frame.answer(ResponseCode.SUCCESS, body=bodies.encode(found))

    def _reset(self, frame: Frame, address: str) -> None:
        """Go on elsewhere in those of the queues that are ours; nobody is answered."""
        asked = ResetClientOffset.parse(frame.fields)
        if asked.group != self._group:
            return
        for key, offset in fastjson.loads(frame.body)["offsetTable"].items():
            queue = queue_of(key)
            if queue.topic == asked.topic and queue in self._windows:
                self._move(queue, offset)
