"""Claims about groups: who is given what, from where on, and what is filtered."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from typing import Any

from rmqlab.classroom.conform.claim import ONE, claim
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.stage import Heard, Stage, bodies, refused, until
from rmqlab.client import Consumed, PushConsumer
from rmqlab.client.listener import Listener
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.protocol.message import MessageQueue, StoredMessage


async def _sent(stage: Stage, topic: str, count: int, queues: int = 1) -> MessageQueue:
    """Make a topic and send so many messages, to its queues in turn."""
    lane = await stage.topic(topic, queues)
    for at in range(count):
        await stage.send(lane._replace(queue_id=at % queues), f"{topic}-{at}")
    return lane


async def _join(
    stage: Stage,
    stack: AsyncExitStack,
    topic: str,
    listener: Listener,
    **options: Any,
) -> PushConsumer:
    """Let a consumer of the topic's group begin."""
    consumer = stage.consumer(f"{topic}-group", listener, **options)
    await stack.enter_async_context(consumer)
    await consumer.subscribe(topic)
    return consumer


def _share(consumer: PushConsumer, topic: str) -> list[int]:
    return [one.queue_id for one in consumer.queues if one.topic == topic]


async def _shared(group: list[PushConsumer], topic: str, shares: list[int]) -> None:
    """Wait until the members have so many queues each."""
    await until(lambda: sorted(len(_share(one, topic)) for one in group) == shares)


@claim("07", ONE)
async def a_group_shares_the_queues(stage: Stage) -> Json:
    """Two members of a group have two of four queues each, and every message once."""
    await stage.topic("Shared", 4)
    heard = Heard(), Heard()
    async with AsyncExitStack() as stack:
        group = [await _join(stage, stack, "Shared", one) for one in heard]
        await _shared(group, "Shared", [2, 2])
        for at in range(8):
            await stage.send(MessageQueue("Shared", "broker-a", at % 4), f"{at}")
        told = [await one.reaches(4) for one in heard]
    return sorted(told)


@claim("07", ONE)
async def a_fifth_member_of_four_queues_is_idle(stage: Stage) -> Json:
    """A queue has one consumer of a group: of five members one has none."""
    await stage.topic("Idle", 4)
    async with AsyncExitStack() as stack:
        group = [await _join(stage, stack, "Idle", Heard()) for _ in range(5)]
        await _shared(group, "Idle", [0, 1, 1, 1, 1])
    return [0, 1, 1, 1, 1]


@claim("07", ONE)
async def whoever_broadcasts_is_given_everything(stage: Stage) -> Json:
    """Each member of a broadcasting group has all; no offset is kept for it."""
    await stage.topic("Broadcast", 2)
    heard = Heard(), Heard()
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            for number, listener in enumerate(heard):
                own = {"instance_name": f"b{number}", "local_offset_store_dir": folder}
                how = {"broadcasting": True, "settings": own}
                consumer = await _join(stage, stack, "Broadcast", listener, **how)
                await _shared([consumer], "Broadcast", [2])
            for at in range(4):
                await stage.send(MessageQueue("Broadcast", "broker-a", at % 2), f"{at}")
            told = [await one.reaches(4) for one in heard]
    kept = await stage.admin.consumer_offsets(stage.address())
    return {"told": told, "kept": [one for one in kept if "Broadcast" in one]}


@claim("07", ONE)
async def an_orderly_group_keeps_each_queues_order(stage: Stage) -> Json:
    """An orderly consumer passes over nothing: what fails comes again before others."""
    topic, heard = "Orderly", Heard()

    def listener(step: StoredMessage) -> Consumed:
        heard(step)
        is_first = bodies(heard.messages).count("order-1 step-1") == 1
        if step.body == b"order-1 step-1" and is_first:
            return Consumed.SUSPEND_CURRENT_QUEUE_A_MOMENT
        return Consumed.SUCCESS

    lane = await stage.topic(topic, 2)
    soon = {"suspend_current_queue_time_millis": 100}
    async with AsyncExitStack() as stack:
        await _join(stage, stack, topic, listener, orderly=True, settings=soon)
        for step in range(3):
            for order in range(2):
                body = f"order-{order} step-{step}"
                await stage.send(lane._replace(queue_id=order), body)
        await heard.reaches(7)
    by_queue = defaultdict(list)
    for one in heard.messages:
        by_queue[one.queue_id].append(one.body.decode())
    return by_queue


@claim("07", ONE)
async def a_group_goes_on_where_it_was(stage: Stage) -> Json:
    """A group that comes back is given only what came since."""
    lane = await stage.topic("Resumed")
    told = []
    for round_ in range(2):
        for at in range(3):
            await stage.send(lane, f"{round_}-{at}")
        heard = Heard()
        async with AsyncExitStack() as stack:
            await _join(stage, stack, "Resumed", heard)
            told.append(await heard.reaches(3))
    offsets = await stage.admin.consumer_offsets(stage.address())
    return {"told": told, "offset": offsets["Resumed@Resumed-group"]}


@claim("07", ONE)
async def a_new_group_at_the_last_offset_still_reads_a_short_queue(
    stage: Stage,
) -> Json:
    """CONSUME_FROM_LAST_OFFSET begins at 0 while a queue's first messages are there."""
    await _sent(stage, "LastOffset", 3)
    heard = Heard()
    async with AsyncExitStack() as stack:
        start = {"start": ConsumeFrom.LAST_OFFSET}
        await _join(stage, stack, "LastOffset", heard, **start)
        return await heard.reaches(3)


@claim("07", ONE)
async def tags_are_filtered_by_the_broker(stage: Stage) -> Json:
    """A pull for a tag brings what has that tag, and goes on behind the others."""
    lane = await stage.topic("Tagged")
    for tag in ("red", "green", "blue", "", "red"):
        await stage.send(lane, f"tag {tag}", tags=tag or None)
    await stage.stored(lane, 5)
    pulls = [
        await stage.puller.pull(lane, 0, text)
        for text in ("red", "green || blue", "grey", "*")
    ]
    return [(one.status.name, one.next_offset, bodies(one.messages)) for one in pulls]


SQL = {
    "compared": (4, "price > 10 AND price <= 50"),
    "among": (4, "colour IN ('red', 'green')"),
    "absent": (2, "colour IS NULL OR price >= 50"),
    "not": (2, "NOT (colour = 'blue') AND price NOT BETWEEN 25 AND 45"),
}


@claim("14", ONE)
async def properties_are_filtered_by_sql(stage: Stage) -> Json:
    """With enablePropertyFilter a group may ask for messages by an SQL92 expression."""
    lane = await stage.topic("Sql")
    for at, colour in enumerate(["red", "blue", None, "red", "green", "red"]):
        properties = {"price": str(10 * at)} | ({"colour": colour} if colour else {})
        await stage.send(lane, f"{at}", properties=properties)
    told = {}
    for name, (count, text) in SQL.items():
        heard = Heard()
        async with stage.consumer(f"sql-{name}", heard) as consumer:
            await consumer.subscribe("Sql", text, "SQL92")
            told[name] = await heard.reaches(count)
    return told


@claim("14", ONE)
async def a_filter_that_is_none_is_refused(stage: Stage) -> Json:
    """A consumer whose SQL92 expression does not parse is not let in."""
    await stage.topic("NoSql")
    told = {}
    for text in ("price >", "price > 10 AND", "price > 10 colour"):
        async with stage.consumer("no-sql", Heard()) as consumer:
            told[text] = await refused(consumer.subscribe("NoSql", text, "SQL92"))
    return told


@claim("07", ONE)
async def a_pull_is_told_where_to_go_on(stage: Stage) -> Json:
    """A pull at, beyond and before a queue's end is told so, and the next offset."""
    lane = await _sent(stage, "Pulled", 3)
    await stage.stored(lane, 3)
    pulls = [await stage.puller.pull(lane, at) for at in (0, 2, 3, 9)]
    return [
        (one.status.name, one.next_offset, one.min_offset, one.max_offset)
        for one in pulls
    ]


@claim("07", ONE)
async def a_pull_waits_for_a_message(stage: Stage) -> Json:
    """A pull at the end is held until a message comes."""
    lane = await stage.topic("Held")
    await stage.puller.queues("Held")
    waiting = asyncio.create_task(stage.puller.pull(lane, 0, wait=True))
    await stage.send(lane, "late")
    return bodies((await waiting).messages)
