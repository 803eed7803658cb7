"""Claims about a broker's files: names, sizes, bytes, and what a stop leaves behind."""

from __future__ import annotations

from dataclasses import asdict

from rmqlab.classroom.conform.claim import ONE, TWO, claim
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.stage import BROKER, Stage, bodies, until
from rmqlab.protocol.message import MessageQueue
from rmqlab.protocol.record import Record, decode, encode

OF_TIMES = {"born_timestamp": 0, "store_timestamp": 0, "physical_offset": 0}
OF_PLACES = {"born_host": ("127.0.0.1", 1), "store_host": ("127.0.0.1", 1)}


@claim("03", ONE)
async def a_store_has_these_files(stage: Stage) -> Json:
    """A store is a log, queues, an index, tables, checkpoint, abort file and lock."""
    lane = await stage.topic("Filed")
    await stage.send(lane, "one", keys="key")
    await stage.stored(lane)
    files = stage.store().files()
    sizes = {one.path: one.size for one in files}
    return {
        "log": _first(sizes, "commitlog/"),
        "queue": _first(sizes, "consumequeue/Filed/0/"),
        "index": [size for path, size in sizes.items() if path.startswith("index/")],
        "others": sorted(path for path in sizes if "/" not in path),
        "checkpoint": sizes.get("checkpoint"),
    }


def _first(sizes: dict[str, int], below: str) -> tuple[str, int]:
    return next(one for one in sorted(sizes.items()) if one[0].startswith(below))


@claim("03", ONE)
async def a_message_is_a_record_in_the_log(stage: Stage) -> Json:
    """A record has the same bytes, but for times, hosts and its place."""
    lane = await stage.topic("Recorded")
    properties = {"UNIQ_KEY": "0" * 32, "colour": "grün ☕"}
    await stage.send(lane, "one coffee ☕", tags="paid", properties=properties)
    (stored,) = await stage.stored(lane)
    data = stage.store().log(stored.physical_offset + stored.size)
    record = decode(data, stored.physical_offset)
    if not isinstance(record, Record):
        return "no record"
    same = asdict(record) | OF_TIMES | OF_PLACES
    is_whole = data[stored.physical_offset :] == encode(record)
    named = _without_id(record.properties.decode())
    same["properties"] = named.encode()
    return {
        "is what we would write": is_whole,
        "properties": named,
        "bytes": encode(Record(**same)).hex(),
        "size": record.size,
    }


def _without_id(properties: str) -> str:
    """Return properties in the order of their names, the unique id left out."""
    pairs = (one.partition("\x01") for one in properties.split("\x02") if one)
    found = {key: value for key, _, value in pairs if key != "UNIQ_KEY"}
    return "\x02".join(f"{key}\x01{value}" for key, value in sorted(found.items()))


@claim("11", TWO, alone=True)
async def a_stop_and_a_kill_leave_different_files(stage: Stage) -> Json:
    """A running or killed broker's abort file is there, a stopped one's is not."""
    lane = await stage.topic("Stopped")
    await stage.send(lane, "one")
    await stage.stored(lane)
    told = {"running": _left(stage)}
    await stage.cluster.stop(BROKER)
    told["stopped"] = _left(stage)
    await stage.cluster.restart(BROKER)
    told["running again"] = _left(stage)
    await stage.cluster.kill(BROKER)
    told["killed"] = _left(stage)
    await stage.cluster.restart(BROKER)
    told["restarted"] = _left(stage)
    return told


def _left(stage: Stage) -> Json:
    files = {one.path for one in stage.store().files()}
    return {name: name in files for name in ("abort", "checkpoint", "lock")}


@claim("11", TWO, alone=True)
async def messages_outlive_a_stop_and_a_kill(stage: Stage) -> Json:
    """After a stop or a kill of its process a broker has all that it acknowledged."""
    lane = await stage.topic("Outliving")
    for at, strike in enumerate((stage.cluster.stop, stage.cluster.kill)):
        for number in range(3):
            await stage.send(lane, f"{at}-{number}")
        await strike(BROKER)
        await stage.cluster.restart(BROKER)
        await stage.producer.instance.fetch_route(lane.topic)
    found = await stage.stored(lane, 6)
    sent = await stage.send(lane, "next")
    return {"stored": bodies(found), "next": sent.queue_offset}


@claim("06", TWO, alone=True)
async def what_lies_on_a_dead_master_waits(stage: Stage) -> Json:
    """Without a slave what a dead master has is unread until it is back."""
    lane = await stage.topic("Waiting")
    await stage.send(lane, "one")
    await stage.stored(lane)
    await stage.cluster.kill(BROKER)
    await until(lambda: _is_alone(stage, "Waiting"))
    results = [await stage.send("Waiting", f"{at}") for at in range(4)]
    await stage.cluster.restart(BROKER)
    await until(lambda: _is_alone(stage, "Waiting", 2))
    return {
        "sent to": sorted({one.queue.broker_name for one in results}),
        "then read": bodies(await stage.stored(MessageQueue("Waiting", BROKER, 0))),
    }


async def _is_alone(stage: Stage, topic: str, masters: int = 1) -> bool:
    route = await stage.admin.route(topic)
    return route is not None and len(route.brokers) == masters
