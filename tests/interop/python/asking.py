"""Looking for messages that are already there, and sending a group back to them."""

from __future__ import annotations

from typing import Any

from rmqlab.protocol.admin import ResetOffset
from tests.interop.python.stage import Heard, Stage, bodies, message, queue, until


async def reset(stage: Stage) -> Any:
    """Back to the time of the third message, while the consumer is there."""
    topic = await stage.topic("Reset", 1)
    heard, clock = Heard(), stage.producer.instance.clock
    async with stage.consumer("reset-group", heard) as consumer:
        await consumer.subscribe(topic)
        for at in range(4):
            await stage.producer.send(message(topic, f"reset-{at}"))
            sent_ms = clock.now_ms()
            await until(lambda sent_ms=sent_ms: clock.now_ms() > sent_ms + 1)
        await heard.reaches(4)
        await stage.has_committed("reset-group", queue(topic, 0), 4)
        third = next(one for one in heard.messages if one.body == b"reset-2")
        header = ResetOffset(topic, "reset-group", third.store_timestamp, True)
        (address,) = await stage.admin.addresses(topic)
        told = (await stage.admin.ask(address, header))["offsetTable"]
        await heard.reaches(6)
    return {
        "told": list(told.values()),
        "heard again": sorted(bodies(heard.messages)[4:]),
        "heard": len(heard.messages),
    }


async def query(stage: Stage) -> Any:
    """By each of two keys, by both ids, by time; and for what is not there."""
    topic = await stage.topic("Query", 1)
    properties = {"colour": "grün ☕"}
    one = message(topic, "query-0", "tag", keys="red blue", properties=properties)
    sent = await stage.producer.send(one)
    await stage.producer.send(message(topic, "query-1", "tag"))
    admin, puller, lane = stage.admin, stage.puller, queue(topic, 0)
    by_key = await until(lambda: admin.messages_by_key(topic, "blue"))
    (by_unique,) = await until(lambda: admin.messages_by_key(topic, sent.msg_id))
    (address,) = await admin.addresses(topic)
    by_offset = await admin.message_at(address, by_unique.physical_offset)
    return {
        "by key": bodies(by_key),
        "property": by_key[0].properties["colour"],
        "by offset": by_offset.body.decode(),
        "by unique id": by_unique.body.decode(),
        "keys": by_unique.keys,
        "one id": by_offset.msg_id == by_unique.msg_id,
        "not there": await admin.messages_by_key(topic, "green"),
        "at the beginning of time": await puller.at_time(lane, 0),
        "at its time": await puller.at_time(lane, by_offset.store_timestamp),
    }


ALL = {"reset": reset, "query": query}
