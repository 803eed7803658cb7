"""What `rmqlab bench replication` counts, and the nodes that it runs."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from rmqlab.classroom.bench.cluster import Cluster
from rmqlab.classroom.bench.replication.failing_over import outage
from rmqlab.classroom.bench.replication.lag import late_one
from rmqlab.classroom.bench.replication.price import price
from rmqlab.client.sent import SendError, SendResult, SendStatus
from rmqlab.protocol.message import MessageQueue


async def test_nodes_end_with_the_block_also_one_that_stands_still_or_was_killed(
    tmp_path,
):
    async with Cluster(tmp_path / "own") as cluster:
        for name in ("still", "killed"):
            await cluster.start_master(name)
        pids = [one.pid for one in cluster._processes.values()]
        assert all(map(psutil.pid_exists, pids))
        cluster.suspend("still")
        await cluster.kill("killed")
    assert not any(map(psutil.pid_exists, pids))


class Told:
    """A producer whose sends end as they are told, one after the other."""

    def __init__(self, *ends: tuple[str, int] | SendError) -> None:
        self.ends = list(ends)

    async def send(self, message):
        """End as it is its turn."""
        await asyncio.sleep(0)
        end = self.ends.pop(0)
        if isinstance(end, SendError):
            raise end
        queue = MessageQueue(message.topic, *end)
        return SendResult(SendStatus.SEND_OK, "", "", queue, 0)


async def test_a_master_goes_when_its_first_queue_had_a_message_and_failures_count():
    none = SendError("nobody", is_definite=False)
    producer = Told(("a", 1), ("b", 0), ("a", 0), none, none, ("b", 0), ("b", 1))
    left = []

    async def strike():
        left.append(len(producer.ends))

    found = await outage(producer, strike)
    assert (left, found.failed, len(producer.ends)) == ([4], 2, 1)
    assert found.until_sent_ms > 0


@pytest.mark.parametrize(
    ("without", "with_wait", "percent"), [(100, 90, 10), (100, 100, 0), (80, 100, -25)]
)
def test_a_price_is_by_how_many_percent_the_rate_is_lower(without, with_wait, percent):
    assert price(without, with_wait) == pytest.approx(percent)


def test_of_few_values_the_late_one_is_the_greatest():
    assert late_one([3.0]) == 3.0
    assert late_one([3.0, 1.0]) == 3.0
    assert late_one([float(one) for one in range(200)]) == 198.0
