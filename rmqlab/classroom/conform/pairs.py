"""Claims about masters and slaves: statuses, copies, and who takes over what."""

from __future__ import annotations

from rmqlab.classroom.conform.claim import ASYNC, SYNC, TWO, claim
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.routing import cluster, route
from rmqlab.classroom.conform.sending import by_hand
from rmqlab.classroom.conform.stage import BROKER, Heard, Stage, bodies, until
from rmqlab.protocol.admin import GetAllConsumerOffset, GetAllTopicConfig
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.message import MessageQueue

SLAVE = "broker-a-s"
PAIRS = (("broker-a", "broker-a-s"), ("broker-b", "broker-b-s"))


@claim("06", TWO)
async def a_topic_is_spread_over_masters(stage: Stage) -> Json:
    """A topic has queues on every master, and a producer takes them all in turn."""
    await stage.topic("Spread", 2)
    await until(lambda: _brokers(stage, "Spread", 2))
    results = [await stage.send("Spread", f"{at}") for at in range(8)]
    return {
        "route": await route(stage, "Spread"),
        "sent": sorted(
            (one.queue.broker_name, one.queue.queue_id, one.queue_offset)
            for one in results
        ),
    }


@claim("05", TWO)
async def name_servers_know_the_same(stage: Stage) -> Json:
    """Two name servers know the same brokers, though they never talk to each other."""
    answers = [await cluster(stage, one) for one in ("namesrv1", "namesrv2")]
    return {"equal": answers[0] == answers[1], "one": answers[0]}


async def _brokers(stage: Stage, topic: str, count: int) -> bool:
    found = await stage.admin.route(topic)
    return found is not None and len(found.brokers) == count


@claim("09", SYNC)
async def a_route_has_masters_and_slaves(stage: Stage) -> Json:
    """A route has a pair's addresses by id: 0 is the master's."""
    await stage.topic("Paired", 1)
    await until(lambda: _brokers(stage, "Paired", 2))
    return await route(stage, "Paired")


@claim("10", SYNC)
async def a_double_write_is_send_ok(stage: Stage) -> Json:
    """With a slave that follows, a send to a SYNC_MASTER is SEND_OK."""
    lane = await stage.topic("Doubled")
    return [
        (await stage.send(lane._replace(broker_name=master), "one")).status.name
        for master, _ in PAIRS
    ]


@claim("09", SYNC)
async def a_slave_is_its_masters_copy(stage: Stage) -> Json:
    """A slave's log has the bytes of its master's, and gives the same messages."""
    lane = await stage.topic("Copied")
    for at in range(3):
        await stage.send(lane, f"{at}")
    messages = await stage.stored(lane, 3)
    end = messages[-1].physical_offset + messages[-1].size
    logs = [stage.store(one).log(end) for one in PAIRS[0]]
    there = stage.address(SLAVE)
    await until(lambda: _is_listed(stage, "Copied"))
    copies = [one async for one in stage.admin.messages(lane, there)]
    return {"equal": logs[0] == logs[1], "read from the slave": bodies(copies)}


async def _is_listed(stage: Stage, topic: str) -> bool:
    return topic in await stage.admin.topic_configs(stage.address(SLAVE))


@claim("09", SYNC)
async def a_slave_takes_no_messages(stage: Stage) -> Json:
    """A slave refuses sends."""
    await stage.topic("ToASlave")
    await until(lambda: _is_listed(stage, "ToASlave"))
    return await stage.told(by_hand("ToASlave"), b"one", at=SLAVE)


@claim("09", SYNC)
async def a_slave_copies_its_masters_tables(stage: Stage) -> Json:
    """A slave asks its master for topics, groups and offsets every ten seconds."""
    lane = await stage.topic("Tables")
    await stage.send(lane, "one")
    heard = Heard()
    async with stage.consumer("tables-group", heard) as consumer:
        await consumer.subscribe("Tables")
        await heard.reaches(1)
    key = "Tables@tables-group"

    async def is_copied() -> bool:
        found = await stage.told(GetAllConsumerOffset(), at=SLAVE)
        return key in found["body"]["offsetTable"]

    await until(is_copied)
    offsets = await stage.told(GetAllConsumerOffset(), at=SLAVE)
    topics = await stage.told(GetAllTopicConfig(), at=SLAVE)
    return {
        "offset": offsets["body"]["offsetTable"][key],
        "topic": topics["body"]["topicConfigTable"]["Tables"],
    }


@claim("10", SYNC, alone=True)
async def a_slave_that_stands_still_is_waited_for(stage: Stage) -> Json:
    """While its slave stands still, a SYNC_MASTER's send is FLUSH_SLAVE_TIMEOUT."""
    lane = await stage.topic("StandingStill")
    await stage.cluster.pause(SLAVE)
    try:
        return await stage.told(by_hand(lane.topic), b"one")
    finally:
        await stage.cluster.resume(SLAVE)


@claim("10", SYNC, alone=True)
async def without_its_slave_a_master_says_so(stage: Stage) -> Json:
    """Without a slave a SYNC_MASTER's send is SLAVE_NOT_AVAILABLE, and stored.

    A message that does not wait (WAIT=false) is SEND_OK.
    """
    lane = await stage.topic("SlaveGone")
    await stage.cluster.kill(SLAVE)
    await until(lambda: _is_missed(stage, lane))
    told = {
        "waits": await stage.told(by_hand(lane.topic), b"one"),
        "does not": await stage.told(by_hand(lane.topic, WAIT="false"), b"two"),
    }
    stored = await stage.stored(lane, 2)
    await stage.cluster.restart(SLAVE)
    await until(lambda: _is_followed(stage, lane))
    return told | {"stored": bodies(stored)[-2:]}


async def _is_missed(stage: Stage, lane: MessageQueue) -> bool:
    answer = await stage.call(by_hand(lane.topic), b"is it missed?")
    return answer.code == ResponseCode.SLAVE_NOT_AVAILABLE


async def _is_followed(stage: Stage, lane: MessageQueue) -> bool:
    answer = await stage.call(by_hand(lane.topic), b"does it follow?")
    return answer.code == ResponseCode.SUCCESS


@claim("09", SYNC, alone=True)
async def a_slave_serves_its_dead_masters_readers(stage: Stage) -> Json:
    """When a master is dead, its slave is read, and nobody writes to that name."""
    lane = await stage.topic("Bereaved")
    for at in range(3):
        await stage.send(lane, f"{at}")
    await until(lambda: _is_listed(stage, "Bereaved"))
    await stage.cluster.kill(BROKER)
    await until(lambda: _has_no_master(stage, "Bereaved"))
    heard = Heard()
    async with stage.consumer("bereaved-group", heard) as consumer:
        await consumer.subscribe("Bereaved")
        read = await heard.reaches(3)
    results = [await stage.send("Bereaved", f"after {at}") for at in range(2)]
    told = {
        "route": await route(stage, "Bereaved"),
        "read": read,
        "sent to": sorted({one.queue.broker_name for one in results}),
    }
    await stage.cluster.restart(BROKER)
    await until(lambda: _is_followed(stage, lane))
    return told


async def _has_no_master(stage: Stage, topic: str) -> bool:
    found = await stage.admin.known_route(topic)
    (pair,) = (one for one in found.brokers if one.broker_name == BROKER)
    return 0 not in pair.broker_addrs


@claim("09", ASYNC, alone=True)
async def an_async_master_does_not_miss_its_slave(stage: Stage) -> Json:
    """An ASYNC_MASTER's send is SEND_OK without a slave; later that catches up."""
    lane = await stage.topic("Missing")
    await stage.cluster.kill(SLAVE)
    results = [await stage.send(lane, f"{at}") for at in range(3)]
    await stage.cluster.restart(SLAVE)
    messages = await stage.stored(lane, 3)
    end = messages[-1].physical_offset + messages[-1].size
    log = stage.store(BROKER).log(end)
    await until(lambda: stage.store(SLAVE).log(end) == log)
    return [one.status.name for one in results]
