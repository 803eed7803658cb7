"""Claims about routes: who is told what of a topic, and by whom it is made."""

from __future__ import annotations

from rmqlab.classroom.conform.claim import ONE, claim
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.sending import by_hand, heard
from rmqlab.classroom.conform.stage import (
    BROKER,
    NAMES,
    Stage,
    bodies,
    refused,
    until,
)
from rmqlab.protocol.admin import CreateTopic, DeleteTopic, UpdateBrokerConfig
from rmqlab.protocol.admin import GetSystemTopics as BrokersOwnTopics
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.message import DEFAULT_TOPIC, Message, MessageQueue
from rmqlab.protocol.routing import (
    AddWritePermission,
    DeleteTopicInNamesrv,
    GetClusterInfo,
    GetRoute,
    GetSystemTopics,
    GetTopicsByCluster,
    PutKvConfig,
    WipeWritePermission,
)


async def route(stage: Stage, topic: str) -> Json:
    """Return a route as a name server tells it, by broker names.

    The flags' name has changed between the releases: one claim is about that, and not
    all that look at a route.
    """
    found = await stage.told(GetRoute(topic), at=NAMES)
    body = found.get("body", {})
    for queues in body.get("queueDatas", []):
        queues["topicSysFlag"] = queues.pop("topicSynFlag", queues.get("topicSysFlag"))
    for part in body.keys() & {"brokerDatas", "queueDatas"}:
        body[part].sort(key=lambda one: str(one["brokerName"]))
    return found


async def cluster(stage: Stage, name_server: str) -> Json:
    """Return the cluster as a name server tells it, its brokers sorted."""
    found = await stage.told(GetClusterInfo(), at=name_server)
    for names in found["body"]["clusterAddrTable"].values():
        names.sort()
    return found


def changed(name: str, queues: int, perm: int, *, order: bool = False) -> CreateTopic:
    """Return what makes a topic, or makes it another."""
    settings = name, DEFAULT_TOPIC, queues, queues, perm, "SINGLE_TAG", 0
    return CreateTopic(*settings, order=order)


async def _has_perm(stage: Stage, topic: str, perm: int) -> bool:
    found = await stage.admin.route(topic)
    return found is not None and found.queues[0].perm == perm


@claim("05", ONE)
async def an_unknown_topic_has_no_route(stage: Stage) -> Json:
    """A name server has no route for a topic that no broker has registered."""
    return await route(stage, "NobodyMadeIt")


@claim("05", ONE)
async def a_topic_is_born_by_a_send(stage: Stage) -> Json:
    """The first send to a topic that nobody made gives it defaultTopicQueueNums queues.

    It takes them from TBW102, whose route producers ask for.
    """
    await stage.send("Born", "first")
    await until(lambda: stage.has_route("Born"))
    return await route(stage, "Born")


@claim("05", ONE)
async def the_template_of_new_topics_has_a_route(stage: Stage) -> Json:
    """TBW102 is a topic with a route, and its permission says that it is inherited."""
    return await stage.told(GetRoute(DEFAULT_TOPIC), at=NAMES)


@claim("05", ONE)
async def a_topic_is_made_as_asked(stage: Stage) -> Json:
    """A topic that an operator makes has the queues that were asked for, at once."""
    answer = await stage.told(changed("Made", 3, 6))
    await until(lambda: stage.has_route("Made"))
    return {"answer": answer, "route": await route(stage, "Made")}


@claim("08", ONE)
async def an_order_topic_is_told_its_queues(stage: Stage) -> Json:
    """What ORDER_TOPIC_CONFIG has for a topic comes with its route."""
    order = PutKvConfig("ORDER_TOPIC_CONFIG", "InOrder", "broker-a:2")
    kept = await stage.told(order, at=NAMES)
    await stage.told(changed("InOrder", 2, 6, order=True))
    await until(lambda: stage.has_route("InOrder"))
    return {"kept": kept, "route": await route(stage, "InOrder")}


@claim("05", ONE)
async def nobody_writes_to_a_topic_that_is_read_only(stage: Stage) -> Json:
    """With permission 4 a producer finds no queue; the broker itself takes more."""
    lane = await stage.topic("ReadOnly")
    await stage.send(lane, "before")
    await stage.told(changed("ReadOnly", 1, 4))
    await until(lambda: _has_perm(stage, "ReadOnly", 4))
    return {
        "a producer": await refused(_send_fresh(stage, "ReadOnly")),
        "by hand": await stage.told(by_hand("ReadOnly"), b"by hand"),
        "read": bodies(await stage.stored(lane, 2)),
    }


@claim("05", ONE)
async def nobody_reads_a_topic_that_is_write_only(stage: Stage) -> Json:
    """A topic with permission 2 takes messages and gives none."""
    lane = await stage.topic("WriteOnly")
    await stage.told(changed("WriteOnly", 1, 2))
    await until(lambda: _has_perm(stage, "WriteOnly", 2))
    return {
        "send": (await stage.send(lane, "one")).status.name,
        "pull": await refused(stage.puller.pull(lane, 0)),
    }


@claim("05", ONE)
async def a_deleted_topic_is_gone(stage: Stage) -> Json:
    """A topic that brokers and name servers delete has no route, and begins at 0."""
    lane = await stage.topic("Deleted")
    for at in range(3):
        await stage.send(lane, f"{at}")
    await stage.stored(lane, 3)
    answers = [
        await stage.told(DeleteTopic("Deleted")),
        await stage.told(DeleteTopicInNamesrv("Deleted"), at=NAMES),
    ]
    gone = await route(stage, "Deleted")
    await stage.topic("Deleted")
    again = await stage.send(lane, "again")
    return {"answers": answers, "gone": gone, "begins": again.queue_offset}


@claim("05", ONE)
async def fewer_queues_are_written_than_read(stage: Stage) -> Json:
    """A topic may have more queues to read than to write: so queues are emptied."""
    await stage.topic("Narrower", 4)
    await stage.told(CreateTopic("Narrower", DEFAULT_TOPIC, 4, 1, 6, "SINGLE_TAG", 0))

    async def is_narrow() -> bool:
        found = await stage.admin.known_route("Narrower")
        return found.queues[0].write_queue_nums == 1

    await until(is_narrow)
    out_of_range = MessageQueue("Narrower", BROKER, 3)
    return {
        "to a queue that is left": (await stage.send("Narrower", "one")).status.name,
        "to one that is not": await refused(stage.send(out_of_range, "two")),
    }


@claim("05", ONE)
async def brokers_have_topics_of_their_own(stage: Stage) -> Json:
    """A broker has topics that nobody made: of its own, its name's, its cluster's."""
    body = (await stage.told(BrokersOwnTopics()))["body"]
    return sorted(body["topicList"])


@claim("05", ONE)
async def names_of_clusters_and_brokers_are_topics(stage: Stage) -> Json:
    """A name server tells which topics are named after clusters and brokers."""
    body = (await stage.told(GetSystemTopics(), at=NAMES))["body"]
    return sorted(body["topicList"])


@claim("05", ONE)
async def a_cluster_is_brokers_by_name(stage: Stage) -> Json:
    """What a name server knows of a cluster: broker names, and addresses by id."""
    return await cluster(stage, NAMES)


@claim("05", ONE)
async def a_clusters_topics_are_told(stage: Stage) -> Json:
    """A name server tells the topics of one cluster; of an unknown one, none."""
    await stage.topic("OfThisCluster")
    here = await stage.told(GetTopicsByCluster("rocketmq-cluster"), at=NAMES)
    return {
        "is there": "OfThisCluster" in here["body"]["topicList"],
        "elsewhere": await stage.told(GetTopicsByCluster("nowhere"), at=NAMES),
    }


@claim("14", ONE, alone=True)
async def write_permission_is_wiped_at_name_servers(stage: Stage) -> Json:
    """Wiped of write permission a broker's topics are read only, until it is back."""
    await stage.topic("Wiped", 2)
    wiped = await stage.call(WipeWritePermission(BROKER), at=NAMES)
    during = await route(stage, "Wiped")
    back = AddWritePermission(BROKER)
    added = await heard(stage, NAMES, Frame(back.CODE, back.to_wire()))
    return {
        "wiped": wiped.code,
        "during": during,
        "given back": [one["code"] for one in added],
        "after": await route(stage, "Wiped"),
    }


@claim("05", ONE, alone=True)
async def no_topic_is_born_where_none_may_be(stage: Stage) -> Json:
    """Without autoCreateTopicEnable a send to a topic that nobody made is refused."""
    setting = "autoCreateTopicEnable={}\n"
    off, on = (setting.format(text).encode() for text in ("false", "true"))
    await stage.told(UpdateBrokerConfig(), off)
    try:
        return await refused(_send_fresh(stage, "NeverBorn"))
    finally:
        await stage.told(UpdateBrokerConfig(), on)


async def _send_fresh(stage: Stage, topic: str) -> None:
    async with stage.fresh_producer() as producer:
        await producer.send(Message(topic, b"one"))
