"""The fail-over drill, simulated: asserts what must hold, and prints all that happened.

Once from plain code and once inside a task of another loop, as in a notebook's cell.
It needs nothing but a Python, Pyodide too, and prints the same on each.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys

from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.trace.recorder import Recorder
from rmqlab.client.blocking import BlockingAdmin, BlockingConsumer, BlockingProducer
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.sent import SendStatus
from rmqlab.errors import RmqError
from rmqlab.protocol.message import Message

TOPIC, SEED, SENDS = "orders", 7, 16
MASTER, SLAVE, OTHER_MASTER = "broker-a", "broker-a-s", "broker-b"
NOTICED_S = 150.0
"""By then, name servers have forgotten who is dead, and clients know it."""
BACK_S = 60.0
"""By then, clients know who is back, and slaves have followed."""


class Shop:
    """A producer and a consumer, each on a process of its own."""

    def __init__(self, cluster: SimCluster) -> None:
        self.cluster, servers = cluster, cluster.name_servers
        self.acknowledged: list[bytes] = []
        self.served: list[bytes] = []
        self.producer = BlockingProducer(
            "shop", servers, driver=cluster.new_client("shop")
        )
        self.consumer = BlockingConsumer(
            "kitchen",
            servers,
            lambda message: self.served.append(message.body),
            start=ConsumeFrom.FIRST_OFFSET,
            driver=cluster.new_client("kitchen"),
        )

    def order(self, what: str) -> set[str]:
        """Send a few messages; return the brokers that took them for good."""
        took = set()
        for number in range(SENDS):
            body = f"{what} {number}".encode()
            try:
                result = self.producer.send(Message(TOPIC, body))
            except RmqError:
                continue
            if result.status is SendStatus.SEND_OK:
                self.acknowledged.append(body)
                took.add(result.queue.broker_name)
        return took


def fail_over(cluster: SimCluster) -> None:
    """Kill a master: the others go on, its slave is read from, and it comes back."""
    shop = Shop(cluster)
    with BlockingAdmin(cluster.name_servers, driver=cluster.driver) as admin:
        admin.create_topic(TOPIC)
    cluster.run(BACK_S)  # the slaves copy the table of topics
    assert shop.order("before") == {MASTER, OTHER_MASTER}

    cluster.kill(MASTER)
    assert shop.order("killed") == {OTHER_MASTER}
    cluster.run(NOTICED_S)
    assert masters_and_slaves(cluster) == {MASTER: [1], OTHER_MASTER: [0, 1]}

    # Nobody has read yet: what the dead master took is its slave's to give.
    shop.consumer.subscribe(TOPIC)
    cluster.run(BACK_S)
    assert sorted(shop.served) == sorted(shop.acknowledged)

    cluster.restart(MASTER)
    cluster.run(BACK_S)
    assert shop.order("restarted") == {MASTER, OTHER_MASTER}

    break_things(cluster, shop)
    assert set(shop.served) >= set(shop.acknowledged)


def masters_and_slaves(cluster: SimCluster) -> dict[str, list[int]]:
    """Return the ids of the brokers that clients know, by name: a master's is 0."""
    with BlockingAdmin(cluster.name_servers, driver=cluster.driver) as admin:
        route = admin.route(TOPIC)
    assert route
    return {one.broker_name: sorted(one.broker_addrs) for one in route.brokers}


def break_things(cluster: SimCluster, shop: Shop) -> None:
    """Pause, cut off and crash, with orders meanwhile; mend all of it."""
    cluster.pause(OTHER_MASTER)
    shop.order("paused")
    cluster.resume(OTHER_MASTER)
    cluster.cut("host2", inward=False)
    shop.order("cut")
    cluster.heal("host2")
    cluster.run(BACK_S)  # else a slave is asked for what it does not have, on and on
    cluster.crash("host1")
    shop.order("crashed")
    cluster.boot("host1")
    cluster.run(BACK_S)


def drill() -> list[str]:
    """Return the trace, and a digest of every byte that was sent or flushed."""
    trace, told = Recorder(), hashlib.sha256()

    def hear(now_s: float, kind: str, facts: dict[str, object]) -> None:
        told.update(f"{now_s!r} {kind} {sorted(facts.items())!r}\n".encode())

    with SimCluster.up("2m-2s-sync", seed=SEED, record=trace) as cluster:
        cluster.simulation.timeline.observers.append(hear)
        fail_over(cluster)
    return [*trace.lines(), told.hexdigest()]


async def tick() -> int:
    """Do something on the outer loop meanwhile."""
    for _ in range(3):
        await asyncio.sleep(0)
    return 3


async def inside_a_task() -> list[str]:
    """Have time pass in the middle of another loop's task, which then goes on."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    lines = drill()
    assert asyncio.get_running_loop() is loop
    assert asyncio.current_task() is task
    assert await ticking == 3
    return lines


def main() -> None:
    """Do it in both ways, and compare."""
    plain = drill()
    print(*plain, sep="\n")

    async def compare() -> None:
        assert await inside_a_task() == plain

    if sys.platform == "emscripten":  # there is one loop, and it runs for ever
        asyncio.get_running_loop().create_task(compare())
    else:
        asyncio.run(compare())


if __name__ == "__main__":
    main()
