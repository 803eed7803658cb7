"""Claims about operating: settings, statistics, connections, name servers' values."""

from __future__ import annotations

from typing import Any

from rmqlab.classroom.conform.claim import ONE, claim
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.stage import BROKER, NAMES, Heard, Stage, until
from rmqlab.classroom.topology import load
from rmqlab.config import parse_properties
from rmqlab.protocol.admin import (
    CleanQueues,
    CleanTopics,
    DeleteGroup,
    GetAllConsumeStats,
    GetAllDelayOffset,
    GetAllGroupConfig,
    GetBrokerConfig,
    GetConsumerConnections,
    GetProducerConnections,
    UpdateBrokerConfig,
    UpdateGroup,
    ViewStats,
)
from rmqlab.protocol.routing import (
    DeleteKvConfig,
    GetKvConfig,
    GetKvList,
    GetNamesrvConfig,
    PutKvConfig,
    UpdateNamesrvConfig,
)

DELAY_LEVELS = "scheduleMessageOffset_"
"""Of each that was used already."""


@claim("01", ONE)
async def a_node_that_is_up_says_so(stage: Stage) -> Json:
    """A node says in one line that it is up; a broker with its name and address."""
    return {
        node: [
            line.partition(" and name server")[0]
            for line in stage.said(node, "boot success")
        ]
        for node in (BROKER, NAMES)
    }


@claim("14", ONE)
async def a_broker_measures_itself(stage: Stage) -> Json:
    """The run-time information of a broker has these entries."""
    names = (name.partition("_/")[0] for name in await stage.measured())
    return sorted(name for name in names if not name.startswith(DELAY_LEVELS))


@claim("14", ONE)
async def what_a_broker_says_of_itself(stage: Stage) -> Json:
    """A broker tells which release it is."""
    table = await stage.measured()
    return [table["brokerVersionDesc"], table["brokerVersion"]]


@claim("14", ONE)
async def messages_are_counted_by_topic(stage: Stage) -> Json:
    """A broker counts what is put to a topic; of an unknown one there is no count."""
    await stage.topic("Statistics")
    for at in range(3):
        await stage.send("Statistics", f"{at}")
    ask = ViewStats("TOPIC_PUT_NUMS", "Statistics")
    found = await stage.told(ask)
    return {
        "windows": sorted(found["body"]),
        "in one": sorted(found["body"]["statsMinute"]),
        "none": await stage.told(ViewStats("TOPIC_PUT_NUMS", "NobodyMadeIt")),
    }


@claim("14", ONE, alone=True)
async def a_setting_changes_at_run_time(stage: Stage) -> Json:
    """A setting that is changed counts at once, and is written to the broker's file."""
    key = "maxTransferCountOnMessageInMemory"
    answer = await stage.told(UpdateBrokerConfig(), f"{key}=16\n".encode())
    reply = await stage.call(GetBrokerConfig())
    found = {one.key: one.value for one in parse_properties(reply.body.decode())}
    lane = await stage.topic("SettingChanged")
    for at in range(20):
        await stage.send(lane, f"{at}")
    await stage.stored(lane, 20)
    pulled = await stage.puller.pull(lane, 0)
    await stage.told(UpdateBrokerConfig(), f"{key}=32\n".encode())
    return {"answer": answer, "is": found[key], "pulled": len(pulled.messages)}


@claim("14", ONE, alone=True)
async def a_setting_that_is_none_changes_nothing(stage: Stage) -> Json:
    """A value that cannot be read leaves the setting as it was."""
    answer = await stage.told(UpdateBrokerConfig(), b"maxMessageSize=much\n")
    settings = await stage.admin.settings(stage.address())
    return {"answer": answer, "is": settings["maxMessageSize"]}


@claim("14", ONE)
async def a_brokers_settings_have_keys(stage: Stage) -> Json:
    """A broker tells the settings that the article's files are about."""
    settings = await stage.admin.settings(stage.address())
    named = {one.key for node in load("article").nodes for one in node.properties}
    return {
        key: settings.get(key)
        for key in sorted(named)
        if not key.startswith(("storePath", "namesrvAddr", "listenPort"))
    }


@claim("14", ONE)
async def a_name_servers_settings_can_be_asked_and_changed(stage: Stage) -> Json:
    """A name server tells its settings, and takes others."""
    answer = await stage.call(GetNamesrvConfig(), at=NAMES)
    keys = sorted(one.key for one in parse_properties(answer.body.decode()))
    body = b"orderMessageEnable=false\n"
    return {
        "keys": keys,
        "changed": await stage.told(UpdateNamesrvConfig(), body, at=NAMES),
    }


@claim("14", ONE)
async def name_servers_keep_values(stage: Stage) -> Json:
    """A name server keeps values by namespace and key; what it has not is code 22."""
    at: Any = {"at": NAMES}
    return [
        await stage.told(PutKvConfig("lab", "colour", "grün"), **at),
        await stage.told(GetKvConfig("lab", "colour"), **at),
        await stage.told(GetKvList("lab"), **at),
        await stage.told(DeleteKvConfig("lab", "colour"), **at),
        await stage.told(GetKvConfig("lab", "colour"), **at),
        await stage.told(GetKvList("nothing"), **at),
    ]


@claim("14", ONE)
async def a_group_that_is_new_has_settings(stage: Stage) -> Json:
    """A group is made by its first consumer, with 16 retries and one retry queue."""
    await stage.topic("Grouped")
    async with stage.consumer("grouped", Heard()) as consumer:
        await consumer.subscribe("Grouped")
        return await until(lambda: _group(stage, "grouped"))


async def _group(stage: Stage, name: str) -> Json:
    found = await stage.told(GetAllGroupConfig())
    return found["body"]["subscriptionGroupTable"].get(name)


@claim("14", ONE)
async def a_group_is_made_and_deleted_by_operators(stage: Stage) -> Json:
    """An operator makes a group with settings of its own, and deletes it."""
    body = {"groupName": "operated", "consumeEnable": True, "retryMaxTimes": 3}
    made = await stage.told(UpdateGroup(), body)
    found = await _group(stage, "operated")
    gone = await stage.told(DeleteGroup("operated", remove_offset=True))
    return [made, found, gone, await _group(stage, "operated")]


@claim("14", ONE)
async def who_is_connected_is_told(stage: Stage) -> Json:
    """A broker tells who consumes for a group, and what they asked for."""
    await stage.topic("Connected")
    async with stage.consumer("connected", Heard()) as consumer:
        await consumer.subscribe("Connected", "red || blue")
        ask = GetConsumerConnections("connected")
        found = await until(lambda: _connections(stage, ask))
        body = found["body"]
    for one in body["connectionSet"]:
        one["clientAddr"] = one["clientId"] = one["version"] = "…"
    for one in body["subscriptionTable"].values():
        one["subVersion"] = "…"
        for part in ("tagsSet", "codeSet"):
            one[part] = sorted(one[part])
    return {
        "there": body,
        "nobody": await stage.told(GetConsumerConnections("nobody")),
        "no producer": await stage.told(GetProducerConnections("nobody")),
    }


async def _connections(stage: Stage, ask: GetConsumerConnections) -> Json:
    found = await stage.told(ask)
    return found if "Connected" in found.get("body", {}).get(
        "subscriptionTable", {}
    ) else None  # fmt: skip


@claim("14", ONE)
async def a_broker_cleans_when_told(stage: Stage) -> Json:
    """Files of queues whose messages are gone, and of topics that are, are removed."""
    return [await stage.told(CleanQueues()), await stage.told(CleanTopics())]


@claim("08", ONE)
async def delay_levels_have_offsets(stage: Stage) -> Json:
    """How far each delay level is, and of what groups there are statistics, is told."""
    delays = await stage.told(GetAllDelayOffset())
    stats = await stage.told(GetAllConsumeStats(is_order=False))
    return {"delays": sorted(delays["body"]), "stats": sorted(stats["body"])}
