"""consumerConnection, producerConnection, consumerStatus: a group's single clients.

Source: ConsumerConnectionSubCommand.java, ProducerConnectionSubCommand.java,
ConsumerStatusSubCommand.java, release 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmqlab.client import groups
from rmqlab.client.admin import Admin
from rmqlab.client.groups import Connection
from rmqlab.mqadmin.command import Command, Flag, Row, Rows, Said
from rmqlab.mqadmin.running import Info, complaints, sheet, want_the_same

CONNECTIONS = "%-36s %-22s %-10s %s"
SUBSCRIPTIONS = "%-20s %s"
PRODUCERS = "%04d  %-32s %-22s %-8s %s"
STATUS = "%-10s %-40s %-20s %s"


@dataclass(frozen=True, slots=True)
class Consumer(Row):
    """One consumer that is connected."""

    NAME = "connections"
    LINE = CONNECTIONS
    HEADING = CONNECTIONS % ("#ClientId", "#ClientAddr", "#Language", "#Version")
    client_id: str
    address: str
    language: str
    version: str


@dataclass(frozen=True, slots=True)
class Subscribed(Row):
    """What the group wants of one topic."""

    NAME = "subscriptions"
    LINE = SUBSCRIPTIONS
    HEADING = "\nBelow is subscription:\n" + SUBSCRIPTIONS % (
        "#Topic",
        "#SubExpression",
    )
    topic: str
    expression: str


@dataclass(frozen=True, slots=True)
class Consuming(Said):
    """How the group consumes."""

    NAME = "group"
    consume_type: str
    message_model: str
    consume_from_where: str

    def __str__(self) -> str:
        """Return three lines below an empty one."""
        return (
            f"\nConsumeType: {self.consume_type}\nMessageModel: {self.message_model}\n"
            f"ConsumeFromWhere: {self.consume_from_where}"
        )


async def consumer_connection(admin: Admin, flags: Namespace) -> Rows:
    """List a group's consumers and what they want."""
    found = await groups.members(admin, flags.consumer_group, flags.broker_addr)
    for one in found.connections:
        yield Consumer(one.client_id, one.address, one.language, one.release)
    for topic, wanted in sorted(found.subscriptions.items()):
        yield Subscribed(topic, wanted.sub_string)
    yield Consuming(found.consume_type, found.message_model, found.consume_from_where)


@dataclass(frozen=True, slots=True)
class ProducerRow(Row):
    """One producer that is connected."""

    NAME = "connections"
    LINE = PRODUCERS
    number: int
    client_id: str
    address: str
    language: str
    version: str


async def producer_connection(admin: Admin, flags: Namespace) -> Rows:
    """List a group's producers."""
    found = await groups.producers(admin, flags.producer_group, flags.topic)
    for number, one in enumerate(found, 1):
        where = one.client_id, one.address
        yield ProducerRow(number, *where, one.language, one.release)


@dataclass(frozen=True, slots=True)
class ClientStatus(Row):
    """A client, and the file that has what it says of itself."""

    NAME = "clients"
    LINE = STATUS
    HEADING = STATUS % ("#Index", "#ClientId", "#Version", "#ConsumerRunningInfoFile")
    index: int
    client_id: str
    version: str
    file: str


@dataclass(frozen=True, slots=True)
class Verdict(Said):
    """Whether a group's members agree, and what is wrong with which queue."""

    NAME = "verdict"
    is_same_subscription: bool
    complaints: tuple[str, ...]

    def __str__(self) -> str:
        """Return RocketMQ's lines."""
        if not self.is_same_subscription:
            return "\n\nWARN: Different subscription in the same group of consumer!!!"
        same = "\n\nSame subscription in the same group of consumer\n\nRebalance OK"
        return "\n".join([same, *self.complaints])


@dataclass(frozen=True, slots=True)
class RunningInfo(Said):
    """All that one client says of itself."""

    NAME = "client"
    client_id: str
    info: Info

    def to_json(self) -> dict[str, Any]:
        """Return it without the tables, whose keys are queues; see the sheet."""
        found = {k: v for k, v in self.info.items() if k != "mqTable"}
        return {"client_id": self.client_id, **found, "sheet": sheet(self.info)}

    def __str__(self) -> str:
        """Return the sheet."""
        return sheet(self.info)


async def consumer_status(admin: Admin, flags: Namespace) -> Rows:
    """Ask a group's consumers how they are; write down what each says."""
    group, client_id = flags.consumer_group, flags.client_id
    if client_id:
        info = await _info(admin, flags, client_id)
        yield RunningInfo(client_id, info)
        return
    now_ms = admin.instance.clock.now_ms()
    found = await groups.members(admin, group, flags.broker_addr)
    infos = {}
    for index, one in enumerate(found.connections, 1):
        info = infos[one.client_id] = await _info(admin, flags, one.client_id)
        file = _write(Path(str(now_ms)), one, info)
        yield ClientStatus(index, one.client_id, one.release, str(file))
    if infos:
        same = want_the_same(list(infos.values()), now_ms)
        told = (complaints(who, info, now_ms) for who, info in infos.items())
        yield Verdict(same, tuple(text for texts in told for text in texts))


async def _info(admin: Admin, flags: Namespace, client_id: str) -> Info:
    group, stacks = flags.consumer_group, flags.jstack
    return await groups.running_info(admin, group, client_id, with_stacks=stacks)


def _write(folder: Path, client: Connection, info: Info) -> Path:
    """Write a client's sheet to a file of its name below this folder."""
    # A client chooses its own id: it must not choose the folder as well.
    path = folder / client.client_id.replace("/", "_").replace("\\", "_").lstrip(".")
    folder.mkdir(exist_ok=True)
    path.write_text(sheet(info) + "\n", "utf-8")
    return path


CONSUMER_GROUP = Flag("g", "consumerGroup", "consumer group name", is_required=True)
BROKER_ADDR = Flag("b", "brokerAddr", "broker address")

COMMANDS: dict[str, Command] = {
    "producerConnection": Command(
        "Query producer's socket connection and client version",
        producer_connection,
        ProducerRow,
        (
            Flag("g", "producerGroup", "producer group name", is_required=True),
            Flag("t", "topic", "topic name", is_required=True),
        ),
    ),
    "consumerConnection": Command(
        "Query consumer's socket connection, client version and subscription",
        consumer_connection,
        Consumer,
        (CONSUMER_GROUP, BROKER_ADDR),
    ),
    "consumerStatus": Command(
        "Query consumer's internal data structure",
        consumer_status,
        ClientStatus,
        (
            CONSUMER_GROUP,
            Flag("i", "clientId", "The consumer's client id"),
            BROKER_ADDR,
            Flag(
                "s", "jstack", "Run jstack command in the consumer progress", kind=None
            ),
        ),
    ),
}
