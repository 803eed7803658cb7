"""Our answer to each golden request equals the real one, but for ids, addresses, times.

For each pair a broker is brought into the state that the real answer tells of: the
topic has as many messages as its `maxOffset`, the group the members that its list
names, and so on.  Then it is asked the golden request, as the real one was.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from rmqlab.broker.requests import HANDLERS
from rmqlab.errors import WireError
from rmqlab.protocol import bodies, fastjson
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.protocol.codes import READ_WRITE, Permission, RequestCode, ResponseCode
from rmqlab.protocol.delays import level_of
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.grouping import LockBatch
from rmqlab.protocol.membership import ConsumerData, Heartbeat, Subscription
from rmqlab.protocol.message import (
    HALF_TOPIC,
    SCHEDULE_TOPIC,
    join_properties,
    split_properties,
)
from rmqlab.protocol.messaging import HeartBeat
from rmqlab.protocol.record import Record, decode_all, to_message
from rmqlab.settings import BrokerRole
from tests.broker.desk import BORN_MS, Peer, open_desk
from tests.support import golden_frames, golden_index

IGNORED = {"bname", "ReqT", "AccessKey", "Signature", "OnsChannel"}
"""Fields that only a proxy, or access control, reads."""

MASKS = [
    (re.compile(r"[0-9A-F]{32}"), "<id>"),
    (re.compile(r"/?\d+\.\d+\.\d+\.\d+:\d+"), "<address>"),
    (re.compile(r"\d{13}"), "<time>"),
    (re.compile(r": +\d\.\d\d"), ": <ratio>"),
]
UNCOMPARED = {
    "offset": {RequestCode.SEARCH_OFFSET_BY_TIMESTAMP},
    "indexLastUpdatePhyoffset": {RequestCode.QUERY_MESSAGE},
    "indexLastUpdateTimestamp": {RequestCode.QUERY_MESSAGE},
}
"""Fields whose value is a time, or a place in a log that is another."""


def masked(text: str | None) -> str | None:
    for pattern, name in MASKS:
        text = text and pattern.sub(name, text)
    return text


FILLER = Record(
    topic="",
    queue_id=0,
    body=b"other",
    properties=b"",
    flag=0,
    sys_flag=0,
    born_timestamp=BORN_MS,
    born_host=("127.0.0.1", 50_000),
    store_timestamp=BORN_MS,
    store_host=("127.0.0.1", 10911),
)


class Case:
    """One golden pair, and the broker that is asked the same."""

    def __init__(self, desk, name: str) -> None:
        frames = golden_frames()
        self.desk, self.memory = desk, desk.broker.memory
        self.asked = Frame.from_bytes(frames[f"{name}.request"][4:])
        self.real = Frame.from_bytes(frames[f"{name}.response"][4:])
        self.fields = self.asked.fields or {}
        self.topic = self.fields.get("topic") or self.fields.get("b") or ""
        self.group = self.fields.get("consumerGroup", "")
        self.properties = self.fields.get("i") or self.fields.get("properties") or ""
        self.peer = Peer(desk.broker.config.listen_port)

    def create_topic(self, queues: int = 16, perm: int = READ_WRITE) -> None:
        found = re.search(r"readQueueNums[=:]\[?(\d+)", self.real.remark or "")
        queues = int(found[1]) if found else queues
        self.memory.topics.put(TopicConfig(self.topic, queues, queues, perm), 0)

    def fill(self, queue_id: int, first: int, end: int) -> None:
        """Store messages up to a queue offset; those that the answer has, as there."""
        real = {one.queue_offset: one for one in self.records()}
        for offset in range(first, end):
            self.put(queue_id, real.get(offset, FILLER))
        self.desk.broker.store.dispatch()

    def records(self) -> list[Record]:
        return list(decode_all(self.real.body))

    def put(self, queue_id: int, like: Record) -> Record:
        record = replace(like, topic=self.topic, queue_id=queue_id)
        return self.desk.broker.store.put_batch([record]).record

    def beat(self, group: str, client: str, topic: str = "", version: int = 0) -> None:
        wanted = [Subscription.of(topic, "*", version)] if topic else []
        data = Heartbeat(client, consumers=[ConsumerData(group, subscriptions=wanted)])
        self.desk.ask(HeartBeat(), bodies.encode(data.to_json()), Peer())

    def ask(self) -> Frame | None:
        return self.desk.hand_in(self.asked, self.peer)


def nothing(case: Case) -> None:
    """The answer does not depend on what there was before."""


def send(case: Case) -> None:
    real = case.real
    if real.code != ResponseCode.TOPIC_NOT_EXIST:
        case.create_topic()
    offset = int((real.fields or {}).get("queueOffset", 0))
    if int(case.fields.get("f", case.fields.get("sysFlag", 0))) & 4:
        case.topic = HALF_TOPIC
        case.fill(0, 0, offset)
    elif level := level_of(split_properties(case.properties)):
        case.topic = SCHEDULE_TOPIC
        case.fill(level - 1, 0, offset)
    elif case.topic and offset:
        case.fill(int(case.fields.get("e") or case.fields["queueId"]), 0, offset)


def send_back(case: Case) -> None:
    """What failed is in the log, where the request says."""
    if case.real.code == ResponseCode.SUCCESS:
        case.topic = "orders"
        failed = case.put(0, FILLER)
        case.fields["offset"] = str(failed.physical_offset)


def pull(case: Case) -> None:
    real, fields = case.real, case.fields
    if real.code == ResponseCode.TOPIC_NOT_EXIST:
        return
    is_hidden = real.code == ResponseCode.NO_PERMISSION
    case.create_topic(perm=Permission.WRITE if is_hidden else READ_WRITE)
    is_known = "group info" not in (real.remark or "")
    if is_known and not int(fields["sysFlag"]) & 4:
        has_topic = real.code != ResponseCode.SUBSCRIPTION_NOT_EXIST
        is_old = real.code == ResponseCode.SUBSCRIPTION_NOT_LATEST
        wanted = case.topic if has_topic else "other"
        version = int(fields["subVersion"]) - is_old
        case.beat(case.group, "c1", wanted, version)
        if filters(case):
            tags = {to_message(one).tags for one in case.records()} or {"nobody's"}
            group = case.memory.clients.consumers(case.group)
            chosen = Subscription.of(case.topic, "||".join(sorted(tags)), version)
            group.subscriptions[case.topic] = chosen
    queue_id, end = int(fields["queueId"]), int((real.fields or {}).get("maxOffset", 0))
    case.fill(queue_id, 0, end)
    case.memory.offsets.commit(case.group, case.topic, queue_id, 0)


def filters(case: Case) -> bool:
    """Whether the real answer leaves out some of the messages that it went through."""
    after = int((case.real.fields or {}).get("nextBeginOffset", 0))
    return after - int(case.fields["queueOffset"]) > len(case.records())


def held_pull(case: Case) -> None:
    """As `pull`; what it waits for is not there yet."""
    real = case.real
    pull_end, real.fields = (
        real.fields,
        (real.fields or {}) | {"maxOffset": case.fields["queueOffset"]},
    )
    pull(case)
    real.fields = pull_end


def query_offset(case: Case) -> None:
    queue_id = int(case.fields["queueId"])
    if case.real.fields:
        offset = int(case.real.fields["offset"])
        case.memory.offsets.commit(case.group, case.topic, queue_id, offset)


def max_offset(case: Case) -> None:
    case.create_topic()
    case.fill(int(case.fields["queueId"]), 0, int(case.real.fields["offset"]))


def times(case: Case) -> None:
    case.create_topic()
    case.fill(int(case.fields["queueId"]), 0, 3)


def min_offset(case: Case) -> None:
    assert case.real.fields["offset"] == "0"


def view(case: Case) -> None:
    for record in case.records():
        case.topic = record.topic
        case.fields["offset"] = str(case.put(record.queue_id, record).physical_offset)


def query(case: Case) -> None:
    for record in case.records():
        case.put(record.queue_id, record)
    case.desk.broker.store.dispatch()


def members(case: Case) -> None:
    if case.real.body:
        for client in fastjson.loads(case.real.body)["consumerIdList"]:
            case.beat(case.group, client)


def end_transaction(case: Case) -> None:
    """The half message is where the request says, and last in the log."""
    case.topic, fields = HALF_TOPIC, case.fields
    offset = int(fields["tranStateTableOffset"])
    case.fill(0, 0, offset)
    home = {"PGROUP": fields["producerGroup"], "REAL_TOPIC": "T", "REAL_QID": "0"}
    properties = join_properties(home).encode()
    half = case.put(0, replace(FILLER, properties=properties))
    fields["commitLogOffset"] = str(half.physical_offset)
    case.desk.broker.store.dispatch()


def lock(case: Case) -> None:
    """What the real broker did not give, somebody else has."""
    asked = fastjson.loads(case.asked.body)
    given = fastjson.loads(case.real.body)["lockOKMQSet"]
    others = [one for one in asked["mqSet"] if one not in given]
    body = bodies.encode({**asked, "clientId": "another", "mqSet": others})
    case.desk.ask(LockBatch(), body, Peer())


def topic_stats(case: Case) -> None:
    if case.real.body:
        case.create_topic(len(fastjson.loads(case.real.body)["offsetTable"]))


def all_topics(case: Case) -> None:
    case.memory.topics.replace(fastjson.loads(case.real.body))


def all_groups(case: Case) -> None:
    case.memory.groups.replace(fastjson.loads(case.real.body))


def consumers(case: Case) -> None:
    if case.real.body:
        found = fastjson.loads(case.real.body)
        table = found["subscriptionTable"].values()
        topics = [(one["topic"], one["subString"]) for one in table]
        for one in found["connectionSet"]:
            case.desk.beat(case.group, topics, one["clientId"], Peer())


def producers(case: Case) -> None:
    if case.real.body:
        beat = Heartbeat("p1", [case.fields["producerGroup"]])
        case.desk.ask(HeartBeat(), bodies.encode(beat.to_json()), Peer())


def progress(case: Case) -> None:
    consumed(case, case.group, fastjson.loads(case.real.body))


def consumed(case: Case, group: str, stats: dict[str, Any]) -> None:
    for queue in (one.as_dict() for one in stats["offsetTable"]):
        case.memory.topics.put(TopicConfig(queue["topic"], 4, 4), 0)
        case.memory.offsets.commit(group, queue["topic"], queue["queueId"], 1)


def all_progress(case: Case) -> None:
    for group in case.memory.groups.names:
        case.memory.groups.remove(group, 0)
    for groups in fastjson.loads(case.real.body)["consumeStatsList"]:
        for group, found in groups.items():
            case.memory.groups.find_or_create(group, 0)
            for stats in found:
                consumed(case, group, stats)


def consuming_groups(case: Case) -> None:
    for group in fastjson.loads(case.real.body)["groupList"]:
        case.memory.offsets.commit(group, case.topic, 0, 1)


def counted(case: Case) -> None:
    if case.real.body:
        case.memory.stats.add(case.fields["statsName"], case.fields["statsKey"], 1)
        case.memory.stats.sample(BORN_MS)


def reset(case: Case) -> None:
    found = fastjson.loads(case.real.body)["offsetTable"] if case.real.body else {}
    case.create_topic(len(found) or 4)
    for key in found:
        queue = key.as_dict()["queueId"]
        case.memory.offsets.commit(case.fields["group"], case.topic, queue, 1)
        case.beat(case.fields["group"], "c1", case.topic)


def queue_entries(case: Case) -> None:
    for _ in range(fastjson.loads(case.real.body)["maxQueueIndex"]):
        case.put(int(case.fields["queueId"]), FILLER)
    case.desk.broker.store.dispatch()


ARRANGED = {
    RequestCode.SEND_MESSAGE: send,
    RequestCode.SEND_MESSAGE_V2: send,
    RequestCode.SEND_BATCH_MESSAGE: send,
    RequestCode.CONSUMER_SEND_MSG_BACK: send_back,
    RequestCode.PULL_MESSAGE: pull,
    RequestCode.QUERY_MESSAGE: query,
    RequestCode.VIEW_MESSAGE_BY_ID: view,
    RequestCode.QUERY_CONSUMER_OFFSET: query_offset,
    RequestCode.UPDATE_CONSUMER_OFFSET: nothing,
    RequestCode.GET_MAX_OFFSET: max_offset,
    RequestCode.GET_MIN_OFFSET: min_offset,
    RequestCode.SEARCH_OFFSET_BY_TIMESTAMP: times,
    RequestCode.GET_EARLIEST_MSG_STORETIME: times,
    RequestCode.HEART_BEAT: nothing,
    RequestCode.UNREGISTER_CLIENT: nothing,
    RequestCode.GET_CONSUMER_LIST_BY_GROUP: members,
    RequestCode.LOCK_BATCH_MQ: lock,
    RequestCode.UNLOCK_BATCH_MQ: nothing,
    RequestCode.END_TRANSACTION: end_transaction,
    RequestCode.UPDATE_AND_CREATE_TOPIC: nothing,
    RequestCode.GET_TOPIC_STATS_INFO: topic_stats,
    RequestCode.GET_ALL_TOPIC_CONFIG: all_topics,
    RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG: all_groups,
    RequestCode.GET_ALL_CONSUMER_OFFSET: nothing,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: nothing,
    RequestCode.DELETE_SUBSCRIPTIONGROUP: nothing,
    RequestCode.DELETE_TOPIC_IN_BROKER: nothing,
    RequestCode.GET_CONSUMER_CONNECTION_LIST: consumers,
    RequestCode.GET_PRODUCER_CONNECTION_LIST: producers,
    RequestCode.GET_ALL_PRODUCER_INFO: nothing,
    RequestCode.GET_CONSUME_STATS: progress,
    RequestCode.GET_BROKER_CONSUME_STATS: all_progress,
    RequestCode.QUERY_TOPIC_CONSUME_BY_WHO: consuming_groups,
    RequestCode.QUERY_CONSUME_QUEUE: queue_entries,
    RequestCode.VIEW_BROKER_STATS_DATA: counted,
    RequestCode.INVOKE_BROKER_TO_RESET_OFFSET: reset,
    RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE: nothing,
    RequestCode.CLEAN_UNUSED_TOPIC: nothing,
    RequestCode.DELETE_EXPIRED_COMMITLOG: nothing,
    RequestCode.GET_ALL_DELAY_OFFSET: nothing,
}
"""By request code, what brings a broker into the state that the answer tells of."""

SERVED = {header.CODE for header in HANDLERS}


def cases() -> list[str]:
    """Return the pairs in which a 4.9.7 broker answered its client."""
    return [
        pair["file"].removesuffix(".bin")
        for pair in golden_index()
        if pair["code"] in ARRANGED.keys() & SERVED
        and pair["responseBytes"]
        and "on-4.4.0" not in pair["client"]
        and "4.4.0" not in pair["client"].split("_to_")[0].replace("mqadmin-4.4.0", "")
    ]


def settings_of(case_name: str) -> dict[str, Any]:
    """Return the settings that the broker of a pair had."""
    settings: dict[str, Any] = {"max_message_size": 65536, "name": "broker-a"}
    if "r14" in case_name or "DELETE_TOPIC_IN_BROKER-r1" in case_name:
        settings["role"] = BrokerRole.SLAVE
    return settings


@pytest.mark.parametrize("name", cases())
async def test_our_answer_is_the_real_brokers(name, tmp_path):
    with open_desk(tmp_path, **settings_of(name)) as desk:
        case = Case(desk, name)
        is_held = int(case.fields.get("sysFlag", 0)) & 2 and "longpoll" in name
        arrange = held_pull if is_held else ARRANGED[case.asked.code]
        arrange(case)
        answer = case.ask()
        if is_held:
            assert answer is None
            answer = await wake(case)
        travelled = Frame.from_bytes(answer.to_bytes()[4:])
        assert told(case, travelled) == told(case, case.real)


async def wake(case: Case) -> Frame:
    """Let go of the held pull: by the messages that it waited for, or by its time."""
    end = int(case.real.fields["maxOffset"])
    start = int(case.fields["queueOffset"])
    for pull in case.memory.holds.expired(1 << 62) if end == start else ():
        case.desk.broker.pulls.resume(pull, case.desk.clock.now_ms())
    if end > start:
        real = {one.queue_offset: one for one in case.records()}
        for offset in range(start, end):
            case.put(int(case.fields["queueId"]), real[offset])
        await case.desk.broker._dispatcher.step()
    return case.peer.sent.pop()


def told(case: Case, answer: Frame) -> dict[str, Any]:
    """Return what an answer says, with ids, addresses and times masked."""
    code, fields = case.asked.code, answer.fields or {}
    return {
        "code": answer.code,
        "remark": masked(answer.remark),
        "fields": {
            key: masked(value)
            for key, value in sorted(fields.items())
            if code not in UNCOMPARED.get(key, ())
        },
        "has fields": answer.fields is not None,
        "body": shape(answer.body),
        "opaque": answer.opaque,
        "flag": answer.flag,
        "version": answer.version,
    }


def shape(body: bytes) -> Any:
    """Return what a body is made of: a table's names, a run's records, or its length.

    A name that starts as the golden ones do is a test's own.
    """
    try:
        found = fastjson.loads(body) if body else ""
    except WireError:
        return [(one.body, one.properties) for one in decode_all(body)]
    return shaped(found)


def shaped(found: Any) -> Any:
    if isinstance(found, dict):
        return {
            "key" if isinstance(key, fastjson.Key) else str(key): shaped(value)
            for key, value in sorted(found.items(), key=str)
        }
    if isinstance(found, list):
        return [shaped(found[0])] if found else []
    return type(found).__name__
