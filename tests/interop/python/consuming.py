"""All ways to consume."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from typing import Any

from rmqlab.client import Consumed, Later
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.errors import RemoteError
from rmqlab.protocol.codes import Permission
from tests.interop.python.stage import Heard, Stage, bodies, message, queue, until


async def _send(stage: Stage, topic: str, numbers: range, queues: int) -> None:
    for at in numbers:
        await stage.producer.send(
            message(topic, f"{topic}-{at}"), queue(topic, at % queues)
        )


def _share(consumer, topic: str) -> list[int]:
    return [one.queue_id for one in consumer.queues if one.topic == topic]


async def _begin(
    stage: Stage, stack: AsyncExitStack, topic: str, listeners, shares, **options
) -> None:
    """Begin consumers of a group; return when each has its share of the queues."""
    group = []
    for listener in listeners:
        consumer = stage.consumer(f"{topic}-group", listener, **options)
        group.append(await stack.enter_async_context(consumer))
        await consumer.subscribe(topic)
    await until(lambda: sorted(len(_share(one, topic)) for one in group) == shares)


async def clustering(stage: Stage) -> Any:
    """Two of a group."""
    topic = await stage.topic("Clustering", 4)
    heard = Heard(), Heard()
    async with AsyncExitStack() as stack:
        await _begin(stage, stack, topic, heard, [2, 2])
        await _send(stage, topic, range(8), 4)
        facts = [
            {
                "heard": await one.reaches(4),
                "queues": sorted({got.queue_id for got in one.messages}),
            }
            for one in heard
        ]
    return sorted(facts, key=lambda fact: fact["queues"])


async def broadcasting(stage: Stage) -> Any:
    """Two of a group, each of which is given everything."""
    topic = await stage.topic("Broadcasting", 2)
    heard = [Heard(), Heard()]
    async with AsyncExitStack() as stack:
        for number, listener in enumerate(heard):
            settings = {
                "instance_name": f"broadcasting-{number}",
                "local_offset_store_dir": str(stage.folder / "offsets"),
            }
            options = {"broadcasting": True, "settings": settings}
            await _begin(stage, stack, topic, [listener], [2], **options)
        await _send(stage, topic, range(4), 2)
        return [await one.reaches(4) for one in heard]


async def ordered(stage: Stage) -> Any:
    """Orders of three steps, each order to the queue of its number; one step fails."""
    topic = await stage.topic("Ordered", 3)
    heard = Heard()

    def listener(step):
        heard(step)
        is_first = step.body == b"order-1 step-1" and heard.times("order-1 step-1") == 1
        return Consumed.SUSPEND_CURRENT_QUEUE_A_MOMENT if is_first else Consumed.SUCCESS

    settings = {"suspend_current_queue_time_millis": 100}
    async with AsyncExitStack() as stack:
        options = {"orderly": True, "settings": settings}
        await _begin(stage, stack, topic, [listener, listener], [1, 2], **options)
        for step in range(3):
            for order in range(3):
                one = message(topic, f"order-{order} step-{step}")
                await stage.producer.send(one, queue(topic, order))
        await heard.reaches(10)
    facts = defaultdict(list)
    for one in heard.messages:
        facts[str(one.queue_id)].append(one.body.decode())
    return facts


async def retried(stage: Stage) -> Any:
    """One message that nobody can consume, beside one that needs a second try."""
    topic = await stage.topic("Retried", 1)
    heard = Heard()

    def listener(one):
        heard(one)
        if one.tags == "bad":
            return Later()
        return None if one.reconsume_times == 1 else Later(delay_level=1)

    settings = {"max_reconsume_times": 2}
    async with stage.consumer("retried-group", listener, settings=settings) as consumer:
        await consumer.subscribe(topic, "bad || lazy")
        sent = await stage.producer.send(message(topic, "never", "bad"))
        await stage.producer.send(message(topic, "twice", "lazy"))
        await heard.reaches(5)
        dead, retries = queue("%DLQ%retried-group", 0), queue("%RETRY%retried-group", 0)
        await until(lambda: stage.queues_of(dead.topic))
        # 4.4 makes this topic such that nobody may read it.
        await stage.topic(dead.topic, 1)
        await until(lambda: _is_readable(stage, dead.topic))
        (last,) = await stage.stored(dead, 1)
        waiting = await stage.puller.end(retries)
    return {
        "tries": sorted(
            f"{one.body.decode()} {one.reconsume_times} {one.topic}"
            for one in heard.messages
        ),
        "waiting for retries": waiting,
        "dead": last.body.decode(),
        "tags": last.tags,
        "reconsumed": last.reconsume_times,
        "came from": last.properties["RETRY_TOPIC"],
        "origin is told": last.properties["ORIGIN_MESSAGE_ID"] == sent.offset_msg_id,
    }


async def _is_readable(stage: Stage, topic: str) -> bool:
    route = await stage.admin.known_route(topic)
    return bool(route.queues[0].perm & Permission.READ)


async def resumed(stage: Stage) -> Any:
    """A group that goes and comes back is given only what is new."""
    topic = await stage.topic("Resumed", 1)
    facts = []
    for done in (0, 3):
        await _send(stage, topic, range(done, done + 3), 1)
        heard = Heard()
        options = {"start": ConsumeFrom.LAST_OFFSET}
        async with stage.consumer("resumed-group", heard, **options) as consumer:
            await consumer.subscribe(topic)
            facts.append(await heard.reaches(3))
            await stage.has_committed("resumed-group", queue(topic, 0), done + 3)
    return facts


async def _chosen(
    stage: Stage, topic: str, group: str, count: int, text: str, kind: str = "TAG"
) -> list[str]:
    """Return the first so many messages that a group is given, which asks for some."""
    heard = Heard()
    async with stage.consumer(group, heard) as consumer:
        await consumer.subscribe(topic, text, kind)
        return await heard.reaches(count)


async def tags(stage: Stage) -> Any:
    """One queue, and the last is wanted: what is not, would have come before it."""
    topic = await stage.topic("Tags", 1)
    for tag in ("red", "green", "blue", "green", "", "red", "blue"):
        await stage.producer.send(message(topic, f"tag {tag}", tag or None))
    return await _chosen(stage, topic, "tags-group", 4, "red || blue")


async def sql(stage: Stage) -> Any:
    """Filters over six messages."""
    topic = await stage.topic("Sql", 1)
    for at, colour in enumerate(["red", "blue", None, "red", "green", "red"]):
        properties = {"price": str(10 * at)} | ({"colour": colour} if colour else {})
        one = message(topic, f"sql-{at}", f"tag-{at % 2}", properties=properties)
        await stage.producer.send(one)
    wanted = {
        "compared": (4, "price > 10 AND price <= 50"),
        "among": (4, "colour IN ('red', 'green')"),
        "none": (2, "colour IS NULL OR price >= 50"),
        "not": (2, "NOT (colour = 'blue') AND price NOT BETWEEN 25 AND 45"),
        "tag": (2, "TAGS = 'tag-1' AND colour <> 'blue'"),
    }
    facts = {
        name: await _chosen(stage, topic, f"sql-{name}", count, text, "SQL92")
        for name, (count, text) in wanted.items()
    }
    return facts | {"refused": await _refused(stage, topic, "price >")}


async def _refused(stage: Stage, topic: str, text: str) -> int | str:
    """Return the response code with which a consumer is not let in."""
    async with stage.consumer("sql-refused", Heard()) as consumer:
        try:
            await consumer.subscribe(topic, text, "SQL92")
        except RemoteError as error:
            return error.code
    return "let in"


async def pulled(stage: Stage) -> Any:
    """Statuses, next and bounds of pulls at all places; a wait that an arrival ends."""
    lane = queue(await stage.topic("Pulled", 1), 0)
    pull, told = stage.puller.pull, []
    told.append(await pull(lane, 0))
    for at, tag in enumerate(["one", "two"]):
        await stage.producer.send(message("Pulled", f"pulled-{at}", tag))
    await stage.stored(lane, 2)
    told.append(await pull(lane, 0))
    told.append(await pull(lane, 1, limit=1))
    told.append(await pull(lane, 0, "two"))
    told.append(await pull(lane, 0, "three"))
    told.append(await pull(lane, 2))
    told.append(await pull(lane, 9))
    waiting = asyncio.create_task(pull(lane, 2, "two", wait=True))
    await stage.producer.send(message("Pulled", "pulled-2", "two"))
    told.append(await waiting)
    stage.puller.update(lane, 2)
    await stage.puller.save()
    await stage.has_committed("pullers", lane, 2)
    return {
        "pulls": [
            [
                one.status.name,
                one.next_offset,
                one.min_offset,
                one.max_offset,
                bodies(one.messages) or None,
            ]
            for one in told
        ],
        "committed": await stage.puller.committed(lane),
    }


ALL = {
    "clustering": clustering,
    "broadcasting": broadcasting,
    "ordered": ordered,
    "retried": retried,
    "resumed": resumed,
    "tags": tags,
    "sql": sql,
    "pulled": pulled,
}
