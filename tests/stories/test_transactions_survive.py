"""A transaction outlives its broker and its producer: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio

import pytest

from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.client.transaction import TransactionProducer, Verdict
from rmqlab.protocol.message import Message
from rmqlab.sim.timeline import Stuck

TWO_ROUNDS_S = 130.0


class Till:
    """A producer's process; it commits, and knows what it committed."""

    def __init__(self, cluster, name):
        self.cluster, self.asked = cluster, []
        self.driver = cluster.new_client(name)
        self.driver.run(self._open())

    async def _open(self):
        self.producer = TransactionProducer(
            "till", self.cluster.name_servers, self._check, place=self.driver.place
        )
        await self.producer.__aenter__()
        await self.producer.inner.instance.fetch_route("broker-a")

    def _check(self, message):
        self.asked.append(message.body.decode())
        return Verdict.COMMIT

    def send(self, body, work):
        message = Message("broker-a", body.encode())
        return self.driver.run(self.producer.send(message, work))


@pytest.fixture
def up():
    """Return a way to start a simulated cluster, which ends with the test."""
    running = []

    def start(topology, seed=1, **settings):
        running.append(SimLab.up(topology, seed=seed, settings=settings))
        return running[-1]

    yield start
    for cluster in running:
        cluster.down()


def sold(cluster):
    """Return what a new consumer of the topic gets, in its order."""
    got = []
    cluster.consumer("broker-a", lambda one: got.append(one.body.decode()))
    cluster.run(60)
    return got


@pytest.mark.parametrize("fault", ["kill", "crash"])
@pytest.mark.parametrize("seed", range(5))
def test_a_half_message_outlives_its_broker_and_is_committed_later(up, seed, fault):
    cluster = up("1m", seed=seed, flushDiskType="SYNC_FLUSH")
    till = Till(cluster, "till")

    def work(_):
        if fault == "kill":
            cluster.kill("broker-a")
        else:
            cluster.crash("host1")
        return Verdict.COMMIT  # which nobody hears any more

    till.send("coffee", work)
    if fault == "kill":
        cluster.restart("broker-a")
    else:
        cluster.boot("host1")
    cluster.run(TWO_ROUNDS_S)
    assert till.asked == ["coffee"]
    assert sold(cluster) == ["coffee"]


@pytest.mark.parametrize("seed", range(5))
def test_a_producer_that_dies_between_half_and_verdict_has_an_heir(up, seed):
    cluster = up("1m", seed=seed)
    till = Till(cluster, "till")

    def work(_):
        till.driver.process.kill()
        return Verdict.COMMIT

    with pytest.raises(Stuck, match="till ended"):
        till.send("coffee", work)
    heir = Till(cluster, "heir")
    cluster.run(TWO_ROUNDS_S)
    assert (heir.asked, sold(cluster)) == (["coffee"], ["coffee"])


@pytest.mark.parametrize("seed", range(5))
def test_of_many_half_messages_none_is_lost_when_the_host_loses_power(up, seed):
    cluster = up("1m", seed=seed, flushDiskType="SYNC_FLUSH")
    till, names = Till(cluster, "till"), [f"order {number}" for number in range(40)]

    async def sell():
        messages = [Message("broker-a", name.encode()) for name in names]
        sends = (till.producer.send(message, commit) for message in messages)
        await asyncio.gather(*sends, return_exceptions=True)

    def commit(message):
        if message.body.endswith(b"19"):
            cluster.crash("host1")
        acknowledged.append(message.body.decode())
        return Verdict.COMMIT

    acknowledged = []
    till.driver.run(sell())
    cluster.boot("host1")
    cluster.run(TWO_ROUNDS_S)
    assert acknowledged
    assert set(acknowledged) <= set(sold(cluster)) <= set(names)
