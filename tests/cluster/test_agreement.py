"""The same scenario on simulated machines and on real processes: they must agree.

Not in numbers: in whether anything is lost, missing, doubled or surprising, and in
which outcomes senders are told.  What happens to a message that is under way at the
very moment of a fault is left out.
"""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.flow import QUEUES
from rmqlab.classroom.looking import StoreFiles
from rmqlab.classroom.simulated.holds import OUTCOMES, counts_of, look
from rmqlab.classroom.simulated.play import run
from rmqlab.classroom.simulated.scenario import UNDONE_BY
from rmqlab.classroom.simulated.script import parse
from rmqlab.classroom.traffic import Traffic
from rmqlab.config import Property, read
from rmqlab.settings import ClientConfig
from tests.support import until

ALIKE = ("lost", "missing", "doubled", "surprising", *OUTCOMES)
ATTENTIVE = "clients attentive"
FORGETFUL = "clients attentive\nclients persistConsumerOffsetInterval=60000"
BASE = """
clients sendMsgTimeout=600
traffic orders 40/s with 1 consumer
until 3s
then heal and wait 60s
hold nothing is lost
hold nothing is missing
"""
NOTHING_TWICE = "hold nothing is doubled"

SCENARIOS = {
    "a master of two is killed": (
        f"topology 2m-noslave\n{FORGETFUL}",
        "at 500ms kill broker-a for 2s",
        "hold only SEND_OK\nhold something is doubled",  # no offset was told
    ),
    "the only master is killed": (
        f"topology 1m\n{ATTENTIVE}",
        "at 500ms kill broker-a for 1s",
        f"hold refused > 0\n{NOTHING_TWICE}",
    ),
    "the only master is paused": (
        f"topology 1m\n{ATTENTIVE}",
        "at 500ms pause broker-a for 1s",
        f"hold unanswered > 0\nhold surprising > 0\nhold refused = 0\n{NOTHING_TWICE}",
    ),
    "a slave is killed": (
        f"topology 2m-2s-sync\n{ATTENTIVE}",
        "at 500ms kill broker-a-s for 1s",
        f"hold SLAVE_NOT_AVAILABLE > 0\nhold refused = 0\n{NOTHING_TWICE}",
    ),
}
UNDER_WAY = {
    "the only master is killed": {"unanswered", "surprising"},
    "a slave is killed": {"FLUSH_SLAVE_TIMEOUT", "unanswered", "surprising"},
}
"""What may or may not come of a message that was under way."""


def played_on_processes(scenario):
    """Return the counts of a scenario that is played on a local cluster.

    Its times are told by how many messages were sent by then.  It goes on until every
    queue has a message from after the end, and that is consumed: what comes twice has
    come twice by then.
    """
    (flow,), config = scenario.flows, ClientConfig()
    settings = scenario.client_settings.items()
    read([Property(key, value, 0) for key, value in settings], config)
    acknowledged = []

    def record(kind, **facts):
        if kind == "told" and "broker" in facts:
            acknowledged.append((facts["broker"], facts["queue"]))

    with (
        Cluster.up(scenario.topology, settings=scenario.settings) as cluster,
        Traffic(
            cluster.name_servers,
            flow.topic,
            per_second=flow.per_second,
            config=config,
            timeout_s=config.send_msg_timeout / 1000,
            record=record,
        ) as traffic,
    ):
        masters = [one for one in cluster.status().nodes if "MASTER" in one.role]
        queues = len(masters) * QUEUES
        wait_for(lambda: len(consumed_queues(traffic)) == queues)
        for at_s, verb, target in steps_of(scenario):
            wanted = at_s * flow.per_second
            wait_for(lambda wanted=wanted: asked(traffic) >= wanted)
            getattr(cluster, verb)(target)
        wait_for(lambda: len(consumed_queues(traffic)) == queues)
        before = len(acknowledged)
        wait_for(lambda: len(set(acknowledged[before:])) == queues)
        report = traffic.stop(drain_s=scenario.wait_s)
        brokers = [node for node in cluster.status().nodes if node.broker_name]
        logs = (StoreFiles.of(node).messages() for node in brokers)
        return counts_of(report, {one.keys for log in logs for one in log})


def steps_of(scenario):
    """Return what is done and undone, by time."""
    steps = []
    for timed in scenario.timed:
        action, at_s = timed.action, timed.at_s
        steps.append((at_s, action.verb, action.target))
        steps.append((at_s + action.for_s, UNDONE_BY[action.verb], action.target))
    return sorted(steps)


def wait_for(is_so):
    asyncio.run(until(is_so))


def asked(traffic):
    """Return how many messages were sent, answered or not."""
    return len(traffic.report.sent) + len(traffic.report.untold)


def consumed_queues(traffic):
    queues = traffic._reader.consumer.queues
    return [one for one in queues if one.topic == traffic.topic]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_comes_to_the_same_on_processes_and_in_a_simulation(name, home):
    topology, action, holds = SCENARIOS[name]
    scenario = parse(f"{topology}\n{BASE}{action}\n{holds}\n", name)
    simulated = run(scenario)
    assert simulated.held, [str(one) for one in simulated.findings]
    real = played_on_processes(scenario)
    found = [look(hold, real) for hold in scenario.holds]
    assert all(one.held for one in found), [str(one) for one in found]
    assert _signs(name, real) == _signs(name, simulated.counts)


def _signs(name, counts):
    alike = [one for one in ALIKE if one not in UNDER_WAY.get(name, ())]
    return {one: bool(counts[one]) for one in alike}
