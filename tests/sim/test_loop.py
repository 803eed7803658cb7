"""asyncio on virtual time, and what killing, pausing and stepping do to it."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys

import pytest

from rmqlab.sim.timeline import Stuck
from tests.sim.two import FAR, LINK_S, PORT, Line, forever

# asyncio


def test_timers_with_equal_deadlines_run_in_the_order_of_their_making(two):
    loop, happened = two.client.loop, []
    for number in range(50):
        loop.call_at(1.0, happened.append, number)
    two.sim.run(1.0)
    assert happened == list(range(50))


def test_a_sleep_takes_its_time_and_none_of_ours(two):
    async def sleep():
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    assert two.sim.complete(two.client, sleep(), 1e6) == 86_400


def test_a_timeout_ends_what_takes_longer(two):
    async def wait():
        async with asyncio.timeout(1.0):
            await asyncio.sleep(0.5)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await forever()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(forever(), 1.0)

    two.sim.complete(two.client, wait())
    assert two.sim.now_s == 2.5


def test_a_cancelled_timer_does_not_run(two):
    happened = []
    timer = two.client.loop.call_later(1.0, happened.append, "timer")
    two.client.loop.call_soon(happened.append, "soon").cancel()
    timer.cancel()
    two.sim.run(2.0)
    assert happened == []


def test_streams_work_as_on_any_loop(two):
    async def answer(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def serve():
        async with await asyncio.start_server(answer, "0.0.0.0", PORT) as server:
            await server.serve_forever()

    async def ask():
        reader, writer = await asyncio.open_connection("far", PORT)
        assert writer.get_extra_info("peername") == (FAR, PORT)
        writer.writelines([b"a\n", b"b\n"])
        found = [await reader.readline(), await reader.readexactly(2)]
        writer.close()
        await writer.wait_closed()
        return found

    two.server.start(serve())
    two.sim.run(LINK_S)
    assert two.sim.complete(two.client, ask()) == [b"A\n", b"B\n"]


def test_names_are_looked_up_in_the_hosts_file(two):
    async def look_up(name):
        return await asyncio.get_running_loop().getaddrinfo(name, "7")

    (found,) = two.sim.complete(two.client, look_up("far"))
    assert (found[0], found[4]) == (socket.AF_INET, (FAR, 7))
    with pytest.raises(socket.gaierror):
        two.sim.complete(two.client, look_up("nowhere"))


def test_tasks_that_a_group_cancels_end_in_the_order_of_their_making(two):
    ended = []

    async def wait(number):
        try:
            await forever()
        finally:
            ended.append(number)

    async def fail():
        await asyncio.sleep(1.0)
        raise ValueError

    async def together():
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(wait(number))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        two.sim.complete(two.client, together())
    assert ended == list(range(20))


def test_tasks_are_named_by_the_loop_and_not_by_all_that_ran_before(two):
    async def name():
        return asyncio.current_task().get_name()

    async def names():
        tasks = [asyncio.create_task(name()), asyncio.create_task(name(), name="mine")]
        return [await task for task in tasks]

    assert two.sim.complete(two.client, names()) == ["Task-2", "mine"]


def test_what_nobody_caught_is_kept_and_logged(two, caplog):
    two.client.loop.call_soon(lambda: 1 / 0)
    two.sim.run(0.0)
    (failure,) = two.client.loop.failures
    assert isinstance(failure["exception"], ZeroDivisionError)
    assert "ZeroDivisionError" in caplog.text


def test_there_are_no_threads(two):
    with pytest.raises(NotImplementedError, match="no threads"):
        two.sim.complete(two.client, asyncio.to_thread(print))


async def numbers(closed):
    """Yield, and say on which loop it was closed."""
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0)
        closed.append(asyncio.get_running_loop())


async def take_one(closed):
    async for _ in numbers(closed):
        break


def test_an_asynchronous_generator_left_halfway_is_closed_on_its_own_loop(two):
    closed = []

    async def notebook():
        two.sim.complete(two.client, take_one(closed))
        two.sim.run(0.0)

    asyncio.run(notebook())
    assert closed == [two.client.loop]


# Waiting in vain


def test_nothing_left_to_happen_names_who_waits_for_what(two):
    two.server.start(forever(), "serve")
    with pytest.raises(Stuck) as error:
        two.sim.complete(two.client, forever())
    where = "tests.sim.two.forever: await asyncio.get_running_loop().create_future()"
    assert str(error.value).splitlines() == [
        "nothing is left to happen before client did forever.  Waiting:",
        f"  client: forever waits in {where}",
        f"  srv: serve waits in {where}",
    ]


def test_a_task_that_nobody_holds_is_not_taken_by_the_garbage_collector(two):
    two.server.start(forever(), "serve")
    two.sim.run(1.0)
    gc.collect()
    (task,) = two.server.loop.waiting()
    assert task.get_name() == "serve"


async def at_once():
    """End at once."""


def test_tasks_that_are_done_are_not_held_for_ever(two):
    for _ in range(1000):
        two.client.start(at_once())
        two.sim.run(0.0)
    assert len(two.client.loop._held) < 200


def test_where_somebody_waits_is_a_line_of_ours_and_not_of_asyncio(two):
    async def wait():
        await asyncio.Event().wait()

    two.client.start(wait())
    two.sim.run(0.0)
    (line,) = two.client.loop.explain()
    assert line.endswith("await asyncio.Event().wait()")


def test_where_nobody_waits_the_error_says_so(two):
    with pytest.raises(Stuck, match=r"nothing is left to happen\.  Nobody waits\."):
        two.sim.run_until(lambda: False)


# Killed


def test_what_a_killed_process_still_says_and_asks_for_has_no_effect(two):
    near, far = two.pair()
    loop, before, refused = two.client.loop, len(two.told), []

    async def main():
        try:
            await forever()
        finally:
            near.transport.write(b"goodbye")
            near.transport.close()
            loop.call_soon(print, "soon")
            asyncio.create_task(forever())  # noqa: RUF006
            for ask in (loop.create_server, loop.create_connection):
                with pytest.raises(RuntimeError, match="closed"):
                    await ask(Line, "near", PORT)
                refused.append(ask)
            await asyncio.sleep(1.0)
            await forever()

    two.client.start(main())
    two.sim.run(0.0)
    two.client.kill()
    two.sim.run(10.0)
    assert len(refused) == 2
    assert far.seen == ["made", "eof", "lost"]
    assert near.seen == ["made"]
    assert not two.near.host.listeners
    assert [kind for _, kind, _ in two.told[before:]] == ["fault", "closed"]


def test_the_last_lines_of_a_killed_process_run_on_its_own_loop(two):
    ran = []

    async def main():
        try:
            await forever()
        finally:
            ran.append((asyncio.get_running_loop(), asyncio.current_task()))

    async def notebook():
        task = asyncio.current_task()
        two.client.start(main())
        two.sim.run(0.0)
        two.client.kill()
        assert asyncio.current_task() is task

    asyncio.run(notebook())
    assert ran == [(two.client.loop, None)]


def test_a_process_that_kills_itself_goes_no_further_than_its_next_wait(two):
    went = []

    async def main():
        try:
            two.client.kill()
            went.append("on")
            await asyncio.sleep(0)
            went.append("further")
        finally:
            went.append("finally")

    two.client.start(main())
    two.sim.run(1.0)
    assert went == ["on", "finally"]


def test_a_process_kills_another_in_the_middle_of_its_own_turn(two):
    async def main():
        two.server.kill()
        await asyncio.sleep(1.0)
        return asyncio.get_running_loop()

    two.server.start(forever())
    assert two.sim.complete(two.client, main()) is two.client.loop


def test_nothing_of_a_killed_process_complains_when_it_is_collected(two, recwarn):
    reading = asyncio.StreamReader.read

    async def read():
        reader, _writer = await asyncio.open_connection("far", PORT)
        await reading(reader)

    two.listen()
    two.client.start(read())
    two.client.start(forever(), "not begun")
    two.sim.run(LINK_S)
    two.client.start(asyncio.sleep(1.0), "not begun")
    two.client.kill()
    del two.client
    gc.collect()
    assert not recwarn.list


# Paused


def test_timers_of_a_paused_process_fire_when_it_goes_on(two):
    loop, fired = two.client.loop, []
    for delay_s in (2.0, 1.0, 9.0):
        loop.call_later(delay_s, lambda at=delay_s: fired.append((at, loop.time())))
    two.client.pause()
    two.sim.run(5.0)
    assert fired == []
    two.client.resume()
    two.sim.run(5.0)
    assert fired == [(1.0, 5.0), (2.0, 5.0), (9.0, 9.0)]


def test_a_process_that_goes_on_looks_at_its_sockets_before_its_timers(two):
    near, far = two.pair()
    near.data_received = lambda data: near.seen.append("data")
    two.client.loop.call_later(1.0, near.seen.append, "timer")
    two.client.pause()
    two.sim.run(2.0)
    far.transport.write(b"late")
    two.sim.run(2.0)
    two.client.resume()
    two.sim.run(0.0)
    assert near.seen == ["made", "data", "timer"]


def test_a_paused_process_can_be_killed_and_does_not_wake(two):
    happened = []
    two.client.loop.call_later(1.0, happened.append, "timer")
    two.client.pause()
    two.sim.run(2.0)
    two.client.kill()
    two.client.resume()
    two.sim.run(2.0)
    assert happened == []


# Stepped from within another loop's task


def test_a_simulation_runs_inside_a_task_and_gives_loop_and_task_back(two):
    async def notebook():
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        hooks = sys.get_asyncgen_hooks()
        assert two.sim.complete(two.client, asyncio.sleep(5.0, "slept")) == "slept"
        two.sim.run(1.0)
        assert not two.sim.step()
        two.sim.run_until(lambda: True)
        assert asyncio.get_running_loop() is loop
        assert asyncio.current_task() is task
        assert sys.get_asyncgen_hooks() == hooks
        async with asyncio.timeout(60):
            await asyncio.sleep(0)

    asyncio.run(notebook())
    assert two.sim.now_s == 6.0


def test_loop_and_task_are_given_back_when_what_runs_inside_fails(two):
    async def fail():
        await asyncio.sleep(1.0)
        raise LookupError

    def interrupt():
        raise KeyboardInterrupt

    async def notebook():
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        with pytest.raises(LookupError):
            two.sim.complete(two.client, fail())
        with pytest.raises(Stuck):
            two.sim.complete(two.client, forever())
        two.sim.timeline.call_in(1.0, lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            two.sim.run(2.0)
        two.client.loop.call_soon(interrupt)
        with pytest.raises(KeyboardInterrupt):
            two.sim.run(2.0)
        assert asyncio.get_running_loop() is loop
        assert asyncio.current_task() is task

    asyncio.run(notebook())


def test_code_in_a_process_sees_its_own_loop_and_task_only(two):
    async def look():
        await asyncio.sleep(1.0)
        return asyncio.get_running_loop(), asyncio.current_task().get_name()

    async def notebook():
        return two.sim.complete(two.client, look())

    assert asyncio.run(notebook()) == (two.client.loop, look.__qualname__)


def test_a_process_cannot_run_the_simulation_that_it_is_in(two):
    async def main():
        task = asyncio.current_task()
        with pytest.raises(RuntimeError, match="called from within"):
            two.sim.run(1.0)
        assert asyncio.current_task() is task
        await asyncio.sleep(1.0)

    two.sim.complete(two.client, main())
