"""A morning of an operator: mqadmin's commands against a broker that is in use.

    operate(server, tools, folder)  →  {"topicStatus": "…what it printed…", …}

The tools are a release's, or ours.

Where a command comes more than once, its name has a note beside it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from rmqlab.classroom.release import Release
from tests.interop.jars import release
from tests.interop.line_client import LineClient
from tests.interop.program import output_of
from tests.interop.real import (
    BROKER_NAME,
    OURS,
    broker,
    environment,
    home_below,
    name_server,
)

CLUSTER, TOPIC, GROUP, COUNT = "interop", "Orders", "billing", 3
IN_CLUSTER, OF_TOPIC, OF_GROUP = ("-c", CLUSTER), ("-t", TOPIC), ("-g", GROUP)
SETTING = "maxTransferCountOnMessageInMemory"
BODY_FILE = re.compile(r"Message Body Path: +(\S+)")


async def operate(
    server: Release | None, tools: Release | None, folder: Path
) -> dict[str, Any]:
    """Return what each command printed, and what it is about."""
    store = folder / "store"
    async with (
        name_server(server, folder) as names,
        broker(server, folder, names, store) as node,
        LineClient(
            tools or release("4.9.7"), folder, names, program="Commands"
        ) as client,
    ):
        operator = Operator(client, names, f"127.0.0.1:{node.port}")
        if tools is OURS:
            operator.home = home_below(folder, "operator")
        await operator.work()
        operator.told["config file"] = _config(folder)
        return operator.told


def _config(folder: Path) -> str:
    """Return the broker's file as it is in the end."""
    (path,) = folder.glob("broker-*/broker.properties")
    return path.read_text()


def _tidy(said: str) -> None:
    """Remove the bodies that a command has left in files."""
    for left in BODY_FILE.findall(said):
        Path(left).unlink()


async def _ours(typed: list[str], home: Path) -> str:
    """Run our mqadmin and return what it printed; it must succeed."""
    command = sys.executable, "-m", "rmqlab.mqadmin", *typed
    said, wrong = await output_of(*command, cwd=home, env=environment(home))
    assert not wrong, (typed, wrong)
    return said


class Operator:
    """Types commands and keeps what is printed."""

    def __init__(self, client: LineClient, names: str, address: str) -> None:
        self._client, self._names, self._address = client, names, address
        self.home: Path | None = None
        """Where our own mqadmin runs; None: the release's is asked."""
        self.told: dict[str, Any] = {"names": names, "address": address}

    async def run(self, command: str, *words: str, note: str = "") -> None:
        """Run a command; its note tells it from another of that name."""
        typed = [command, "-n", self._names, *words]
        if self.home is None:
            said = await self._client.ask("mqadmin", words=typed)
        else:
            said = await _ours(typed, self.home)
        self.told[f"{command} {note}".strip()] = said
        _tidy(said)

    async def work(self) -> None:
        """All of it, in an order in which each finds something."""
        await self._prepare()
        await self._look_at_the_cluster()
        await self._look_at_clients()
        await self._look_for_messages()
        await self._move_the_group()
        await self._take_away()

    async def _prepare(self) -> None:
        ask = self._client.ask
        await self.run("updateTopic", *IN_CLUSTER, *OF_TOPIC, "-r", "1", "-w", "1")
        await self.run("updateSubGroup", *IN_CLUSTER, *OF_GROUP, "-r", "2", "-q", "1")
        self.told["client id"] = await ask("consume", topic=TOPIC, group=GROUP)
        self.told["sent"] = [
            await ask("send", topic=TOPIC, body=f"order-{one}", key=f"key-{one}")
            for one in range(COUNT)
        ]
        await self._consumed(COUNT)
        await ask("known", topic=TOPIC)

    async def _consumed(self, count: int) -> None:
        await self._client.ask("heard", count=count)
        await self._client.ask("committed", topic=TOPIC, offset=count)

    async def _look_at_the_cluster(self) -> None:
        at = ("-b", self._address)
        await self.run("clusterList")
        await self.run("topicList")
        await self.run("topicList", "-c", note="of clusters")
        await self.run("topicRoute", *OF_TOPIC)
        await self.run("topicStatus", *OF_TOPIC)
        await self.run("statsAll", *OF_TOPIC)
        await self.run("brokerStatus", *at)
        await self.run("getBrokerConfig", *at)
        await self.run("updateBrokerConfig", *at, "-k", SETTING, "-v", "30")
        await self.run("getBrokerConfig", *at, note="again")

    async def _look_at_clients(self) -> None:
        await self.run("consumerProgress", *OF_GROUP)
        await self.run("consumerStatus", *OF_GROUP)
        await self.run("consumerConnection", *OF_GROUP)
        await self.run("producerConnection", "-g", "senders", *OF_TOPIC)

    async def _look_for_messages(self) -> None:
        sent = self.told["sent"][1]
        place = ("-b", BROKER_NAME, "-i", "0", "-o", "1")
        await self.run("queryMsgById", "-i", sent["offsetId"])
        await self.run("queryMsgByKey", *OF_TOPIC, "-k", "key-1")
        await self.run("queryMsgByUniqueKey", *OF_TOPIC, "-i", sent["id"])
        await self.run("queryMsgByOffset", *OF_TOPIC, *place)
        await self.run("printMsg", *OF_TOPIC, "-d", "true")

    async def _move_the_group(self) -> None:
        """Back to the beginning while it is there, to the end when it has gone."""
        back = (*OF_GROUP, *OF_TOPIC, "-s")
        await self.run("sendMessage", *OF_TOPIC, "-p", f"order-{COUNT}", "-c", "tag")
        await self._consumed(COUNT + 1)
        await self.run("resetOffsetByTime", *back, "0")
        self.told["heard"] = await self._client.ask("heard", count=2 * (COUNT + 1))
        await self._client.ask("leave")
        await self.run("resetOffsetByTime", *back, "0", note="offline")
        await self.run("consumerProgress", *OF_GROUP, note="offline")

    async def _take_away(self) -> None:
        await self.run("wipeWritePerm", "-b", BROKER_NAME)
        await self.run("topicRoute", *OF_TOPIC, note="wiped")
        await self.run("updateTopicPerm", *IN_CLUSTER, *OF_TOPIC, "-p", "2")
        await self.run("topicRoute", *OF_TOPIC, note="changed")
        await self.run("deleteSubGroup", *IN_CLUSTER, *OF_GROUP)
        await self.run("deleteTopic", *IN_CLUSTER, *OF_TOPIC)
        await self.run("topicList", note="in the end")
