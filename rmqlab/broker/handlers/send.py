"""Stores a message, or says exactly why not.

Source: SendMessageProcessor.java, AbstractSendMessageProcessor.java, release 4.9.7.
"""

from __future__ import annotations

from random import Random

from rmqlab.broker.call import Answer, Call, Tell
from rmqlab.broker.memory import Memory
from rmqlab.errors import DiskFull, Refused, StoreError
from rmqlab.protocol import half_message
from rmqlab.protocol import message as messages
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import FAQ_SUFFIX, Permission, ResponseCode, SysFlag
from rmqlab.protocol.message import NAME_END, VALUE_END
from rmqlab.protocol.messaging import SendMessage, SendReply
from rmqlab.protocol.record import Record
from rmqlab.settings import StoreConfig
from rmqlab.store.results import PutStatus
from rmqlab.store.store import MessageStore

NOT_YET = "is not there yet: see 'What is not there yet' in rmqlab's README"


class SendHandler:
    """Answers SEND_MESSAGE and SEND_MESSAGE_V2."""

    def __init__(
        self, memory: Memory, store: MessageStore, tell: Tell, random: Random
    ) -> None:
        config = memory.config
        self._config, self._store, self._topics = config, store, memory.topics
        self._tell, self._random, self._stats = tell, random, memory.stats
        self.store_host = (config.broker_i_p1, config.listen_port)
        self._extra = {
            "MSG_REGION": config.region_id,
            "TRACE_ON": "true" if config.trace_on else "false",
        }

    def send(self, asked: SendMessage, call: Call) -> Answer:
        """Store one message; the answer waits until it is as safe as was promised.

        Raises:
            Refused: topic, queue, size or properties forbid it, or this is a slave; or
                the disk is full or fails.
        """
        try:
            return self._send(asked, call)
        except Refused as no:
            no.fields = self._extra
            raise

    def _send(self, asked: SendMessage, call: Call) -> Answer:
        topic = self._topic(asked, call)
        if asked.queue_id >= max(topic.write_queue_nums, topic.read_queue_nums):
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"request queueId[{asked.queue_id}] is illegal, {topic} "
                f"Producer: {call.peer.peer[0]}:{call.peer.peer[1]}",
            )
        properties = messages.split_properties(asked.properties or "")
        _refuse_what_is_to_come(asked, properties)
        queue_id = asked.queue_id
        if queue_id < 0:
            queue_id = self._random.randrange(topic.write_queue_nums or 1)
        record = self._record(asked, queue_id, call)
        try:
            put = self._store.put(self._half_if(record, properties))
        except DiskFull as error:
            raise self._unavailable(f" ({error})") from error
        except StoreError as error:
            raise Refused(
                ResponseCode.SYSTEM_ERROR, f"the message is not stored: {error}"
            ) from error
        if put.status is PutStatus.MESSAGE_ILLEGAL:
            raise _too_large(self._store.config)
        if put.record is None:
            raise self._unavailable()
        self._stats.put(put.record.topic, 1, put.record.size)
        reply = SendReply(
            messages.offset_msg_id(self.store_host, put.record.physical_offset),
            queue_id,
            put.record.queue_offset,
        )
        frame = call.frame.answer(fields=reply.to_wire() | self._extra)
        waits = properties.get(messages.WAIT) != "false"
        return Answer(frame, safe_at=put.end if waits else None)

    def _unavailable(self, why: str = "") -> Refused:
        return Refused(
            ResponseCode.SERVICE_NOT_AVAILABLE,
            "service not available now. It may be caused by one of the following "
            f"reasons: the broker's disk is full [{self._store.disk_use()}], messages "
            f"are put to the slave, message store has been shut down, etc.{why}",
        )

    def _topic(self, asked: SendMessage, call: Call) -> TopicConfig:
        messages.check_topic(asked.topic)
        if asked.topic in messages.NOT_SENDABLE:
            raise Refused(
                ResponseCode.NO_PERMISSION,
                f"Sending message to topic[{asked.topic}] is forbidden.",
            )
        topic = self._topics.get(asked.topic)
        if topic is None:
            topic = self._topics.create_on_send(
                asked.topic,
                asked.default_topic,
                asked.default_topic_queue_nums,
                call.now_ms,
            )
            if topic is None:
                raise Refused(
                    ResponseCode.TOPIC_NOT_EXIST,
                    f"topic[{asked.topic}] not exist, apply first please!{FAQ_SUFFIX}",
                )
            self._tell.topics_changed()
        if topic.order and not self._config.broker_permission & Permission.WRITE:
            raise Refused(
                ResponseCode.NO_PERMISSION,
                f"the broker[{self._config.broker_i_p1}] sending message is forbidden",
            )
        return topic

    def _record(self, asked: SendMessage, queue_id: int, call: Call) -> Record:
        sys_flag = asked.sys_flag
        if ":" in call.peer.peer[0]:
            sys_flag |= SysFlag.BORNHOST_V6
        return Record(
            topic=asked.topic,
            queue_id=queue_id,
            body=call.frame.body,
            properties=self._stored(asked.properties or "").encode(),
            flag=asked.flag,
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

    def _stored(self, properties: str) -> str:
        """Drop WAIT, which only this send needed, and add CLUSTER, as 4.9 does.

        Everything else stays the text that came.
        """
        wait = messages.WAIT + NAME_END
        parts = [
            part
            for part in properties.split(VALUE_END)
            if part and not part.startswith(wait)
        ]
        parts.append(f"CLUSTER{NAME_END}{self._config.broker_cluster_name}")
        return VALUE_END.join(parts)


def _too_large(config: StoreConfig) -> Refused:
    return Refused(
        ResponseCode.MESSAGE_ILLEGAL,
        "the message is illegal, maybe msg body or properties length not matched. "
        f"msg body length limit {config.max_message_size}B, "
        "msg properties length limit 32KB.",
    )


def _refuse_what_is_to_come(asked: SendMessage, properties: dict[str, str]) -> None:
    """Better no than wrong: nobody would deliver such a message when it is due."""
    if asked.batch:
        raise Refused(ResponseCode.MESSAGE_ILLEGAL, f"a batch {NOT_YET}")
    if properties.get(messages.DELAY, "0") not in ("0", ""):
        raise Refused(ResponseCode.MESSAGE_ILLEGAL, f"a delayed message {NOT_YET}")
