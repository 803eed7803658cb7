"""Heartbeats, goodbyes, members of a group, and its offsets.

Source: ClientManageProcessor.java, ConsumerManageProcessor.java, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.broker.call import Answer, Call, Tell
from rmqlab.broker.memory import Memory
from rmqlab.broker.tables.clients import Member
from rmqlab.errors import Refused
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.membership import Heartbeat
from rmqlab.protocol.messaging import (
    GetConsumerList,
    HeartBeat,
    OffsetReply,
    QueryConsumerOffset,
    UnregisterClient,
    UpdateConsumerOffset,
)
from rmqlab.store.store import MessageStore


class GroupHandler:
    """Answers what clients say of themselves and of their groups."""

    def __init__(self, memory: Memory, store: MessageStore, tell: Tell) -> None:
        self._store, self._tell = store, tell
        self._topics, self._groups = memory.topics, memory.groups
        self._clients, self._offsets = memory.clients, memory.offsets

    def heartbeat(self, _: HeartBeat, call: Call) -> Answer:
        """Hear from a client; tell its groups where they changed.

        Raises:
            WireError: the body is no heartbeat.
        """
        beat = Heartbeat.from_json(fastjson.loads(call.frame.body))
        frame = call.frame
        language, version = frame.language or "", frame.version
        member = Member(beat.client_id, call.now_ms, language, version)
        for data in beat.consumers:
            group = self._groups.find_or_create(data.group_name, call.now_ms)
            if group and self._topics.create_retry(
                data.group_name, group.retry_queue_nums, call.now_ms
            ):
                self._tell.topics_changed()
            if self._clients.consumer_beats(data, member, call.peer):
                self._tell.group_changed(data.group_name)
        for name in beat.producer_groups:
            self._clients.producer_beats(name, member, call.peer)
        return call.answer()

    def unregister(self, asked: UnregisterClient, call: Call) -> Answer:
        """Forget a client that says goodbye."""
        if asked.producer_group:
            self._clients.leave_producers(asked.producer_group, call.peer)
        if asked.consumer_group and self._clients.leave_consumers(
            asked.consumer_group, call.peer
        ):
            self._tell.group_changed(asked.consumer_group)
        return Answer(call.frame.answer(fields={}))

    def members(self, asked: GetConsumerList, call: Call) -> Answer:
        """Return the client ids of a group.

        Raises:
            Refused: SYSTEM_ERROR; nobody is there.
        """
        group = self._clients.consumers(asked.consumer_group)
        if group is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"no consumer for this group, {asked.consumer_group}",
            )
        ids = [member.client_id for member in group.members.values()]
        body = bodies.encode({"consumerIdList": list(dict.fromkeys(ids))})
        return Answer(call.frame.answer(fields={}, body=body))

    def query_offset(self, asked: QueryConsumerOffset, call: Call) -> Answer:
        """Return how far a group has consumed a queue.

        A group that never committed is told 0 while the queue still has its first
        message: that is why CONSUME_FROM_LAST_OFFSET replays young topics.

        Raises:
            Refused: QUERY_NOT_FOUND; never committed, and the first message is gone.
        """
        offset = self._offsets.get(asked.consumer_group, asked.topic, asked.queue_id)
        if offset is None:
            if self._store.queues.min_offset(asked.topic, asked.queue_id) > 0:
                raise Refused(
                    ResponseCode.QUERY_NOT_FOUND,
                    "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first",
                )
            offset = 0
        return call.answer(OffsetReply(offset))

    def update_offset(self, asked: UpdateConsumerOffset, call: Call) -> Answer:
        """Remember how far a group has consumed a queue; back is allowed."""
        self._offsets.commit(
            asked.consumer_group, asked.topic, asked.queue_id, asked.commit_offset
        )
        return Answer(call.frame.answer(fields={}))
