"""Claims about a broker's files: names, sizes, bytes, and what a stop leaves behind."""

from __future__ import annotations

from dataclasses import asdict

from rmqlab.classroom.conform.claim import ONE, TWO, claim
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.routing import cluster
from rmqlab.classroom.conform.stage import BROKER, NAMES, Stage, bodies, until
from rmqlab.classroom.topology import load
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
async def a_broker_outlives_a_stop_and_a_kill(stage: Stage) -> Json:
    """What was acknowledged outlives a stop and a kill of the broker's process.

    Its abort file tells them apart: it is there while a broker runs, and after a kill.
    """
    lane = await stage.topic("Outliving")
    told = {"running": _left(stage)}
    for strike in (stage.cluster.stop, stage.cluster.kill):
        for number in range(3):
            await stage.send(lane, f"before a {strike.__name__}: {number}")
        await strike(BROKER)
        told[strike.__name__] = _left(stage)
        await stage.cluster.restart(BROKER)
        await stage.producer.instance.fetch_route(lane.topic)
    stored = bodies(await stage.stored(lane, 6))
    sent = await stage.send(lane, "next")
    return told | {"stored": stored, "next": sent.queue_offset}


def _left(stage: Stage) -> Json:
    files = {one.path for one in stage.store().files()}
    return {name: name in files for name in ("abort", "checkpoint", "lock")}


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


@claim("09", TWO, alone=True)
async def two_masters_of_one_name_are_one(stage: Stage) -> Json:
    """Of two masters with one name a name server knows the one that registered last."""
    (other,) = (one for one in load(TWO.topology).nodes if one.name == "broker-b")
    text = (other.text or "").replace("brokerName=broker-b", "brokerName=broker-a")
    await stage.cluster.configure(other.name, text)
    await stage.cluster.restart(other.name)
    known = (await cluster(stage, NAMES))["body"]["brokerAddrTable"]
    await stage.cluster.configure(other.name, other.text or "")
    await stage.cluster.restart(other.name)
    return {name: sorted(one["brokerAddrs"]) for name, one in known.items()}
