"""All ways to send."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from itertools import chain
from typing import Any

from rmqlab.client import Producer, TransactionProducer, Verdict
from tests.interop.python.stage import Stage, bodies, message, queue, quick, until


async def sync(stage: Stage) -> Any:
    """Eight to four queues, waiting for each answer."""
    topic = await stage.topic("Sync", 4)
    # One of its own: a producer takes the queues of all its topics in one turn.
    async with Producer("sync-senders", stage.servers, quick()) as producer:
        results = [await producer.send(message(topic, f"sync-{at}")) for at in range(8)]
    offsets = defaultdict(list)
    for one in results:
        offsets[str(one.queue.queue_id)].append(one.queue_offset)
    lanes = [await stage.stored(queue(topic, at), 2) for at in range(4)]
    return {
        "statuses": [one.status.name for one in results],
        "offsets": offsets,
        "stored": sorted(bodies(chain(*lanes))),
    }


async def created(stage: Stage) -> Any:
    """To a topic that nobody has made."""
    result = await stage.producer.send(message("Created", "first"))
    await until(lambda: stage.queues_of("Created"))
    return {
        "status": result.status.name,
        "queues": await stage.queues_of("Created"),
        "stored": bodies(await stage.stored(result.queue, 1)),
    }


async def at_once(stage: Stage) -> Any:
    """Eight, none of which waits for another's answer."""
    topic = await stage.topic("Async", 1)
    sends = (stage.producer.send(message(topic, f"async-{at}")) for at in range(8))
    results = await asyncio.gather(*sends)
    return {
        "statuses": [one.status.name for one in results],
        "stored": sorted(bodies(await stage.stored(queue(topic, 0), 8))),
    }


async def oneway(stage: Stage) -> Any:
    """Eight without an answer."""
    lane = queue(await stage.topic("Oneway", 1), 0)
    for at in range(8):
        await stage.producer.send_one_way(message("Oneway", f"oneway-{at}"), lane)
    return sorted(bodies(await stage.stored(lane, 8)))


async def batch(stage: Stage) -> Any:
    """After another message, so that the first offset is not 0 by chance."""
    lane = queue(await stage.topic("Batch", 1), 0)
    await stage.producer.send(message("Batch", "alone"), lane)
    several = [message("Batch", f"batch-{at}", f"tag-{at}") for at in range(3)]
    result = await stage.producer.send_batch(several, lane)
    stored = (await stage.stored(lane, 4))[1:]
    (address,) = await stage.admin.addresses("Batch")
    look = stage.admin.message_at
    seen = [(await look(address, one.physical_offset)).msg_id for one in stored]
    ids = [one.msg_id for one in stored]
    return {
        "status": result.status.name,
        "offset": result.queue_offset,
        "stored": bodies(stored),
        "tags": [one.tags for one in stored],
        "ids are the stored ones": result.msg_id == ",".join(ids),
        "each is seen by its offset": seen == ids,
    }


async def delayed(stage: Stage) -> Any:
    """The second level's is sent first."""
    lane = queue(await stage.topic("Delayed", 1), 0)
    clock = stage.producer.instance.clock
    sent_ms = {}
    for level in (2, 1):
        sent_ms[level] = clock.now_ms()
        one = message("Delayed", f"level-{level}", "tag", delay_level=level)
        await stage.producer.send(one, lane)
    before = await stage.puller.end(lane)
    stored = await stage.stored(lane, 2)
    return {
        "at first": before,
        "stored": bodies(stored),
        "tag": stored[0].tags,
        "not before its time": [
            stored[level - 1].store_timestamp - sent_ms[level] >= 3000 * level
            for level in (1, 2)
        ],
    }


async def transaction(stage: Stage) -> Any:
    """Verdicts at once, and verdicts that the broker has to ask for."""
    topic = await stage.topic("Transaction", 1)
    asked: Counter[str] = Counter()
    verdicts = {
        "commit": Verdict.COMMIT,
        "rollback": Verdict.ROLLBACK,
        "asked-commit": Verdict.UNKNOWN,
        "asked-rollback": Verdict.UNKNOWN,
    }

    def check(half):
        body = half.body.decode()
        asked[f"{body} of {half.topic}"] += 1
        if asked[f"{body} of {half.topic}"] > 1:
            return Verdict.UNKNOWN  # asked again before the first answer was heard
        return Verdict.COMMIT if body == "asked-commit" else Verdict.ROLLBACK

    async with TransactionProducer("tellers", stage.servers, check, quick()) as teller:
        results = [
            await teller.send(
                message(topic, body, "tag", keys=f"key-{body}"),
                lambda half, verdict=verdict: verdict,
            )
            for body, verdict in verdicts.items()
        ]
        await until(lambda: len(asked) == 2)
        await stage.stored(queue(topic, 0), 2)
    await stage.producer.send(message(topic, "last"))
    stored = await stage.stored(queue(topic, 0), 3)
    return {
        "statuses": [one.sent.status.name for one in results],
        "asked": sorted(asked),
        "stored": bodies(stored),
        "found by key": bodies(
            await stage.admin.messages_by_key(topic, "key-asked-commit")
        ),
    }


ALL = {
    "sync": sync,
    "created": created,
    "async": at_once,
    "oneway": oneway,
    "batch": batch,
    "delayed": delayed,
    "transaction": transaction,
}
