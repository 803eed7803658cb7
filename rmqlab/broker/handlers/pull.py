"""Finds messages, or holds the pull until there are some.

    asked ─► may it? ─► commit ─► look ─┬─► found, or sent elsewhere ─► answer
              ▲                         └─► nothing yet ─► hold ─┐
              └──────────── a message, or its time, lets it go ◄─┘

A pull that was held is asked anew, as if it came only now, and answered whatever there
is.

On purpose other than RocketMQ: a slave that lacks an offset, for it lags behind, tells
the consumer to ask for the same again at once, for ever.  Here it holds the pull first.

Not here: what a pull wants (`wants`), who lets it go (`services.dispatcher`).

Source: PullMessageProcessor.java, PullRequestHoldService.java, release 4.9.7.
"""

from __future__ import annotations

import logging

from rmqlab.broker.call import HELD, Answer, Call, HeldPull
from rmqlab.broker.handlers.wants import Wants, wants_of
from rmqlab.broker.memory import Memory
from rmqlab.broker.tables.holds import Hold
from rmqlab.errors import Refused, StoreError
from rmqlab.protocol import bodies
from rmqlab.protocol.bodies import GroupConfig
from rmqlab.protocol.codes import FAQ_SUFFIX, Permission, PullSysFlag, ResponseCode
from rmqlab.protocol.message import (
    KEYS,
    OFFSET_MOVED_TOPIC,
    TAGS,
    MessageQueue,
    join_properties,
)
from rmqlab.protocol.messaging import PullMessage, PullReply
from rmqlab.protocol.queue_bodies import offset_moved
from rmqlab.protocol.record import Record
from rmqlab.settings import BrokerRole
from rmqlab.store.results import GetStatus, Got
from rmqlab.store.store import MessageStore

log = logging.getLogger(__name__)

MASTER_ID = 0

_CODES = {
    GetStatus.FOUND: ResponseCode.SUCCESS,
    GetStatus.NO_MATCHED_MESSAGE: ResponseCode.PULL_RETRY_IMMEDIATELY,
    GetStatus.MESSAGE_WAS_REMOVING: ResponseCode.PULL_RETRY_IMMEDIATELY,
    GetStatus.OFFSET_FOUND_NULL: ResponseCode.PULL_NOT_FOUND,
    GetStatus.OFFSET_OVERFLOW_ONE: ResponseCode.PULL_NOT_FOUND,
    GetStatus.OFFSET_OVERFLOW_BADLY: ResponseCode.PULL_OFFSET_MOVED,
    GetStatus.OFFSET_TOO_SMALL: ResponseCode.PULL_OFFSET_MOVED,
}


class PullHandler:
    """Answers PULL_MESSAGE."""

    def __init__(self, memory: Memory, store: MessageStore) -> None:
        self._memory, self._config, self._store = memory, memory.config, store
        self._stats = memory.stats
        self._is_slave = store.config.broker_role is BrokerRole.SLAVE

    @property
    def _keeps_offsets(self) -> bool:
        """Whether who is ahead or behind is not corrected here."""
        return self._is_slave and not self._store.config.offset_check_in_slave

    def pull(self, asked: PullMessage, call: Call) -> Answer | None:
        """Return messages of one queue; or hold the pull where there are none yet.

        Raises:
            Refused: permission, group, topic, queue or subscription forbid it.
        """
        group, wants = self._allowed(asked, call)
        if asked.sys_flag & PullSysFlag.COMMIT_OFFSET and not self._is_slave:
            self._memory.offsets.commit(
                asked.consumer_group, asked.topic, asked.queue_id, asked.commit_offset
            )
        got = self._got(asked, wants)
        code = self._code(asked, got)
        if self._waits(asked, code) and self._hold(asked, wants, call):
            return HELD
        return self._answer(asked, group, got, call)

    def resume(self, held: HeldPull, now_ms: int) -> None:
        """Answer a pull that was let go, with whatever there is now."""
        asked, call = held.asked, held.call._replace(now_ms=now_ms)
        try:
            group, wants = self._allowed(asked, call)
            answer = self._answer(asked, group, self._got(asked, wants), call).frame
        except Refused as error:
            answer = call.frame.answer(error.code, remark=error.remark)
        except StoreError as error:
            log.exception("pull failed topic=%s queue=%d", asked.topic, asked.queue_id)
            answer = call.frame.answer(ResponseCode.SYSTEM_ERROR, remark=str(error))
        call.peer.send(answer)

    def _allowed(self, asked: PullMessage, call: Call) -> tuple[GroupConfig, Wants]:
        group = self._check_group(asked, call)
        self._check_queue(asked, call)
        return group, wants_of(self._memory, asked, group)

    def _check_group(self, asked: PullMessage, call: Call) -> GroupConfig:
        if not self._config.broker_permission & Permission.READ:
            raise Refused(
                ResponseCode.NO_PERMISSION,
                f"the broker[{self._config.broker_i_p1}] pulling message is forbidden",
            )
        name = asked.consumer_group
        group = self._memory.groups.find_or_create(name, call.now_ms)
        if group is None:
            raise Refused(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
                f"subscription group [{name}] does not exist, {FAQ_SUFFIX}",
            )
        if not group.consume_enable:
            raise Refused(
                ResponseCode.NO_PERMISSION,
                f"subscription group no permission, {name}",
            )
        return group

    def _check_queue(self, asked: PullMessage, call: Call) -> None:
        topic = self._memory.topics.get(asked.topic)
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

    def _got(self, asked: PullMessage, wants: Wants) -> Got:
        got = self._store.reading.get(
            asked.topic,
            asked.queue_id,
            asked.queue_offset,
            asked.max_msg_nums,
            wants.code,
            wants.record,
        )
        self._count(asked, got)
        return got

    def _count(self, asked: PullMessage, got: Got) -> None:
        self._store.counts.pulled(len(got.records))
        if got.records:
            size = sum(map(len, got.records))
            where = asked.consumer_group, asked.topic
            self._stats.got(*where, len(got.records), size)

    def _code(self, asked: PullMessage, got: Got) -> ResponseCode:
        """Return what a master answers."""
        if got.status in _CODES:
            return _CODES[got.status]
        if asked.queue_offset == 0:
            return ResponseCode.PULL_NOT_FOUND
        return ResponseCode.PULL_OFFSET_MOVED

    def _waits(self, asked: PullMessage, code: ResponseCode) -> bool:
        is_nothing_yet = code is ResponseCode.PULL_NOT_FOUND or (
            code is ResponseCode.PULL_OFFSET_MOVED and self._keeps_offsets
        )
        return is_nothing_yet and bool(asked.sys_flag & PullSysFlag.SUSPEND)

    def _hold(self, asked: PullMessage, wants: Wants, call: Call) -> bool:
        """Keep the pull for a while; return False where too many wait already."""
        wait_ms = asked.suspend_timeout_millis
        if not self._config.long_polling_enable:
            wait_ms = self._config.short_polling_time_mills
        return self._memory.holds.add(
            Hold(
                HeldPull(asked, call),
                call.peer,
                (asked.topic, asked.queue_id),
                asked.queue_offset,
                call.now_ms + wait_ms,
                wants.message,
            )
        )

    def _answer(
        self, asked: PullMessage, group: GroupConfig, got: Got, call: Call
    ) -> Answer:
        """Return the answer; a consumer that is sent back leaves an event behind."""
        code, begin = self._code(asked, got), got.next_offset
        broker_id = self._suggested(group, got)
        if self._keeps_offsets and got.status in _ELSEWHERE:
            begin = asked.queue_offset
        if code is ResponseCode.PULL_OFFSET_MOVED and self._keeps_offsets:
            code, broker_id = ResponseCode.PULL_RETRY_IMMEDIATELY, group.broker_id
        elif code is ResponseCode.PULL_OFFSET_MOVED:
            self._tell_moved(asked, begin, call)
        reply = PullReply(broker_id, begin, got.min_offset, got.max_offset)
        body = b"".join(got.records)
        return Answer(
            call.frame.answer(code, reply.to_wire(), body, remark=got.status.name)
        )

    def _suggested(self, group: GroupConfig, got: Got) -> int:
        """Return which broker to pull from next."""
        if not self._config.slave_read_enable:
            return MASTER_ID
        if got.is_far_back:
            return group.which_broker_when_consume_slowly
        return group.broker_id

    def _tell_moved(self, asked: PullMessage, begin: int, call: Call) -> None:
        """Store the event OFFSET_MOVED_EVENT, for whoever watches over the groups."""
        group, config = asked.consumer_group, self._config
        queue = MessageQueue(asked.topic, config.broker_name, asked.queue_id)
        event = offset_moved(group, queue, asked.queue_offset, begin)
        host = (config.broker_i_p1, config.listen_port)
        record = Record(
            topic=OFFSET_MOVED_TOPIC,
            queue_id=0,
            body=bodies.encode(event),
            properties=join_properties({TAGS: group, KEYS: group}).encode(),
            flag=0,
            sys_flag=0,
            born_timestamp=call.now_ms,
            born_host=host,
            store_timestamp=call.now_ms,
            store_host=host,
        )
        log.warning("offset moved group=%s queue=%s begin=%d", group, queue, begin)
        try:
            self._store.put(record)
        except StoreError as error:
            log.warning("event not stored: %s", error)


_ELSEWHERE = _CODES.keys() - {
    GetStatus.FOUND,
    GetStatus.NO_MATCHED_MESSAGE,
    GetStatus.MESSAGE_WAS_REMOVING,
} | {GetStatus.NO_MESSAGE_IN_QUEUE}
"""With these a slave leaves a consumer's offset as it is."""
