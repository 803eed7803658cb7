"""Claims about what comes later or again: delays, retries, dead letters, halves."""

from __future__ import annotations

from collections import Counter

from rmqlab.classroom.conform.claim import ONE, claim
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.routing import route
from rmqlab.classroom.conform.stage import (
    ATTENTIVE,
    Heard,
    Stage,
    bodies,
    refused,
    until,
)
from rmqlab.client import Later, TransactionProducer, Verdict
from rmqlab.protocol.message import (
    HALF_TOPIC,
    OP_TOPIC,
    SCHEDULE_TOPIC,
    Message,
    MessageQueue,
    StoredMessage,
)
from rmqlab.protocol.messaging import SendBack
from rmqlab.settings import ClientConfig


@claim("08", ONE)
async def a_delayed_message_waits_elsewhere(stage: Stage) -> Json:
    """A message with a delay level lies in that level's queue until it is due.

    Then it is in its own topic, with its level but without its old place.
    """
    lane = await stage.topic("Delayed")
    await stage.send(lane, "later", tags="slow", delay_level=2)
    (due,) = await stage.stored(lane)
    waiting = MessageQueue(SCHEDULE_TOPIC, lane.broker_name, 1)
    waited = [
        one for one in stage.store().messages() if one.topic == SCHEDULE_TOPIC
        and one.body == b"later"
    ]  # fmt: skip
    return {
        "level's queue": [one.queue_id for one in waited],
        "as it waits": waited[0].properties,
        "as it comes": due.properties,
        "is late": due.store_timestamp - waited[0].store_timestamp >= 1000,
        "who reads it there": waiting.topic,
    }


@claim("08", ONE)
async def a_level_beyond_the_last_is_the_last(stage: Stage) -> Json:
    """A delay level of 99 is taken for 18, the highest."""
    lane = await stage.topic("VeryLate")
    await stage.send(lane, "very late", delay_level=99)
    (due,) = await stage.stored(lane)
    return due.properties["DELAY"]


@claim("08", ONE)
async def what_fails_comes_again_and_dies(stage: Stage) -> Json:
    """What a group fails to consume comes again by %RETRY%, then lies under %DLQ%."""
    group, heard = "Failing-group", Heard()

    def listener(one: StoredMessage) -> Later:
        heard(one)
        return Later()

    lane = await stage.topic("Failing")
    settings = {"max_reconsume_times": 2}
    async with stage.consumer(group, listener, settings) as consumer:
        await consumer.subscribe("Failing")
        await stage.send(lane, "never", tags="bad")
        await heard.reaches(3)
        await until(lambda: stage.has_route(f"%DLQ%{group}"))
    tries = [(one.topic, one.reconsume_times) for one in heard.messages]
    return {
        "tries": tries,
        "as it comes again": heard.messages[-1].properties,
        "retry topic": await route(stage, f"%RETRY%{group}"),
    }


@claim("08", ONE)
async def dead_letters_lie_in_a_topic(stage: Stage) -> Json:
    """Dead letters lie in one queue of %DLQ%GROUP."""
    group = "Dying-group"
    lane = await stage.topic("Dying")
    async with stage.consumer(group, lambda _: Later(delay_level=-1)) as consumer:
        await consumer.subscribe("Dying")
        await stage.send(lane, "dead at once")
        await until(lambda: stage.has_route(f"%DLQ%{group}"))
    dead = MessageQueue(f"%DLQ%{group}", lane.broker_name, 0)
    return {
        "route": await route(stage, dead.topic),
        "pull": await refused(stage.puller.pull(dead, 0)),
    }


@claim("08", ONE)
async def what_is_not_there_cannot_be_sent_back(stage: Stage) -> Json:
    """A group cannot send back a message from where none is, nor without a group."""
    await stage.topic("Back")
    sent = await stage.send("Back", "one")
    at = int(sent.offset_msg_id[-16:], 16)
    return {
        "no message": await stage.told(SendBack(at + 1, "Back-group", 0, "", "Back")),
        "a message": await stage.told(SendBack(at, "Back-group", 0, "", "Back")),
    }


async def _transacted(
    stage: Stage, lane: MessageQueue, verdict: Verdict, later: Verdict
) -> Json:
    """Send a half message; return its status, and if an open one was asked about."""
    asked: Counter[str] = Counter()

    def check(half: StoredMessage) -> Verdict:
        asked[half.body.decode()] += 1
        return later

    servers, config = stage.cluster.name_servers, ClientConfig(**ATTENTIVE)
    group = f"{lane.topic}-tellers"
    async with TransactionProducer(group, servers, check, config) as teller:
        body = f"{verdict.name}-{later.name}"
        message = Message(lane.topic, body.encode(), "tag", keys="key")
        done = await teller.send(message, lambda _: verdict)
        if verdict is Verdict.UNKNOWN:
            await until(lambda: asked[body])
        if Verdict.COMMIT in (verdict, later):
            await stage.stored(lane)
    status = done.sent.status.name
    return {"status": status, "asked": verdict is Verdict.UNKNOWN and asked[body] > 0}


@claim("08", ONE)
async def a_committed_half_is_a_message(stage: Stage) -> Json:
    """A half message is in no queue until it is committed; then it is a message."""
    lane = await stage.topic("Committed")
    told = await _transacted(stage, lane, Verdict.COMMIT, Verdict.COMMIT)
    stored, *_ = await stage.stored(lane)
    return {"told": told, "flag": int(stored.sys_flag), "has": stored.properties}


@claim("08", ONE)
async def a_rolled_back_half_is_no_message(stage: Stage) -> Json:
    """A half message that is rolled back is never in a queue; what comes next is."""
    lane = await stage.topic("RolledBack")
    told = await _transacted(stage, lane, Verdict.ROLLBACK, Verdict.ROLLBACK)
    await stage.send(lane, "next")
    return {"told": told, "stored": bodies(await stage.stored(lane))}


@claim("08", ONE)
async def an_open_half_is_asked_about(stage: Stage) -> Json:
    """Of a half message without a verdict the broker asks its producer's group."""
    lane = await stage.topic("Asked")
    told = await _transacted(stage, lane, Verdict.UNKNOWN, Verdict.COMMIT)
    return {"told": told, "stored": bodies(await stage.stored(lane))}


@claim("08", ONE)
async def halves_lie_in_a_topic_of_their_own(stage: Stage) -> Json:
    """Half messages lie in RMQ_SYS_TRANS_HALF_TOPIC, their ends in the topic of ops."""
    lane = await stage.topic("Halved")
    await _transacted(stage, lane, Verdict.COMMIT, Verdict.COMMIT)

    def found() -> dict[str, StoredMessage]:
        halves: dict[str, StoredMessage] = {}
        for one in stage.store().messages():
            if one.topic == HALF_TOPIC and one.properties["REAL_TOPIC"] == "Halved":
                halves.setdefault("half", one)
            elif one.topic == OP_TOPIC and "half" in halves:
                halves["op"] = one
        return halves

    halves = await until(lambda: len(found()) == 2 and found())
    half, op = halves["half"], halves["op"]
    return {
        "half": half.properties,
        "its flag": int(half.sys_flag),
        "op's tag": op.tags,
        "op says which": op.body.decode().isdecimal() or op.body.decode(),
    }
