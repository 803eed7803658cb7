"""Heartbeats, goodbyes, and members of a group.

A group is expected to want the same everywhere.  Where its members differ, each
heartbeat undoes the one before: topics that it lacks are gone, and what it wants
otherwise counts if its subscription is newer.  Pulls of the others are then refused,
or miss messages.

Source: ClientManageProcessor.java, ConsumerManager.java,
DefaultConsumerIdsChangeListener.java, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.broker.call import Answer, Call, Tell
from rmqlab.broker.handlers.wants import UNSUPPORTED
from rmqlab.broker.memory import Memory
from rmqlab.broker.tables.clients import Member
from rmqlab.broker.tables.filters import condition_of
from rmqlab.errors import Refused
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.codes import ResponseCode, TopicSysFlag
from rmqlab.protocol.grouping import CheckClientConfig
from rmqlab.protocol.membership import ConsumerData, Heartbeat
from rmqlab.protocol.messaging import (
    GetConsumerList,
    HeartBeat,
    UnregisterClient,
)
from rmqlab.protocol.queue_bodies import checked_subscription
from rmqlab.protocol.sql92 import SqlError


class GroupHandler:
    """Answers what clients say of themselves and of their groups."""

    def __init__(self, memory: Memory, tell: Tell) -> None:
        self._config, self._tell = memory.config, tell
        self._topics, self._groups = memory.topics, memory.groups
        self._clients, self._filters = memory.clients, memory.filters

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
            self._make_retry_topic(data, call.now_ms)
            if self._clients.consumer_beats(data, member, call.peer):
                self._tell_members(data.group_name)
            self._filters.heard(data.group_name, data.subscriptions, call.now_ms)
        for name in beat.producer_groups:
            self._clients.producer_beats(name, member, call.peer)
        return call.answer()

    def _make_retry_topic(self, data: ConsumerData, now_ms: int) -> None:
        """A group that is known, or may be made, has a topic for its retries."""
        group = self._groups.find_or_create(data.group_name, now_ms)
        sys_flag = TopicSysFlag.UNIT_SUB if data.unit_mode else 0
        if group and self._topics.create_retry(
            data.group_name, group.retry_queue_nums, now_ms, sys_flag
        ):
            self._tell.topics_changed()

    def _tell_members(self, name: str) -> None:
        group = self._groups.get(name)
        if group is None or group.notify_consumer_ids_changed_enable:
            self._tell.group_changed(name)

    def unregister(self, asked: UnregisterClient, call: Call) -> Answer:
        """Forget a client that says goodbye."""
        if asked.producer_group:
            self._clients.leave_producers(asked.producer_group, call.peer)
        if asked.consumer_group and self._clients.leave_consumers(
            asked.consumer_group, call.peer
        ):
            self._tell_members(asked.consumer_group)
        return Answer(call.frame.answer(fields={}))

    def members(self, asked: GetConsumerList, call: Call) -> Answer:
        """Return the client ids of a group, of each connection one.

        Two clients of one id are told as two: each takes itself for the first of them.

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
        body = bodies.encode({"consumerIdList": ids})
        return Answer(call.frame.answer(fields={}, body=body))

    def check_config(self, _: CheckClientConfig, call: Call) -> Answer:
        """Answer whether a subscription is understood here; tags always are.

        Raises:
            Refused: SQL92 is switched off, or the expression is none.
            WireError: the body holds no subscription.
        """
        told = checked_subscription(fastjson.loads(call.frame.body))
        if told is None or told.is_tag_filter:
            return call.answer()
        if not self._config.enable_property_filter:
            raise Refused(ResponseCode.SYSTEM_ERROR, UNSUPPORTED + told.expression_type)
        try:
            condition_of(told.expression_type, told.sub_string)
        except SqlError as error:
            code = ResponseCode.SUBSCRIPTION_PARSE_FAILED
            raise Refused(code, str(error)) from error
        return call.answer()
