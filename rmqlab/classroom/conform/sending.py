"""Claims about sends to one broker: what is answered, and what is refused."""

from __future__ import annotations

from rmqlab.classroom.conform.claim import ONE, claim
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.stage import BROKER, NAMES, Stage, bodies, told
from rmqlab.classroom.raw import say
from rmqlab.protocol.admin import UpdateBrokerConfig
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.message import (
    DEFAULT_TOPIC,
    Message,
    join_properties,
)
from rmqlab.protocol.messaging import SendMessage, SendMessageV2

REPLY_S = 2.0
UNKNOWN_CODE = 9999


def by_hand(topic: str, queue_id: int = 0, **more: str) -> SendMessageV2:
    """Return a send as a client would make it, with any properties."""
    to = "conform", topic, DEFAULT_TOPIC, 4, queue_id
    return SendMessageV2(*to, 0, 1_700_000_000_000, 0, join_properties(more))


@claim("02", ONE)
async def a_broker_says_that_it_does_not_know_a_request(stage: Stage) -> Json:
    """A broker answers a request code that it does not know with code 3."""
    return await heard(stage, BROKER, Frame(UNKNOWN_CODE))


@claim("02", ONE)
async def a_name_server_says_that_it_does_not_know_a_request(stage: Stage) -> Json:
    """A name server answers a request code that it does not know with code 3."""
    return await heard(stage, NAMES, Frame(UNKNOWN_CODE))


async def heard(stage: Stage, node: str, frame: Frame) -> Json:
    """Send a frame that may not be answered; return what is heard."""
    reply = await say(stage.address(node), frame.to_bytes(), REPLY_S)
    return [told(one) for one in reply.frames]


@claim("02", ONE)
async def a_frame_that_is_too_long_ends_the_connection(stage: Stage) -> Json:
    """A length word of more than 16 MiB is not waited for: the connection ends."""
    reply = await say(stage.address(), b"\x7f\xff\xff\xff" + b"\x00" * 8, REPLY_S)
    return {"bytes": len(reply.data), "closed": reply.is_closed}


@claim("01", ONE)
async def a_send_is_told_its_place(stage: Stage) -> Json:
    """A send's answer has the broker's id of the message, its queue and its offset."""
    lane = await stage.topic("Placed")
    await stage.send(lane, "before")
    answer = await stage.call(by_hand("Placed"), b"one")
    fields = dict(answer.fields or {})
    return told(answer) | {"digits of the id": len(fields["msgId"])}


@claim("02", ONE)
async def both_ways_to_name_a_sends_fields_are_one(stage: Stage) -> Json:
    """SEND_MESSAGE and SEND_MESSAGE_V2 differ in the names of their fields only."""
    await stage.topic("BothWays")
    long_names = SendMessage(
        "conform", "BothWays", DEFAULT_TOPIC, 4, 0, 0, 1_700_000_000_000, 0, ""
    )
    answers = [await stage.call(one, b"1") for one in (long_names, by_hand("BothWays"))]
    return [told(one) for one in answers]


@claim("06", ONE)
async def a_producer_takes_queues_in_turn(stage: Stage) -> Json:
    """Eight sends go to each of four queues twice."""
    await stage.topic("InTurn", 4)
    messages = [Message("InTurn", b"one")] * 8
    async with stage.fresh_producer() as producer:
        results = [await producer.send(one) for one in messages]
    return sorted((one.queue.queue_id, one.queue_offset) for one in results)


@claim("01", ONE)
async def a_send_without_an_answer_arrives(stage: Stage) -> Json:
    """A one-way send is stored, and nobody is told so."""
    lane = await stage.topic("OneWay")
    for at in range(3):
        message = Message("OneWay", f"{at}".encode())
        await stage.producer.send_one_way(message, lane)
    return sorted(bodies(await stage.stored(lane, 3)))


@claim("06", ONE)
async def a_batch_is_several_messages_of_one_queue(stage: Stage) -> Json:
    """A batch has one answer, and its messages follow one another in one queue."""
    lane = await stage.topic("Batch")
    await stage.send(lane, "alone")
    several = [Message("Batch", f"{at}".encode()) for at in range(3)]
    result = await stage.producer.send_batch(several, lane)
    stored = await stage.stored(lane, 4)
    return {
        "first": result.queue_offset,
        "ids": len(result.offset_msg_id.split(",")),
        "stored": [(one.queue_offset, one.body.decode()) for one in stored],
    }


@claim("01", ONE)
async def a_message_that_is_too_long_is_refused(stage: Stage) -> Json:
    """A body of more than maxMessageSize is illegal."""
    await stage.topic("TooLong")
    size = int((await stage.admin.settings(stage.address()))["maxMessageSize"])
    return {
        "limit": size,
        "answer": await stage.told(by_hand("TooLong"), b"x" * (size + 1)),
    }


@claim("01", ONE)
async def properties_that_are_too_long_are_refused(stage: Stage) -> Json:
    """Properties of more than 32,767 bytes are illegal."""
    await stage.topic("TooMany")
    return await stage.told(by_hand("TooMany", colour="x" * 32_767), b"one")


@claim("05", ONE)
async def no_message_goes_to_a_topic_of_the_system(stage: Stage) -> Json:
    """Nobody may send to the topics that a broker keeps for itself."""
    return await stage.told(by_hand("SELF_TEST_TOPIC"), b"one")


@claim("05", ONE)
async def a_topics_name_has_letters_and_digits(stage: Stage) -> Json:
    """A topic with a blank in its name, and one that is too long, are not made."""
    return {
        "blank": await stage.told(by_hand("not a name"), b"one"),
        "long": await stage.told(by_hand("x" * 300), b"one"),
    }


@claim("06", ONE)
async def a_queue_that_is_not_there_is_refused(stage: Stage) -> Json:
    """A queue number beyond the topic's is refused."""
    await stage.topic("OneQueue")
    return await stage.told(by_hand("OneQueue", queue_id=7), b"one")


@claim("06", ONE)
async def a_broker_chooses_where_nobody_did(stage: Stage) -> Json:
    """A queue number below zero lets the broker choose one."""
    await stage.topic("Chosen")
    return await stage.told(by_hand("Chosen", queue_id=-1), b"one")


@claim("01", ONE)
async def a_long_body_is_compressed(stage: Stage) -> Json:
    """A body of more than 4 KiB lies compressed in the log, and is read as it was."""
    lane = await stage.topic("Compressed")
    await stage.send(lane, "coffee" * 1000)
    (stored,) = await stage.stored(lane)
    return {
        "length": len(stored.body),
        "flag": bool(stored.sys_flag & SysFlag.COMPRESSED),
    }


@claim("01", ONE)
async def a_message_keeps_its_properties(stage: Stage) -> Json:
    """A message has its tags, keys and properties, and two that the client adds."""
    lane = await stage.topic("Properties")
    more = {"properties": {"colour": "grün ☕"}}
    await stage.send(lane, "one", tags="paid", keys="order-1 order-2", **more)
    (stored,) = await stage.stored(lane)
    return stored.properties


@claim("01", ONE)
async def a_producers_id_says_when(stage: Stage) -> Json:
    """The client's own id of a message is 32 digits, unlike the broker's."""
    sent = await stage.send(await stage.topic("Ids"), "one")
    return {
        "digits": [len(sent.msg_id), len(sent.offset_msg_id)],
        "differ": sent.msg_id != sent.offset_msg_id,
    }


@claim("14", ONE, alone=True)
async def a_broker_that_may_not_be_written_refuses(stage: Stage) -> Json:
    """With brokerPermission=4, set at run time, a broker refuses every send."""
    lane = await stage.topic("Forbidden")
    await stage.told(UpdateBrokerConfig(), b"brokerPermission=4\n")
    try:
        return await stage.told(by_hand(lane.topic), b"one")
    finally:
        await stage.told(UpdateBrokerConfig(), b"brokerPermission=6\n")
