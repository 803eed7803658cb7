"""Hands a reply to the client that asked for it: messaging that looks like a call.

    asker ── request, its client id among the properties ──▶ topic ──▶ replier
    asker ◀── PUSH_REPLY_MESSAGE_TO_CLIENT ── broker ◀── SEND_REPLY_MESSAGE ── replier

The asker is known by its id as a producer of any group, and must be connected to this
broker.  A record of the reply is kept in ``CLUSTER_REPLY_TOPIC``.

Source: ReplyMessageProcessor.java, release 4.9.7.
"""

from __future__ import annotations

import logging
from random import Random
from typing import NamedTuple, cast

from rmqlab.broker.call import HELD, Answer, Call, Peer, Tell
from rmqlab.broker.entry import Entry, Target
from rmqlab.broker.memory import Memory
from rmqlab.broker.questions import Questions
from rmqlab.errors import Refused, StoreError
from rmqlab.protocol import message as messages
from rmqlab.protocol.codes import ResponseCode, SysFlag
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.grouping import PushReply
from rmqlab.protocol.messaging import SendMessage, SendReply
from rmqlab.protocol.record import Record
from rmqlab.protocol.replies import PUSHED_AT, REPLY_TO
from rmqlab.store.store import MessageStore

log = logging.getLogger(__name__)

ANSWER_S = 10.0


class Reply(NamedTuple):
    """One reply on its way."""

    asked: SendMessage
    target: Target
    call: Call


class ReplyHandler:
    """Answers SEND_REPLY_MESSAGE and SEND_REPLY_MESSAGE_V2."""

    def __init__(
        self,
        memory: Memory,
        store: MessageStore,
        tell: Tell,
        random: Random,
        questions: Questions,
    ) -> None:
        self._config, self._clients = memory.config, memory.clients
        self._store, self._questions = store, questions
        self._entry = Entry(memory, tell, random)
        self._extra = {
            "MSG_REGION": memory.config.region_id,
            "TRACE_ON": "true" if memory.config.trace_on else "false",
        }

    def reply(self, asked: SendMessage, call: Call) -> Answer | None:
        """Push a reply to who asked; the answer waits for theirs, ten seconds at most.

        Raises:
            Refused: what forbids a send forbids this, too; or too many are on their
                way.
        """
        try:
            reply = Reply(asked, self._entry.target(asked, call), call)
            return self._push(reply)
        except Refused as no:
            no.fields = self._extra
            raise

    def _push(self, reply: Reply) -> Answer | None:
        properties = messages.split_properties(reply.asked.properties or "")
        asker = properties.get(REPLY_TO)
        if asker is None:
            remark = f"reply message properties[{REPLY_TO}] is null"
            return Answer(self._done(reply, remark))
        client = self._clients.producer(asker)
        if client is None:
            remark = f"push reply message fail, channel of <{asker}> not found."
            return Answer(self._done(reply, remark))

        def then(answer: Frame | None) -> None:
            is_taken = answer is not None and answer.code == ResponseCode.SUCCESS
            remark = None if is_taken else f"push reply message to {asker}fail."
            done = self._done(reply, remark)
            if not reply.call.frame.is_oneway:
                reply.call.peer.send(done)

        header = self._pushed(reply, properties)
        push = Frame(header.CODE, header.to_wire(), reply.call.frame.body)
        self._questions.ask(cast("Peer", client), push, ANSWER_S, then)
        return HELD

    def _pushed(self, reply: Reply, properties: dict[str, str]) -> PushReply:
        asked, call = reply.asked, reply.call
        properties = properties | {PUSHED_AT: str(call.now_ms)}
        return PushReply(
            asked.producer_group,
            asked.topic,
            asked.default_topic,
            asked.default_topic_queue_nums,
            asked.queue_id,
            asked.sys_flag,
            asked.born_timestamp,
            asked.flag,
            born_host=f"{call.peer.peer[0]}:{call.peer.peer[1]}",
            store_host=f"{self._config.broker_i_p1}:{self._config.listen_port}",
            store_timestamp=call.now_ms,
            properties=messages.join_properties(properties),
            reconsume_times=asked.reconsume_times,
            unit_mode=bool(asked.unit_mode),
        )

    def _done(self, reply: Reply, remark: str | None) -> Frame:
        """Keep a record of the reply, and return the answer to who sent it."""
        code = ResponseCode.SUCCESS if remark is None else ResponseCode.SYSTEM_ERROR
        ids = self._kept(reply)
        if ids is None and remark is None:
            ids = SendReply("0", reply.target.queue_id, 0)
        fields = (ids.to_wire() if ids else {}) | self._extra
        return reply.call.frame.answer(code, fields, remark=remark)

    def _kept(self, reply: Reply) -> SendReply | None:
        """Store the reply; return where it is, None where it is not."""
        if not self._config.store_reply_message_enable:
            return None
        try:
            record = self._store.put(self._record(reply)).record
        except StoreError as error:
            log.warning("no record of a reply is kept: %s", error)
            return None
        if record is None:
            return None
        place = record.store_host, record.physical_offset
        msg_id = messages.offset_msg_id(*place)
        return SendReply(msg_id, record.queue_id, record.queue_offset)

    def _record(self, reply: Reply) -> Record:
        asked, call = reply.asked, reply.call
        return Record(
            topic=asked.topic,
            queue_id=reply.target.queue_id,
            body=call.frame.body,
            properties=(asked.properties or "").encode(),
            flag=asked.flag,
            sys_flag=SysFlag.BORNHOST_V6 if ":" in call.peer.peer[0] else 0,
            born_timestamp=asked.born_timestamp,
            born_host=call.peer.peer,
            store_timestamp=call.now_ms,
            store_host=(self._config.broker_i_p1, self._config.listen_port),
            reconsume_times=asked.reconsume_times or 0,
        )
