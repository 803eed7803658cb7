"""A cluster to operate, and mqadmin as a process would run it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from rmqlab import mqadmin
from rmqlab.settings import BrokerRole
from tests.support import make_broker, name_server


@asynccontextmanager
async def cluster(root):
    """Run a name server, two masters and a slave of the first."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(name_server())
        brokers = [
            make_broker(root, server.address),
            make_broker(root, server.address, role=BrokerRole.SLAVE),
            make_broker(root, server.address, "broker-b"),
        ]
        for broker in brokers:
            await stack.enter_async_context(broker)
        yield server, *brokers


@pytest.fixture
def mq(capsys):
    """Return a function that runs a command: its exit code, output and errors."""

    async def run(*arguments):
        code = await asyncio.to_thread(mqadmin.run, list(arguments))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def rows(text):
    return [line.split() for line in text.splitlines()]
