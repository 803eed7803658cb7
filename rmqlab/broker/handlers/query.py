"""Finds messages by key, or by where they lie in the log.

Source: QueryMessageProcessor.java, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.broker.call import Answer, Call
from rmqlab.errors import Refused
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.messaging import QueryMessage, QueryReply, ViewMessage
from rmqlab.protocol.record import encode
from rmqlab.store.store import MessageStore


class QueryHandler:
    """Answers QUERY_MESSAGE and VIEW_MESSAGE_BY_ID."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store

    def by_key(self, asked: QueryMessage, call: Call) -> Answer:
        """Return the newest messages with a key, in the order of the log.

        As many as were asked for and the settings allow.  Where there are none the
        answer is QUERY_NOT_FOUND.
        """
        most = asked.max_num
        if asked.is_unique:
            most = self._store.config.default_query_max_num
        found = self._store.reading.by_key(
            asked.topic, asked.key, most, asked.begin_timestamp, asked.end_timestamp
        )
        if not found:
            remark = "can not find message, maybe time range not correct"
            fields = QueryReply(0, 0).to_wire()
            code = ResponseCode.QUERY_NOT_FOUND
            return Answer(call.frame.answer(code, fields, remark=remark))
        index = self._store.index
        reply = QueryReply(index.last_update_ms, index.end_offset)
        return call.answer(reply, b"".join(map(encode, found)))

    def by_offset(self, asked: ViewMessage, call: Call) -> Answer:
        """Return the message at an offset of the commit log.

        Raises:
            Refused: SYSTEM_ERROR; none starts there.
        """
        record = self._store.reading.record_at(asked.offset)
        if record is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"can not find message by the offset, {asked.offset}",
            )
        return call.answer(body=encode(record))
