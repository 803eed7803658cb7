"""What brokers ask a consumer: how it does, how far it is, and to go on elsewhere.

An operator asks a broker, and that passes the question on: `mqadmin consumerStatus`,
`mqadmin resetOffsetByTime`.

Not here: to consume one message at once (`direct`).

Source: ClientRemotingProcessor.java, DefaultMQPushConsumerImpl.consumerRunningInfo,
MQClientInstance.resetOffset, release 4.9.7.
"""

from __future__ import annotations

from typing import Any

from rmqlab.client import stacks
from rmqlab.client.flow_control import MIB
from rmqlab.client.instance import ClientInstance
from rmqlab.client.member import Member
from rmqlab.client.offsets import GroupOffsets
from rmqlab.client.share import Share
from rmqlab.errors import Refused
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.bodies import queue_key, queue_of
from rmqlab.protocol.codes import CURRENT_VERSION, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.grouping import GetClientStatus, GetRunningInfo, ResetClientOffset
from rmqlab.protocol.message import MessageQueue

UNKNOWN = -1
"""An offset that nobody has told yet."""


class Answers:
    """Answers for one member of a group, out of its own tables."""

    def __init__(
        self,
        instance: ClientInstance,
        member: Member,
        offsets: GroupOffsets,
        share: Share,
        *,
        is_orderly: bool = False,
    ) -> None:
        self._instance, self._member, self._group = instance, member, member.group
        self._offsets, self._share, self._is_orderly = offsets, share, is_orderly
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
        wanted = self._member.subscriptions.values()
        mine = self._share.windows
        found: dict[str, Any] = {
            "mqTable": {queue_key(one): self._queue(one) for one in mine},
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
            "PROP_CONSUMEORDERLY": "true" if self._is_orderly else "false",
            "PROP_CONSUMER_START_TIMESTAMP": str(self._started_ms),
            "PROP_CONSUME_TYPE": "CONSUME_PASSIVELY",
            "PROP_NAMESERVER_ADDR": servers,
            "PROP_THREADPOOL_CORE_SIZE": str(config.consume_concurrency),
            "consumeFromWhere": self._member.data.consume_from_where,
            "consumerGroup": self._group,
            "messageModel": self._member.data.message_model,
            "pullBatchSize": str(config.pull_batch_size),
            "pullThresholdForQueue": str(config.pull_threshold_for_queue),
        }

    def _queue(self, queue: MessageQueue) -> dict[str, Any]:
        window = self._share.windows[queue]
        locks = self._share.locks
        locked_ms = locks.locked_ms.get(queue) if locks else None
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
        mine = (one for one in self._share.windows if one.topic == topic)
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
            if queue.topic == asked.topic and queue in self._share.windows:
                self._share.move(queue, offset)
