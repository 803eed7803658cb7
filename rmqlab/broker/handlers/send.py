"""Stores a message, or several as one batch, or says exactly why not.

Source: SendMessageProcessor.java, CommitLog.asyncPutMessages, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from rmqlab.broker.call import Answer, Call, Tell
from rmqlab.broker.entry import Entry, Target
from rmqlab.broker.memory import Memory
from rmqlab.errors import DiskFull, Refused, StoreError, WireError
from rmqlab.protocol import batch, delays, half_message
from rmqlab.protocol import message as messages
from rmqlab.protocol.codes import ResponseCode, SysFlag
from rmqlab.protocol.message import NAME_END, VALUE_END
from rmqlab.protocol.messaging import SendBatch, SendMessage, SendReply
from rmqlab.protocol.record import Record
from rmqlab.store.results import Put, PutStatus
from rmqlab.store.store import MessageStore


class SendHandler:
    """Answers SEND_MESSAGE, SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE."""

    def __init__(
        self, memory: Memory, store: MessageStore, tell: Tell, random: Random
    ) -> None:
        config = memory.config
        self._config, self._store, self._stats = config, store, memory.stats
        self._entry = Entry(memory, tell, random)
        self.store_host = (config.broker_i_p1, config.listen_port)

    @property
    def _extra(self) -> dict[str, str]:
        """What every answer says, be it a refusal."""
        return {
            "MSG_REGION": self._config.region_id,
            "TRACE_ON": "true" if self._config.trace_on else "false",
        }

    def send(self, asked: SendMessage, call: Call) -> Answer:
        """Store what came; the answer waits until it is as safe as was promised.

        Raises:
            Refused: time, topic, queue, size, properties or the batch's form forbid it,
                or this is a slave; or the disk is full or fails.
        """
        try:
            return self._sent(asked, call)
        except Refused as no:
            no.fields = self._extra
            raise

    def _sent(self, asked: SendMessage, call: Call) -> Answer:
        target = self._entry.target(asked, call)
        properties = messages.split_properties(asked.properties or "")
        if asked.batch or isinstance(asked, SendBatch):
            records = self._batch(asked, target, properties, call)
            put = partial(self._store.put_batch, records)
        else:
            records = [self._one(asked, target, properties, call)]
            put = partial(self._store.put, records[0])
        end = self._put(put)
        size = sum(one.size for one in records)
        self._stats.put(records[0].topic, len(records), size)
        host = self.store_host
        ids = (messages.offset_msg_id(host, one.physical_offset) for one in records)
        reply = SendReply(",".join(ids), target.queue_id, records[0].queue_offset)
        frame = call.frame.answer(fields=reply.to_wire() | self._extra)
        waits = properties.get(messages.WAIT) != "false"
        return Answer(frame, safe_at=end if waits else None)

    def _one(
        self, asked: SendMessage, target: Target, properties: dict[str, str], call: Call
    ) -> Record:
        """Return the message to be stored, without WAIT that only this send needed.

        A delayed one keeps it, as in 4.9: there it is written a second time.
        """
        target = self._entry.retried(asked, target, call)
        without = () if delays.level_of(properties) > 0 else (messages.WAIT,)
        text = self._stored(asked.properties or "", without)
        part = batch.Part(call.frame.body, text.encode(), asked.flag)
        return self._half_if(self._record(asked, target, part, call), properties)

    def _batch(
        self, asked: SendMessage, target: Target, properties: dict[str, str], call: Call
    ) -> list[Record]:
        """Return the messages of a batch; the request's properties are of each."""
        is_transaction = asked.sys_flag & SysFlag.TRANSACTION_ROLLBACK
        is_large = len(call.frame.body) > self._store.config.max_message_size
        if is_transaction or is_large or delays.level_of(properties) > 0:
            raise self._illegal()
        try:
            parts = batch.decode(call.frame.body)
        except WireError as error:
            raise self._illegal(f" ({error})") from error
        common = self._stored(asked.properties or "").encode()
        return [
            self._record(asked, target, _with_properties(part, common), call)
            for part in parts
        ]

    def _record(
        self, asked: SendMessage, target: Target, part: batch.Part, call: Call
    ) -> Record:
        topic, queue_id = target
        sys_flag = asked.sys_flag & ~(SysFlag.BORNHOST_V6 | SysFlag.STOREHOST_V6)
        if ":" in call.peer.peer[0]:
            sys_flag |= SysFlag.BORNHOST_V6
        if topic.topic_filter_type == "MULTI_TAG":
            sys_flag |= SysFlag.MULTI_TAGS
        return Record(
            topic=topic.topic_name,
            queue_id=queue_id,
            body=part.body,
            properties=part.properties,
            flag=part.flag,
            sys_flag=sys_flag,
            born_timestamp=asked.born_timestamp,
            born_host=call.peer.peer,
            store_timestamp=call.now_ms,
            store_host=self.store_host,
            reconsume_times=asked.reconsume_times or 0,
        )

    def _half_if(self, record: Record, properties: dict[str, str]) -> Record:
        """Return the record, or the half message of it where a transaction begins."""
        if not half_message.is_half(properties):
            return record
        if self._config.reject_transaction_message:
            raise Refused(
                ResponseCode.NO_PERMISSION,
                f"the broker[{self._config.broker_i_p1}] sending transaction message "
                "is forbidden",
            )
        cluster = {"CLUSTER": self._config.broker_cluster_name}
        return half_message.half_of(record, properties | cluster)

    def _stored(self, properties: str, without: tuple[str, ...] = ()) -> str:
        """Add CLUSTER, as 4.9 does; everything else stays the text that came."""
        dropped = tuple(name + NAME_END for name in without)
        parts = [
            part
            for part in properties.split(VALUE_END)
            if part and not part.startswith(dropped)
        ]
        parts.append(f"CLUSTER{NAME_END}{self._config.broker_cluster_name}")
        return VALUE_END.join(parts)

    def _put(self, put: Callable[[], Put]) -> int:
        """Store what came; return the log's end after it."""
        try:
            done = put()
        except DiskFull as error:
            raise self._unavailable(f" ({error})") from error
        except StoreError as error:
            raise Refused(
                ResponseCode.SYSTEM_ERROR, f"the message is not stored: {error}"
            ) from error
        if done.status is PutStatus.MESSAGE_ILLEGAL:
            raise self._illegal()
        if done.status is not PutStatus.PUT_OK:
            raise self._unavailable()
        return done.end

    def _illegal(self, why: str = "") -> Refused:
        return Refused(
            ResponseCode.MESSAGE_ILLEGAL,
            "the message is illegal, maybe msg body or properties length not matched. "
            f"msg body length limit {self._store.config.max_message_size}B, "
            f"msg properties length limit 32KB.{why}",
        )

    def _unavailable(self, why: str = "") -> Refused:
        return Refused(
            ResponseCode.SERVICE_NOT_AVAILABLE,
            "service not available now. It may be caused by one of the following "
            f"reasons: the broker's disk is full [{self._store.disk_use()}], messages "
            f"are put to the slave, message store has been shut down, etc.{why}",
        )


def _with_properties(part: batch.Part, common: bytes) -> batch.Part:
    own = part.properties.removesuffix(VALUE_END.encode())
    return part._replace(properties=b"\x02".join(filter(None, (own, common))))
