"""A consumer that is closed: it waits for its listeners, but not for ever."""

from __future__ import annotations

import asyncio

import pytest

from tests.client.kitchen import ALL_QUEUES, lab, share
from tests.simulated import now_s, pass_time
from tests.support import until

pytestmark = pytest.mark.simulated

FIRST = ALL_QUEUES[0]
WAIT_S = 5


class Hanging:
    """A listener that consumes `good`, and is at anything else for ever."""

    def __init__(self) -> None:
        self.came = []

    async def __call__(self, message):
        self.came.append(message.body)
        if message.body != b"good":
            await asyncio.Future()

    async def until_came(self, count):
        await until(lambda: len(self.came) >= count)


def consumer(it, listener, **options):
    config = {"await_terminate_millis_when_shutdown": 1000 * WAIT_S}
    return it.consumer(listener, config=config, **options)


@pytest.mark.parametrize("orderly", [False, True])
async def test_a_listener_that_hangs_is_named_and_its_message_comes_again(
    tmp_path, caplog, orderly
):
    hanging = Hanging()
    async with lab(tmp_path) as it:
        async with consumer(it, hanging, orderly=orderly) as closed:
            await closed.subscribe("orders")
            await it.send(b"good", b"hangs", queue=FIRST)
            await hanging.until_came(2)
            before_s = now_s()
        assert now_s() - before_s == pytest.approx(WAIT_S, abs=0.1)
        assert it.offsets()[0] == 1
        async with it.consumer(orderly=orderly) as heir:
            await heir.subscribe("orders")
            await it.until_came(1)
        assert it.came == [b"hangs"]
    assert caplog.text.count("listener did not finish in time") == 1


@pytest.mark.parametrize("orderly", [False, True])
async def test_who_waits_for_nothing_ends_at_once(tmp_path, orderly):
    hanging = Hanging()
    config = {"await_terminate_millis_when_shutdown": 0}
    async with lab(tmp_path) as it:
        async with it.consumer(hanging, config=config, orderly=orderly) as closed:
            await closed.subscribe("orders")
            await it.send(b"good", b"hangs", queue=FIRST)
            await hanging.until_came(2)
            before_s = now_s()
        assert now_s() - before_s < 0.1
        assert it.offsets()[0] == 1


async def test_an_orderly_queue_that_is_handed_over_is_waited_for_no_longer(tmp_path):
    hanging = Hanging()
    async with lab(tmp_path) as it:
        async with consumer(it, hanging, orderly=True) as closed:
            await closed.subscribe("orders")
            await it.send(b"hangs", queue=FIRST)
            await hanging.until_came(1)
            await closed.unsubscribe("orders")
            before_s = now_s()
        assert now_s() - before_s == pytest.approx(WAIT_S, abs=0.1)
        async with it.consumer(orderly=True) as heir:
            await heir.subscribe("orders")
            await it.until_came(1)
            assert share(heir) == ALL_QUEUES


@pytest.mark.parametrize("orderly", [False, True])
async def test_what_a_listener_waits_for_is_cancelled_and_its_message_comes_again(
    tmp_path, orderly
):
    came = []

    async def listen(message):
        came.append(message.reconsume_times)
        if message.reconsume_times < 2:
            ended = asyncio.Future()
            ended.cancel()
            await ended

    async with lab(tmp_path) as it, it.consumer(listen, orderly=orderly) as consumer:
        await consumer.subscribe("orders")
        await it.send(b"bad")
        await until(lambda: len(came) == 3)
        await pass_time(1)
        assert came == [0, 1, 2]
        assert consumer.waiting == 0
