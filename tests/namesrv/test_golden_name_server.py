"""Our name server gives the real one's answer to each golden request.

A golden answer says what the real name server knew; ours is told the same, asked the
same, and must answer the same: all but who answers, and what only the order of Java's
hash tables decides.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rmqlab.clock import ManualClock
from rmqlab.namesrv.server import NameServer
from rmqlab.protocol import fastjson, registration, routing
from rmqlab.protocol.bodies import (
    ClusterInfo,
    TopicConfig,
    TopicRoute,
    TopicTable,
)
from rmqlab.protocol.frame import Frame
from rmqlab.remoting.server import answer_of
from rmqlab.settings import NamesrvConfig
from tests.support import golden_frames, golden_index

TABLE = NameServer(NamesrvConfig()).requests.table()
HEADERS = {header.CODE: header for header, _ in TABLE}
PAIRS = [
    one["file"].removesuffix(".bin")
    for one in golden_index()
    if one["code"] in HEADERS.keys() - {routing.GetNamesrvConfig.CODE}
    and one["responseBytes"]
]
HERE = object()


def frame_of(name):
    return Frame.from_bytes(golden_frames()[name][4:])


def master_of(name, address, cluster, broker_id=0):
    host, _, port = address.rpartition(":")
    ha = f"{host}:{int(port) + 1}"
    return routing.RegisterBroker(name, address, cluster, ha, int(broker_id))


def told(answer, asked) -> Iterator[tuple[object, bytes]]:
    """Yield the requests after which a name server knows what `answer` shows."""
    header = HEADERS[asked.code].parse(asked.fields)
    match header:
        case routing.RegisterBroker() if master := (answer.fields or {}).get(
            "masterAddr"
        ):
            yield master_of(header.broker_name, master, header.cluster_name), b""
        case routing.GetRoute() if answer.body:
            yield from route(header.topic, TopicRoute.from_json(json(answer)))
        case routing.GetClusterInfo():
            yield from brokers(ClusterInfo.from_json(json(answer)).brokers.values())
        case routing.GetTopicList():
            yield from broker_with(*json(answer)["topicList"])
        case routing.WipeWritePermission() | routing.AddWritePermission():
            (count,) = map(int, answer.fields.values())
            yield from broker_with(*map(str, range(count)), name=header.broker_name)
        case routing.GetKvConfig() if answer.code == 0:
            value = answer.fields["value"]
            yield routing.PutKvConfig(header.namespace, header.key, value), b""
        case routing.GetKvList():
            for key, value in json(answer)["table"].items():
                yield routing.PutKvConfig(header.namespace, key, value), b""


def brokers(all_, table=None):
    body = registration.encode(table or TopicTable())
    for one in all_:
        for broker_id, address in one.broker_addrs.items():
            cluster = one.cluster
            yield master_of(one.broker_name, address, cluster, broker_id), body


def route(topic, found):
    for one in found.brokers:
        (queues,) = (q for q in found.queues if q.broker_name == one.broker_name)
        config = TopicConfig(
            topic, queues.read_queue_nums, queues.write_queue_nums, queues.perm
        )
        yield from brokers([one], TopicTable(topics={topic: config}))


def broker_with(*topics, name="broker-b"):
    table = TopicTable(topics={one: TopicConfig(one) for one in topics})
    yield master_of(name, "127.0.0.1:10921", "c"), registration.encode(table)


def json(frame):
    return fastjson.loads(frame.body)


def comparable(frame, *, of_4_4):
    """Return what must be equal of two answers."""
    body = frame.body
    if body.startswith(b"{"):
        body = unordered(fastjson.text_keys(json(frame)) if of_4_4 else json(frame))
    facts = frame.code, frame.remark, frame.opaque, frame.flag, frame.format
    return *facts, frame.fields or {}, body


def unordered(value):
    """Return the JSON with its lists in one order, and a field in 4.9's spelling."""
    if isinstance(value, dict):
        renamed = {"topicSynFlag": "topicSysFlag"}
        return {renamed.get(k, k): unordered(v) for k, v in value.items()}
    if isinstance(value, list):
        return sorted(map(unordered, value), key=repr)
    return value


@pytest.mark.parametrize("name", PAIRS)
def test_our_answer_is_the_real_name_servers(name):
    asked, theirs = frame_of(f"{name}.request"), frame_of(f"{name}.response")
    server = NameServer(NamesrvConfig(), ManualClock(0))

    def ask(frame):
        return answer_of(server.requests.handle, frame, HERE)

    for header, body in told(theirs, asked):
        assert ask(Frame(header.CODE, header.to_wire(), body)).code == 0
    ours = Frame.from_bytes(ask(asked).to_bytes()[4:])
    of_4_4 = "-on-4.4.0" in name  # it has bare numbers for whoever asks
    assert comparable(ours, of_4_4=of_4_4) == comparable(theirs, of_4_4=of_4_4)


def test_settings_are_shown_under_the_real_ones_keys():
    ours = NameServer(NamesrvConfig()).requests
    asked = Frame(routing.GetNamesrvConfig.CODE)
    keys = {one.partition(b"=")[0] for one in ours.handle(asked, HERE).body.split()}
    real = frame_of("308-mqadmin-4.9.7-319-GET_NAMESRV_CONFIG.response")
    assert keys - {b"bindAddress"} <= {
        one.partition(b"=")[0] for one in real.body.split()
    }
