"""What brokers say of themselves: where logs end, and how far slaves are behind."""

from __future__ import annotations

import asyncio

from rmqlab.classroom.runtime import NodeState, compare
from rmqlab.errors import RmqError
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import GetRuntimeInfo
from rmqlab.remoting import RemotingClient

TIMEOUT_S = 0.5
ANSWERING = ("usable", "waiting")


async def measure(states: list[NodeState]) -> None:
    """Ask every broker that can answer; what others said last is forgotten."""
    remoting = RemotingClient()
    try:
        brokers = [one for one in states if one.broker_name]
        await asyncio.gather(*(_ask(remoting, state) for state in brokers))
    finally:
        await remoting.close()
    compare(brokers)


async def _ask(remoting: RemotingClient, state: NodeState) -> None:
    state.log_end = None
    if state.state not in ANSWERING:
        return
    try:
        answer = await remoting.ask(state.address, GetRuntimeInfo(), b"", TIMEOUT_S)
        table = fastjson.loads(answer.body)["table"]
        state.log_end = int(table["commitLogMaxOffset"])
    except (RmqError, KeyError, ValueError):
        state.log_end = None
