"""`python -m rmqlab.testing`: what other languages' tests start, and how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from rmqlab import health
from rmqlab.client import Admin
from rmqlab.protocol.admin import UpdateBrokerConfig
from rmqlab.testing import topics, until
from tests.support import HOST, free_port

BOUND_S = 60.0
PIPE = subprocess.PIPE


@asynccontextmanager
async def command(folder, *words, stdin=PIPE):
    """Run it with its temporary files below a folder."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "rmqlab.testing", *words),
        env={"PYTHONPATH": ":".join(sys.path), "TMPDIR": str(folder)},
        stdin=stdin,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def told(process):
    """Return what it says once it takes messages."""
    async with asyncio.timeout(BOUND_S):
        return json.loads(await process.stdout.readline())


def names(folder):
    return [path.name for path in folder.iterdir()]


async def ended(process):
    """Return exit code and errors."""
    async with asyncio.timeout(BOUND_S):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_it_takes_messages_once_it_said_where_and_ends_with_its_starter(tmp_path):
    async with command(tmp_path, "--until-eof", "--set", "brokerName=cafe") as process:
        where = await told(process)
        assert len(names(tmp_path)) == 1
        sent = await topics.send(where["name_servers"], "orders", "coffee")
        process.stdin.close()
        assert await ended(process) == (0, "")
    assert sent.queue.broker_name == "cafe"
    assert names(tmp_path) == []


async def test_without_the_flag_only_a_signal_ends_it(tmp_path):
    async with command(tmp_path, stdin=subprocess.DEVNULL) as process:
        await told(process)
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == (0, "")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--until-eof"], "--until-eof needs a pipe as stdin\n"),
        (["--set", "colour=red"], "colour=red cannot be used: no such key\n"),
    ],
)
async def test_what_it_cannot_do_it_says(tmp_path, words, why):
    async with command(tmp_path, *words, stdin=subprocess.DEVNULL) as process:
        assert await ended(process) == (255, why)


async def test_it_is_healthy_only_while_a_send_would_succeed(tmp_path):
    name_server, broker = free_port(), free_port()
    words = ["--namesrv-port", str(name_server), "--port", str(broker)]
    line = ["python", "-m", "rmqlab.testing", *words, "--set", "brokerName=cafe"]
    target = health.target_of(line)

    async def lack():
        return await asyncio.to_thread(health.missing, target)

    assert "Connection refused" in await lack()
    async with command(tmp_path, *line[3:]) as process:
        assert await told(process) == {
            "name_servers": f"{HOST}:{name_server}",
            "address": f"{HOST}:{broker}",
        }
        assert await lack() == ""
        async with Admin(f"{HOST}:{name_server}") as admin:

            async def configure(setting):
                change = UpdateBrokerConfig(), setting.encode()
                await admin.call(f"{HOST}:{broker}", *change)

            await configure("brokerPermission=4")
            why = f"it takes no message: {HOST}:{name_server} has it as read-only"
            await comes(lack, why)
            await configure("brokerPermission=6")
            await comes(lack, "")
            await configure("startAcceptSendRequestTimeStamp=4102444800000")
            why = await lack()
    assert why.startswith("it takes no message: CODE: 1  DESC: broker unable to serv")


async def comes(answer, wanted):
    """Wait until a coroutine gives what is wanted."""

    async def is_so():
        return await answer() == wanted

    await until(is_so)
