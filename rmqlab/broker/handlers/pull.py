"""Finds messages, or holds the pull until there are some.

Source: PullMessageProcessor.java, PullRequestHoldService.java, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.broker.call import HELD, Answer, Call, HeldPull
from rmqlab.broker.memory import Memory
from rmqlab.broker.tables.holds import Hold
from rmqlab.errors import Refused
from rmqlab.protocol.codes import FAQ_SUFFIX, Permission, PullSysFlag, ResponseCode
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.messaging import PullMessage, PullReply
from rmqlab.settings import BrokerRole
from rmqlab.store.results import GetStatus, Got
from rmqlab.store.store import MessageStore

MASTER_ID = 0

_CODES = {
    GetStatus.FOUND: ResponseCode.SUCCESS,
    GetStatus.NO_MATCHED_MESSAGE: ResponseCode.PULL_RETRY_IMMEDIATELY,
    GetStatus.OFFSET_OVERFLOW_ONE: ResponseCode.PULL_NOT_FOUND,
    GetStatus.OFFSET_OVERFLOW_BADLY: ResponseCode.PULL_OFFSET_MOVED,
    GetStatus.OFFSET_TOO_SMALL: ResponseCode.PULL_OFFSET_MOVED,
}


class PullHandler:
    """Answers PULL_MESSAGE."""

    def __init__(self, memory: Memory, store: MessageStore) -> None:
        self._config, self._store = memory.config, store
        self._topics, self._groups = memory.topics, memory.groups
        self._clients, self._offsets = memory.clients, memory.offsets
        self._holds, self._stats = memory.holds, memory.stats
        self._is_slave = store.config.broker_role is BrokerRole.SLAVE

    def pull(self, asked: PullMessage, call: Call) -> Answer | None:
        """Return messages of one queue; or hold the pull where there are none yet.

        Raises:
            Refused: permission, group, topic, queue or subscription forbid it.
        """
        self._check(asked, call)
        subscription = self._subscription(asked)
        if asked.sys_flag & PullSysFlag.COMMIT_OFFSET and not self._is_slave:
            self._offsets.commit(
                asked.consumer_group, asked.topic, asked.queue_id, asked.commit_offset
            )
        answer = self._found(asked, subscription, call)
        suspends = asked.sys_flag & PullSysFlag.SUSPEND
        if answer.frame.code != ResponseCode.PULL_NOT_FOUND or not suspends:
            return answer
        wait_ms = asked.suspend_timeout_millis
        if not self._config.long_polling_enable:
            wait_ms = self._config.short_polling_time_mills
        hold = Hold(
            HeldPull(asked, subscription, call),
            asked.queue_offset,
            call.now_ms + wait_ms,
            subscription.wants_code,
        )
        self._holds.add((asked.topic, asked.queue_id), hold)
        return HELD

    def resume(self, held: HeldPull) -> None:
        """Answer a pull that was let go, with whatever there is now."""
        answer = self._found(held.asked, held.subscription, held.call)
        held.call.peer.send(answer.frame)

    def _check(self, asked: PullMessage, call: Call) -> None:
        if not self._config.broker_permission & Permission.READ:
            raise Refused(
                ResponseCode.NO_PERMISSION,
                f"the broker[{self._config.broker_i_p1}] pulling message is forbidden",
            )
        group = self._groups.find_or_create(asked.consumer_group, call.now_ms)
        if group is None:
            raise Refused(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
                f"subscription group [{asked.consumer_group}] does not exist, "
                + FAQ_SUFFIX,
            )
        if not group.consume_enable:
            raise Refused(
                ResponseCode.NO_PERMISSION,
                f"subscription group no permission, {asked.consumer_group}",
            )
        topic = self._topics.get(asked.topic)
        if topic is None:
            raise Refused(
                ResponseCode.TOPIC_NOT_EXIST,
                f"topic[{asked.topic}] not exist, apply first please! {FAQ_SUFFIX}",
            )
        if not topic.perm & Permission.READ:
            raise Refused(
                ResponseCode.NO_PERMISSION,
                f"the topic[{asked.topic}] pulling message is forbidden",
            )
        if not 0 <= asked.queue_id < topic.read_queue_nums:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"queueId[{asked.queue_id}] is illegal, topic:[{asked.topic}] "
                f"topicConfig.readQueueNums:[{topic.read_queue_nums}] "
                f"consumer:[/{call.peer.peer[0]}:{call.peer.peer[1]}]",
            )

    def _subscription(self, asked: PullMessage) -> Subscription:
        if (asked.expression_type or "TAG") != "TAG":
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                "The broker does not support consumer to filter message by "
                f"{asked.expression_type}",
            )
        if asked.sys_flag & PullSysFlag.SUBSCRIPTION:
            return Subscription.of(asked.topic, asked.subscription, asked.sub_version)
        group = self._clients.consumers(asked.consumer_group)
        if group is None:
            raise Refused(
                ResponseCode.SUBSCRIPTION_NOT_EXIST,
                f"the consumer's group info not exist{FAQ_SUFFIX}",
            )
        found = group.subscriptions.get(asked.topic)
        if found is None:
            raise Refused(
                ResponseCode.SUBSCRIPTION_NOT_EXIST,
                f"the consumer's subscription not exist{FAQ_SUFFIX}",
            )
        if found.sub_version < asked.sub_version:
            raise Refused(
                ResponseCode.SUBSCRIPTION_NOT_LATEST,
                "the consumer's subscription not latest",
            )
        return found

    def _found(
        self, asked: PullMessage, subscription: Subscription, call: Call
    ) -> Answer:
        got = self._store.reading.get(
            asked.topic,
            asked.queue_id,
            asked.queue_offset,
            asked.max_msg_nums,
            subscription.wants_code,
        )
        self._count(asked, got)
        code, next_offset = self._code(asked, got)
        reply = PullReply(MASTER_ID, next_offset, got.min_offset, got.max_offset)
        frame = call.frame.answer(
            code, reply.to_wire(), b"".join(got.records), remark=got.status.name
        )
        return Answer(frame)

    def _count(self, asked: PullMessage, got: Got) -> None:
        self._store.counts.pulled(len(got.records))
        if got.records:
            size = sum(map(len, got.records))
            where = asked.consumer_group, asked.topic
            self._stats.got(*where, len(got.records), size)

    def _code(self, asked: PullMessage, got: Got) -> tuple[ResponseCode, int]:
        """Return the code, and where the consumer should go on."""
        if got.status in _CODES:
            code = _CODES[got.status]
        elif asked.queue_offset == 0:
            code = ResponseCode.PULL_NOT_FOUND
        else:
            code = ResponseCode.PULL_OFFSET_MOVED
        if code is ResponseCode.PULL_OFFSET_MOVED and self._is_slave:
            # A slave may lag behind: it does not send consumers back for that.
            return ResponseCode.PULL_RETRY_IMMEDIATELY, asked.queue_offset
        return code, got.next_offset
