"""What an administrator asks of clients: the broker passes it on to them.

Nothing waits here: the answer leaves when the client's has come, ten seconds after the
question at the latest.

Source: AdminBrokerProcessor.callConsumer, Broker2Client.java, release 4.9.7.
"""

from __future__ import annotations

from typing import Any, cast

from rmqlab.broker.call import HELD, NOT_SET, Answer, Call, Peer
from rmqlab.broker.memory import Memory
from rmqlab.broker.questions import Questions, Then
from rmqlab.broker.tables.clients import Member
from rmqlab.errors import Refused, WireError
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.admin import GetConsumerStatus, ResetOffset
from rmqlab.protocol.bodies import queue_key
from rmqlab.protocol.codes import Language, ResponseCode, Version
from rmqlab.protocol.frame import Flag, Frame
from rmqlab.protocol.grouping import (
    ConsumeDirectly,
    GetClientStatus,
    GetRunningInfo,
    ResetClientOffset,
)
from rmqlab.protocol.message import MessageQueue, log_offset_of
from rmqlab.protocol.record import encode
from rmqlab.store.store import MessageStore

ANSWER_S = 10.0
STATUS_S = 5.0
LATEST = -1
"""The timestamp that stands for a queue's end."""


class RelayHandler:
    """Answers what only clients know."""

    def __init__(
        self, memory: Memory, store: MessageStore, questions: Questions
    ) -> None:
        self._config, self._store, self._questions = memory.config, store, questions
        self._topics, self._offsets = memory.topics, memory.offsets
        self._clients = memory.clients

    def running_info(self, asked: GetRunningInfo, call: Call) -> Answer | None:
        """Have a client tell how it does.

        Raises:
            Refused: SYSTEM_ERROR; it is not here, or too old to be asked.
        """
        question = Frame(asked.CODE, call.frame.fields, call.frame.body)
        return self._pass_on(question, asked.consumer_group, asked.client_id, call)

    def consume_directly(self, asked: ConsumeDirectly, call: Call) -> Answer | None:
        """Have a client consume a message of this broker.

        Raises:
            Refused: SYSTEM_ERROR; no such message, or see `running_info`.
        """
        record = self._store.reading.record_at(log_offset_of(asked.msg_id or ""))
        if record is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR, f"no message has the id {asked.msg_id}"
            )
        fields = dict(call.frame.fields or {}, brokerName=self._config.broker_name)
        question = Frame(asked.CODE, fields, encode(record))
        client_id = asked.client_id or ""
        return self._pass_on(question, asked.consumer_group, client_id, call)

    def _pass_on(
        self, question: Frame, group: str, client_id: str, call: Call
    ) -> Answer | None:
        peer = self._client(group, client_id)

        def then(answer: Frame | None) -> None:
            if answer is None:
                code = ResponseCode.CONSUME_MSG_TIMEOUT
                remark = (
                    f"consumer <{group}> <{client_id}> Timeout: wait response on the "
                    f"channel <{peer.peer[0]}:{peer.peer[1]}> timeout, 10000(ms)"
                )
                answer = Frame(code, remark=remark)
            told = answer.code, answer.fields, answer.body, answer.remark
            _send(call, call.frame.answer(*told))

        self._questions.ask(peer, question, ANSWER_S, then)
        return HELD

    def _client(self, group: str, client_id: str) -> Peer:
        found = self._clients.consumer(group, client_id)
        if found is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"The Consumer <{group}> <{client_id}> not online",
            )
        known = self._clients.consumers(group)
        if known and known.members[found].version < Version.V3_1_8_SNAPSHOT:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"The Consumer <{client_id}> Version <{known.members[found].version}> "
                "too low to finish, please upgrade it to V3_1_8_SNAPSHOT",
            )
        return cast("Peer", found)

    def reset(self, asked: ResetOffset, call: Call) -> Answer:
        """Tell a group's clients where to go on; they commit it, not this broker.

        Raises:
            Refused: SYSTEM_ERROR; no such topic, or a queue without offset, or a
                client is too old.  CONSUMER_NOT_ONLINE.
        """
        table = self._reset_to(asked)
        is_c = call.frame.language == Language.CPP.name
        group = self._clients.consumers(asked.group)
        if group is None:
            raise Refused(
                ResponseCode.CONSUMER_NOT_ONLINE,
                "Consumer not online, so can not reset offset, "
                f"Group: {asked.group} Topic: {asked.topic} "
                f"Timestamp: {asked.timestamp}",
            )
        header = ResetClientOffset(
            asked.topic, asked.group, asked.timestamp, is_force=False
        )
        body = bodies.encode({"offsetTable": _for_c(table) if is_c else _keyed(table)})
        for client, member in group.members.items():
            _refuse_old(member)
            frame = Frame(header.CODE, header.to_wire(), body, flag=Flag.ONEWAY)
            cast("Peer", client).send(frame)
        found = {"offsetTable": _keyed(table)}
        return call.answer(body=bodies.encode(found), remark=NOT_SET)

    def _reset_to(self, asked: ResetOffset) -> dict[MessageQueue, int]:
        topic = self._topics.get(asked.topic)
        if topic is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                "[reset-offset] reset offset failed, no topic in this broker. "
                f"topic={asked.topic}",
            )
        table = {}
        for queue_id in range(topic.write_queue_nums):
            place = asked.topic, queue_id
            now = self._offsets.get(asked.group, *place)
            if now is None:
                raise Refused(
                    ResponseCode.SYSTEM_ERROR,
                    f"THe consumer group <{asked.group}> not exist",
                )
            if asked.timestamp == LATEST:
                wanted = self._store.queues.max_offset(*place)
            else:
                wanted = self._store.reading.offset_at(*place, asked.timestamp)
            queue = MessageQueue(asked.topic, self._config.broker_name, queue_id)
            table[queue] = wanted if asked.is_force else min(wanted, now)
        return table

    def status(self, asked: GetConsumerStatus, call: Call) -> Answer | None:
        """Have a group's clients, or one of them, tell how far they are.

        Raises:
            Refused: SYSTEM_ERROR; none is here, or one is too old to be asked.
        """
        group = self._clients.consumers(asked.group)
        if group is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"No Any Consumer online in the consumer group: [{asked.group}]",
            )
        wanted = (asked.client_addr or "").strip()
        clients = {
            cast("Peer", who): member
            for who, member in group.members.items()
            if wanted in ("", member.client_id)
        }
        for member in clients.values():
            _refuse_old(member)
        survey = _Survey(call, len(clients))
        header = GetClientStatus(asked.topic, asked.group)
        for client, member in clients.items():
            question = Frame(header.CODE, header.to_wire())
            told = survey.told_by(member.client_id)
            self._questions.ask(client, question, STATUS_S, told)
        survey.go()
        return HELD


class _Survey:
    """How far several clients are; answered when the last one has told."""

    def __init__(self, call: Call, clients: int) -> None:
        self._call, self._left = call, clients + 1
        self._found: dict[str, Any] = {}

    def told_by(self, client_id: str) -> Then:
        """Return what is called with a client's answer; without one it is left out."""

        def told(answer: Frame | None) -> None:
            if answer and answer.code == ResponseCode.SUCCESS and answer.body:
                self._found[client_id] = _offsets_in(answer.body)
            self.go()

        return told

    def go(self) -> None:
        """One thing less to wait for; after the last one, answer."""
        self._left -= 1
        if self._left == 0:
            table = {"consumerTable": self._found, "messageQueueTable": {}}
            answer = self._call.answer(body=bodies.encode(table), remark=NOT_SET)
            _send(self._call, answer.frame)


def _offsets_in(body: bytes) -> Any:
    try:
        return fastjson.loads(body).get("messageQueueTable") or {}
    except (WireError, AttributeError):
        return {}


def _send(call: Call, answer: Frame) -> None:
    if not call.frame.is_oneway:
        call.peer.send(answer)


def _refuse_old(member: Member) -> None:
    if member.version < Version.V3_0_7_SNAPSHOT:
        raise Refused(
            ResponseCode.SYSTEM_ERROR,
            f"the client does not support this feature. version={member.version}",
        )


def _keyed(table: dict[MessageQueue, int]) -> dict[Any, int]:
    return {queue_key(queue): offset for queue, offset in table.items()}


def _for_c(table: dict[MessageQueue, int]) -> list[dict[str, Any]]:
    """As the C++ client reads it, which knows no objects as keys."""
    return [dict(queue_key(queue), offset=offset) for queue, offset in table.items()]
