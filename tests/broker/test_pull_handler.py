"""Pulling: what is found, what is held, and what sends a consumer elsewhere."""

from __future__ import annotations

import pytest

from rmqlab.broker.services.dispatcher import HoldScan
from rmqlab.protocol import fastjson
from rmqlab.protocol.bodies import GroupConfig, TopicConfig
from rmqlab.protocol.codes import Permission, PullSysFlag, ResponseCode
from rmqlab.protocol.membership import ConsumerData, Heartbeat, Subscription
from rmqlab.protocol.message import OFFSET_MOVED_TOPIC
from rmqlab.protocol.messaging import HeartBeat, PullReply
from rmqlab.protocol.record import Record, decode_all, encode
from rmqlab.settings import BrokerRole
from rmqlab.store.layout import QUEUE_ENTRY
from tests.broker.desk import BORN_MS, Peer
from tests.support import HOST

ASKS_AND_WAITS = PullSysFlag.SUBSCRIPTION | PullSysFlag.SUSPEND
PAID, OPEN = "TAGS\x01paid", "TAGS\x01open"


def bodies(answer):
    return [record.body for record in decode_all(answer.body)]


def where(answer):
    """Return where to go on, and the queue's first and next offset."""
    reply = PullReply.parse(answer.fields)
    return reply.next_begin_offset, reply.min_offset, reply.max_offset


async def arrive(desk):
    """Have the broker enter what was sent into its queues, and wake pulls for it."""
    await desk.broker._dispatcher.step()


async def scan(desk, later_ms=0):
    """Have the broker look at its held pulls, some time later."""
    desk.clock.advance(later_ms)
    broker = desk.broker
    await HoldScan(
        broker.config, broker.store, broker.memory.holds, broker.pulls, desk.clock
    ).step()


def test_a_pull_finds_the_messages_from_its_offset_on(orders):
    answer = orders.pull(1)
    assert (answer.code, answer.remark) == (ResponseCode.SUCCESS, "FOUND")
    assert bodies(answer) == [b"b", b"c"]
    assert where(answer) == (3, 0, 3)


def test_a_pull_finds_no_more_than_it_wants(orders):
    answer = orders.pull(0, limit=2)
    assert bodies(answer) == [b"a", b"b"]
    assert where(answer) == (2, 0, 3)


def test_a_pull_finds_no_more_bytes_than_the_setting_but_always_one(desk_with):
    desk = desk_with(max_transfer_bytes_on_message_in_memory=100)
    for body in (bytes(500), bytes(500)):
        desk.send(body)
    desk.broker.store.dispatch()
    assert bodies(desk.pull(0)) == [bytes(500)]


def test_a_pull_at_the_end_finds_nothing_yet(orders):
    answer = orders.pull(3)
    assert answer.code == ResponseCode.PULL_NOT_FOUND
    assert where(answer) == (3, 0, 3)


def test_a_pull_beyond_the_end_is_sent_back_to_it(orders):
    answer = orders.pull(4)
    assert answer.code == ResponseCode.PULL_OFFSET_MOVED
    assert answer.remark == "OFFSET_OVERFLOW_BADLY"
    assert where(answer) == (3, 0, 3)


def record_at(queue_id, queue_offset, at=0):
    """Return a record as a master's log has it."""
    host = (HOST, 1)
    record = Record(
        "orders", queue_id, b"late", b"", 0, 0, BORN_MS, host, BORN_MS, host
    )
    record.queue_offset, record.physical_offset = queue_offset, at
    return encode(record)


def test_a_pull_before_the_oldest_message_is_sent_on_to_it(desk):
    desk.broker.memory.topics.put(TopicConfig("orders", 4, 4), 0)
    desk.broker.store.copy(0, record_at(0, 70))
    desk.broker.store.dispatch()
    answer = desk.pull(10)
    assert answer.code == ResponseCode.PULL_OFFSET_MOVED
    assert where(answer) == (70, 70, 71)


@pytest.mark.parametrize(
    ("offset", "code"),
    [(0, ResponseCode.PULL_NOT_FOUND), (5, ResponseCode.PULL_OFFSET_MOVED)],
)
def test_a_queue_that_never_had_a_message_begins_at_0(orders, offset, code):
    answer = orders.pull(offset, queue_id=1)
    assert answer.code == code
    assert where(answer) == (0, 0, 0)


@pytest.fixture
def lagging(desk_with):
    """A slave that knows its master's topic and has no message of it."""
    desk = desk_with(role=BrokerRole.SLAVE)
    desk.broker.memory.topics.put(TopicConfig("orders", 4, 4), 0)
    return desk


def test_a_slave_sends_nobody_back_for_it_may_lag_behind(lagging):
    answer = lagging.pull(5)
    assert answer.code == ResponseCode.PULL_RETRY_IMMEDIATELY
    assert where(answer)[0] == 5


async def test_a_slave_holds_the_pull_that_is_ahead_of_it(lagging):
    assert lagging.pull(5, flags=ASKS_AND_WAITS) is None
    await scan(lagging, 14_999)
    assert lagging.peer.sent == []
    await scan(lagging, 1)
    (answer,) = lagging.peer.sent
    assert answer.code == ResponseCode.PULL_RETRY_IMMEDIATELY
    assert where(answer)[0] == 5


async def test_a_slave_that_has_caught_up_answers_the_pull_that_was_ahead(
    lagging,
):
    assert lagging.pull(1, flags=ASKS_AND_WAITS) is None
    size = len(record_at(0, 0))
    copied = b"".join(record_at(0, offset, offset * size) for offset in range(3))
    lagging.broker.store.copy(0, copied)
    await arrive(lagging)
    await scan(lagging)
    assert bodies(lagging.peer.sent[0]) == [b"late", b"late"]


@pytest.fixture
def moved(desk_with):
    """A broker whose answers to pulls at wrong offsets are looked at."""

    def ask(offset, first=70, **settings):
        desk = desk_with(**settings)
        desk.broker.memory.topics.put(TopicConfig("orders", 4, 4), 0)
        desk.broker.store.copy(0, record_at(0, first))
        desk.broker.store.dispatch()
        return desk, desk.pull(offset)

    return ask


def events(desk):
    return [
        (fastjson.loads(one.body), dict(one.properties))
        for one in desk.stored(topic=OFFSET_MOVED_TOPIC)
    ]


@pytest.mark.parametrize(("offset", "begin"), [(10, 70), (99, 71)])
def test_a_master_that_sends_a_consumer_elsewhere_leaves_an_event(moved, offset, begin):
    desk, answer = moved(offset)
    assert answer.code == ResponseCode.PULL_OFFSET_MOVED
    queue = {"brokerName": "broker-a", "queueId": 0, "topic": "orders"}
    event = {
        "consumerGroup": "kitchen",
        "messageQueue": queue,
        "offsetNew": begin,
        "offsetRequest": offset,
    }
    assert events(desk) == [(event, {"TAGS": "kitchen", "KEYS": "kitchen"})]


@pytest.mark.parametrize("offset", [10, 99])
@pytest.mark.parametrize("checks", [True, False])
def test_a_slave_sends_consumers_elsewhere_only_where_it_checks_offsets(
    moved, offset, checks
):
    desk, answer = moved(offset, role=BrokerRole.SLAVE, offset_check_in_slave=checks)
    codes = ResponseCode.PULL_RETRY_IMMEDIATELY, ResponseCode.PULL_OFFSET_MOVED
    assert answer.code == codes[checks]
    assert (where(answer)[0] == offset) is not checks
    assert events(desk) == []


def test_a_pull_of_a_message_that_is_no_more_in_the_log_goes_on_behind_it(desk):
    desk.broker.memory.topics.put(TopicConfig("orders", 4, 4), 0)
    desk.broker.store.copy(0, record_at(0, 70))
    desk.broker.store.dispatch()
    queue = desk.broker.store.queues.find("orders", 0)
    queue.files.write(71 * QUEUE_ENTRY.size, QUEUE_ENTRY.pack(1 << 40, 100, 0))
    answer = desk.pull(71)
    assert answer.code == ResponseCode.PULL_RETRY_IMMEDIATELY
    assert answer.remark == "MESSAGE_WAS_REMOVING"
    assert where(answer)[0] == 72


def test_a_pull_in_a_file_that_is_no_more_there_is_told_where_the_next_begins(
    orders, monkeypatch
):
    queue = orders.broker.store.queues.find("orders", 0)
    monkeypatch.setattr(type(queue.files), "read", lambda *_: b"")
    answer = orders.pull(1)
    assert answer.code == ResponseCode.PULL_NOT_FOUND
    assert answer.remark == "OFFSET_FOUND_NULL"
    assert where(answer)[0] == 6000 // QUEUE_ENTRY.size


FAR_BACK = {"access_message_in_memory_max_ratio": 0}


@pytest.mark.parametrize(
    ("settings", "suggested"),
    [
        ({}, 0),
        (FAR_BACK, 0),
        ({"slave_read_enable": True}, 3),
        ({"slave_read_enable": True, **FAR_BACK}, 2),
    ],
)
def test_who_is_far_behind_is_sent_to_a_slave_where_slaves_are_read(
    desk_with, settings, suggested
):
    desk = desk_with(**settings)
    desk.send()
    desk.broker.store.dispatch()
    group = GroupConfig("kitchen", broker_id=3, which_broker_when_consume_slowly=2)
    desk.broker.memory.groups._groups["kitchen"] = group
    reply = PullReply.parse(desk.pull(0).fields)
    assert reply.suggest_which_broker_id == suggested


def test_an_answer_has_fewer_messages_where_they_are_read_from_the_disk(desk_with):
    desk = desk_with(**FAR_BACK, max_transfer_count_on_message_in_disk=2)
    for _ in range(4):
        desk.send()
    desk.broker.store.dispatch()
    assert len(bodies(desk.pull(0))) == 2


def test_a_pull_is_answered_at_once_where_too_many_wait(orders):
    orders.broker.memory.holds._most = 1
    assert orders.pull(3, flags=ASKS_AND_WAITS) is None
    assert orders.pull(3, flags=ASKS_AND_WAITS).code == ResponseCode.PULL_NOT_FOUND


async def test_a_held_pull_of_a_connection_that_hung_up_is_dropped(orders):
    gone = Peer()
    orders.pull(3, flags=ASKS_AND_WAITS, peer=gone)
    orders.broker._hung_up(gone)
    orders.send(b"d")
    await arrive(orders)
    assert gone.sent == []
    assert len(orders.broker.memory.holds) == 0


async def test_a_held_pull_is_checked_anew_before_it_is_answered(orders):
    orders.pull(3, flags=ASKS_AND_WAITS)
    hidden = TopicConfig("orders", 4, 4, Permission.WRITE)
    orders.broker.memory.topics.put(hidden, 0)
    await scan(orders, 15_000)
    (answer,) = orders.peer.sent
    assert answer.code == ResponseCode.NO_PERMISSION
    assert answer.opaque == 7


@pytest.mark.parametrize("more", [PullSysFlag.CLASS_FILTER, PullSysFlag.LITE_PULL])
def test_other_bits_of_a_pull_change_nothing(orders, more):
    assert bodies(orders.pull(1, flags=PullSysFlag.SUBSCRIPTION | more)) == [b"b", b"c"]


@pytest.fixture
def tagged(desk):
    """Six messages in queue 0, every second one paid."""
    for letter, tag in zip("abcdef", [OPEN, PAID] * 3, strict=True):
        desk.send(letter.encode(), properties=tag)
    desk.broker.store.dispatch()
    return desk


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("paid", [b"b", b"d", b"f"]),
        (" open ", [b"a", b"c", b"e"]),
        ("paid || open", [b"a", b"b", b"c", b"d", b"e", b"f"]),
        ("*", [b"a", b"b", b"c", b"d", b"e", b"f"]),
        (None, [b"a", b"b", b"c", b"d", b"e", b"f"]),
    ],
)
def test_a_pull_finds_the_tags_that_it_names(tagged, tags, found):
    assert bodies(tagged.pull(0, tags=tags)) == found


def test_a_pull_none_of_whose_tags_is_there_goes_on_behind_what_was_looked_at(tagged):
    answer = tagged.pull(0, tags="lost")
    assert answer.code == ResponseCode.PULL_RETRY_IMMEDIATELY
    assert where(answer) == (6, 0, 6)


async def test_a_held_pull_is_answered_when_a_message_comes(orders):
    assert orders.pull(3, flags=ASKS_AND_WAITS) is None
    orders.send(b"d")
    await arrive(orders)
    (answer,) = orders.peer.sent
    assert bodies(answer) == [b"d"]
    assert answer.opaque == 7


async def test_a_held_pull_is_not_answered_for_a_message_of_another_queue(orders):
    orders.pull(3, flags=ASKS_AND_WAITS)
    orders.send(b"elsewhere", queue_id=1)
    orders.peer.sent.clear()
    await arrive(orders)
    assert orders.peer.sent == []


async def test_a_held_pull_is_not_answered_for_a_tag_that_it_does_not_want(orders):
    orders.pull(3, tags="paid", flags=ASKS_AND_WAITS)
    orders.send(b"no", properties=OPEN)
    orders.peer.sent.clear()
    await arrive(orders)
    assert orders.peer.sent == []
    orders.send(b"yes", properties=PAID)
    orders.peer.sent.clear()
    await arrive(orders)
    assert bodies(orders.peer.sent[0]) == [b"yes"]


@pytest.mark.parametrize(("later_ms", "answers"), [(14_999, 0), (15_000, 1)])
async def test_a_held_pull_is_answered_when_its_time_is_up(orders, later_ms, answers):
    orders.pull(3, flags=ASKS_AND_WAITS, wait_ms=15_000)
    await scan(orders, later_ms)
    codes = [answer.code for answer in orders.peer.sent]
    assert codes == [ResponseCode.PULL_NOT_FOUND] * answers


async def test_without_long_polling_a_pull_is_held_for_a_second(desk_with):
    desk = desk_with(long_polling_enable=False)
    desk.send()
    desk.broker.store.dispatch()
    desk.pull(1, flags=ASKS_AND_WAITS, wait_ms=15_000)
    await scan(desk, 999)
    assert desk.peer.sent == []
    await scan(desk, 1)
    assert len(desk.peer.sent) == 1


async def test_a_slaves_held_pull_is_answered_at_the_next_look(desk_with, orders):
    data = orders.broker.store.log.read(0, orders.broker.store.log.end)
    desk = desk_with(role=BrokerRole.SLAVE)
    desk.broker.memory.topics.put(TopicConfig("orders", 4, 4), 0)
    assert desk.pull(0, flags=ASKS_AND_WAITS) is None
    desk.broker.store.copy(0, data)
    await arrive(desk)
    assert desk.peer.sent == []
    await scan(desk)
    assert bodies(desk.peer.sent[0]) == [b"a", b"b", b"c"]


async def test_all_pulls_that_wait_for_a_message_are_answered_with_it(orders):
    peers = [Peer(), Peer()]
    for peer in peers:
        orders.pull(3, flags=ASKS_AND_WAITS, peer=peer)
    orders.send(b"d")
    await arrive(orders)
    assert [bodies(peer.sent[0]) for peer in peers] == [[b"d"], [b"d"]]


def test_a_pull_without_tags_of_its_own_takes_those_of_the_heartbeat(tagged):
    tagged.beat(topics=[("orders", "paid")])
    assert bodies(tagged.pull(0, tags=None, flags=0, version=1)) == [b"b", b"d", b"f"]


def test_a_group_may_be_kept_from_consuming_by_broadcast(orders):
    data = ConsumerData(
        "kitchen",
        message_model="BROADCASTING",
        subscriptions=[Subscription.of("orders", "*")],
    )
    beat = Heartbeat("c1", consumers=[data])
    orders.ask(HeartBeat(), fastjson.dumps(beat.to_json()).encode())
    assert orders.pull(0, flags=0).code == ResponseCode.SUCCESS
    kept = GroupConfig("kitchen", consume_broadcast_enable=False)
    orders.broker.memory.groups._groups["kitchen"] = kept
    answer = orders.pull(0, flags=0)
    assert answer.code == ResponseCode.NO_PERMISSION
    why = "the consumer group[kitchen] can not consume by broadcast way"
    assert answer.remark == why


def test_a_pull_with_nothing_between_its_bars_is_refused(orders):
    answer = orders.pull(0, tags="||")
    assert answer.code == ResponseCode.SUBSCRIPTION_PARSE_FAILED
    assert answer.remark == "parse the consumer's subscription failed"


@pytest.mark.parametrize(
    ("topics", "version", "code", "why"),
    [
        (None, 0, ResponseCode.SUBSCRIPTION_NOT_EXIST, "group info not exist"),
        (["payments"], 1, ResponseCode.SUBSCRIPTION_NOT_EXIST, "subscription not"),
        (["orders"], 2, ResponseCode.SUBSCRIPTION_NOT_LATEST, "not latest"),
    ],
)
def test_a_pull_without_tags_of_a_group_that_said_none_is_refused(
    orders, topics, version, code, why
):
    if topics:
        orders.beat(topics=[(topic, "*") for topic in topics], version=1)
    answer = orders.pull(0, tags=None, flags=0, version=version)
    assert answer.code == code
    assert why in answer.remark


def test_a_pull_may_commit_an_offset(orders):
    flags = PullSysFlag.SUBSCRIPTION | PullSysFlag.COMMIT_OFFSET
    orders.pull(2, flags=flags, commit=2)
    assert orders.broker.memory.offsets.get("kitchen", "orders", 0) == 2


def test_a_pull_commits_nothing_unless_it_says_so(orders):
    orders.pull(2, commit=2)
    assert orders.broker.memory.offsets.get("kitchen", "orders", 0) is None


def test_a_pull_commits_nothing_at_a_slave(desk_with):
    desk = desk_with(role=BrokerRole.SLAVE)
    desk.broker.memory.topics.put(TopicConfig("orders", 4, 4), 0)
    flags = PullSysFlag.SUBSCRIPTION | PullSysFlag.COMMIT_OFFSET
    desk.pull(0, flags=flags, commit=2)
    assert desk.broker.memory.offsets.get("kitchen", "orders", 0) is None


@pytest.mark.parametrize("queue_id", [-1, 4])
def test_a_queue_that_the_topic_does_not_have_is_refused(orders, queue_id):
    answer = orders.pull(0, queue_id=queue_id)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark.startswith(
        f"queueId[{queue_id}] is illegal, topic:[orders] topicConfig.readQueueNums:[4]"
    )


def test_an_unknown_topic_is_refused(desk):
    answer = desk.pull(0)
    assert answer.code == ResponseCode.TOPIC_NOT_EXIST
    assert answer.remark.startswith("topic[orders] not exist, apply first please!")


def test_an_expression_of_another_kind_than_tags_is_refused(orders):
    answer = orders.pull(0, tags="a > 5", expression_type="SQL92")
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark.endswith("filter message by SQL92")


def test_a_topic_without_read_permission_is_refused(orders):
    orders.broker.memory.topics.put(TopicConfig("orders", 4, 4, Permission.WRITE), 0)
    answer = orders.pull(0)
    assert answer.code == ResponseCode.NO_PERMISSION
    assert answer.remark == "the topic[orders] pulling message is forbidden"


def test_a_broker_without_read_permission_refuses(desk_with):
    answer = desk_with(broker_permission=2).pull(0)
    assert answer.code == ResponseCode.NO_PERMISSION
    assert answer.remark == "the broker[127.0.0.1] pulling message is forbidden"


def test_an_unknown_group_is_made(orders):
    orders.pull(0, group="new")
    assert "new" in orders.broker.memory.groups.to_json()["subscriptionGroupTable"]


def test_an_unknown_group_is_refused_where_groups_are_not_made(desk_with):
    desk = desk_with(auto_create_subscription_group=False)
    desk.send()
    answer = desk.pull(0)
    assert answer.code == ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST
    assert answer.remark.startswith("subscription group [kitchen] does not exist, ")


def test_a_group_that_may_not_consume_is_refused(orders):
    stopped = GroupConfig("kitchen", consume_enable=False)
    orders.broker.memory.groups._groups["kitchen"] = stopped
    answer = orders.pull(0)
    assert answer.code == ResponseCode.NO_PERMISSION
    assert answer.remark == "subscription group no permission, kitchen"


def test_the_fast_port_serves_no_pulls(orders):
    orders.broker._dispatch.fast_port = 10909
    answer = orders.pull(0, peer=Peer(own_port=10909))
    assert answer.code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED
