"""Claims about looking for messages: by key, by id, by time, by offset."""

from __future__ import annotations

from typing import Any

from rmqlab.classroom.conform.claim import ONE, claim
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.stage import BROKER, Stage, bodies, refused, until
from rmqlab.protocol.admin import (
    GetConsumeStats,
    GetConsumeTimeSpan,
    GetTopicGroups,
    GetTopicStats,
    QueryConsumeQueue,
    ResetOffset,
)
from rmqlab.protocol.message import MessageQueue
from rmqlab.protocol.messaging import (
    GetConsumerList,
    GetEarliestTime,
    GetMaxOffset,
    GetMinOffset,
    QueryConsumerOffset,
    QueryMessage,
    SearchOffset,
    UpdateConsumerOffset,
    ViewMessage,
)


@claim("03", ONE)
async def a_message_is_found_by_its_keys(stage: Stage) -> Json:
    """A message is found by each of its keys and by its unique id."""
    await stage.topic("Keyed")
    sent = await stage.send("Keyed", "one", keys="red blue")
    await stage.send("Keyed", "other", keys="green")
    by_key: Any = stage.admin.messages_by_key
    blue = await until(lambda: by_key("Keyed", "blue"))
    unique = await until(lambda: by_key("Keyed", sent.msg_id))
    return {"by key": bodies(blue), "by unique id": bodies(unique)}


@claim("03", ONE)
async def a_key_that_no_message_has_is_not_found(stage: Stage) -> Json:
    """A query for a key without a message is answered with code 22."""
    await stage.topic("Keyless")
    return await stage.told(QueryMessage("Keyless", "nothing", 32, 0, 1 << 62))


@claim("01", ONE)
async def a_message_is_found_by_its_id(stage: Stage) -> Json:
    """The broker's id of a message is its place; where no message begins is none."""
    await stage.topic("Viewed")
    sent = await stage.send("Viewed", "one")
    at = int(sent.offset_msg_id[-16:], 16)
    found = await stage.admin.message_at(stage.address(), at)
    return {
        "found": found.body.decode(),
        "its id": found.msg_id == sent.msg_id,
        "beside it": await stage.told(ViewMessage(at + 1)),
        "beyond the end": await stage.told(ViewMessage(1 << 40)),
    }


@claim("04", ONE)
async def a_time_has_an_offset(stage: Stage) -> Json:
    """A time is looked up in a queue; before all and after all there is an answer."""
    lane = await stage.topic("Timed")
    for at in range(3):
        await stage.send(lane, f"{at}")
        await _later(stage)
    stored = await stage.stored(lane, 3)
    times = [0, stored[1].store_timestamp, 1 << 45]
    return [await stage.told(SearchOffset("Timed", 0, one)) for one in times]


async def _later(stage: Stage) -> None:
    """Return when it is another millisecond."""
    clock = stage.producer.instance.clock
    now_ms = clock.now_ms()
    await until(lambda: clock.now_ms() > now_ms + 1)


@claim("04", ONE)
async def a_queue_has_bounds(stage: Stage) -> Json:
    """A queue's first and next offset, and the time of its oldest message, are told."""
    lane = await stage.topic("Bounded", 2)
    await stage.send(lane, "one")
    await stage.stored(lane)
    return {
        number: [
            await stage.told(ask("Bounded", number))
            for ask in (GetMinOffset, GetMaxOffset, GetEarliestTime)
        ]
        for number in (0, 1, 7)
    }


@claim("04", ONE)
async def a_topics_queues_are_counted(stage: Stage) -> Json:
    """The statistics of a topic: bounds, and the time of the last message, by queue."""
    lane = await stage.topic("Counted", 2)
    await stage.send(lane, "one")
    await stage.stored(lane)
    return {
        "known": await stage.told(GetTopicStats("Counted")),
        "unknown": await stage.told(GetTopicStats("NobodyMadeIt")),
    }


@claim("03", ONE)
async def a_queue_is_20_bytes_a_message(stage: Stage) -> Json:
    """A consume queue's entry has the place, the length and the hash of the tag."""
    lane = await stage.topic("Queued")
    for tag in ("red", None):
        await stage.send(lane, "one", tags=tag)
    await stage.stored(lane, 2)
    answer = await stage.told(QueryConsumeQueue("Queued", 0, 0, 8))
    for row in answer["body"].get("queueData", []):
        row.pop("physicOffset")
    entries = stage.store().queue("Queued", 0)
    return {
        "asked": answer,
        "on disk": [(one.size, one.tags_code) for one in entries],
    }


@claim("07", ONE)
async def a_groups_offset_is_kept_by_the_broker(stage: Stage) -> Json:
    """A broker knows how far a group is once it was told; a new group begins at 0."""
    lane = await stage.topic("Kept")
    await stage.send(lane, "one")
    await stage.stored(lane)
    ask = QueryConsumerOffset("kept-group", "Kept", 0)
    before = await stage.told(ask)
    done = await stage.told(UpdateConsumerOffset("kept-group", "Kept", 0, 1))
    return {
        "a new group": before,
        "told": done,
        "then": await stage.told(ask),
        "of no topic": await stage.told(
            QueryConsumerOffset("kept-group", "NobodyMadeIt", 0)
        ),
    }


@claim("07", ONE)
async def a_groups_lag_is_told(stage: Stage) -> Json:
    """A group's offsets stand beside the queues' ends: the difference is its lag."""
    lane = await stage.topic("Lagging")
    for at in range(3):
        await stage.send(lane, f"{at}")
    await stage.stored(lane, 3)
    await stage.told(UpdateConsumerOffset("lagging-group", "Lagging", 0, 1))
    times = await stage.told(GetConsumeTimeSpan("Lagging", "lagging-group"))
    for one in times["body"]["consumeTimeSpanSet"]:
        one["delayTime"] = "…"
    return {
        "stats": await stage.told(GetConsumeStats("lagging-group", "Lagging")),
        "groups": await stage.told(GetTopicGroups("Lagging")),
        "times": times,
    }


@claim("07", ONE)
async def nobody_belongs_to_a_group_without_consumers(stage: Stage) -> Json:
    """Who asks for the members of a group that has none is told so."""
    return await stage.told(GetConsumerList("nobody"))


@claim("07", ONE)
async def a_group_that_is_away_is_not_sent_back(stage: Stage) -> Json:
    """Offsets are set by a time through a group's consumers: there must be some."""
    await stage.topic("Reset")
    return await stage.told(ResetOffset("Reset", "nobody-here", 0, is_force=True))


@claim("07", ONE)
async def a_queue_beyond_the_topics_is_not_pulled(stage: Stage) -> Json:
    """A pull from a queue that the topic does not have, or of no topic, is refused."""
    await stage.topic("Narrow")
    await stage.puller.queues("Narrow")
    return [
        await refused(stage.puller.pull(MessageQueue(topic, BROKER, number), 0))
        for topic, number in (("Narrow", 7), ("NobodyMadeIt", 0))
    ]
