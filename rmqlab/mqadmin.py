"""`mqadmin`: the first of its commands, with RocketMQ's names, flags and columns.

What RocketMQ prints and this cluster does not measure yet stands as ``-``.

Source: the SubCommand classes of release 4.9.7.
"""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple, NoReturn

from rmqlab.client.admin import Admin
from rmqlab.client.routes import MASTER_ID
from rmqlab.errors import RemoteError, RmqError, Unavailable
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import CreateTopic
from rmqlab.protocol.bodies import TopicConfig, text_keys
from rmqlab.protocol.message import DEFAULT_TOPIC

CLUSTER_LIST = "%-16s  %-22s  %-4s  %-22s %-16s %19s %19s %10s %5s %6s"
TOPIC_STATUS = "%-32s  %-4s  %-20s  %-20s    %s"
UNMEASURED = "-"
FAILED, USAGE = 1, 64


class Failed(RmqError):
    """A command cannot be carried out."""


async def cluster_list(admin: Admin, flags: Namespace) -> None:
    """List every broker of every cluster."""
    info = await admin.cluster()
    titles = "Cluster Name,Broker Name,BID,Addr,Version,InTPS(LOAD),OutTPS(LOAD)"
    titles += ",PCWait(ms),Hour,SPACE"
    print(CLUSTER_LIST % tuple(f"#{title}" for title in titles.split(",")))
    for cluster, names in sorted(info.clusters.items()):
        for name in sorted(names):
            for broker_id, address in sorted(info.brokers[name].broker_addrs.items()):
                version = await _version(admin, address)
                unknown = [UNMEASURED] * 5
                row = (cluster, name, broker_id, address, version, *unknown)
                print(CLUSTER_LIST % row)


async def _version(admin: Admin, address: str) -> str:
    """Return a broker's release; one that does not answer keeps its row."""
    try:
        return (await admin.runtime_info(address))["brokerVersionDesc"]
    except (Unavailable, RemoteError):
        return UNMEASURED


async def topic_list(admin: Admin, flags: Namespace) -> None:
    """List all topics."""
    for topic in await admin.topics():
        print(topic)


async def topic_route(admin: Admin, flags: Namespace) -> None:
    """Print a topic's route as JSON."""
    route = await admin.route(flags.topic)
    if route is None:
        raise Failed(f"No topic route info in name server for the topic: {flags.topic}")
    print(fastjson.dumps(text_keys(route.to_json()), pretty=True))


async def topic_status(admin: Admin, flags: Namespace) -> None:
    """Print the offsets of a topic's queues."""
    titles = ("#Broker Name", "#QID", "#Min Offset", "#Max Offset", "#Last Updated")
    print(TOPIC_STATUS % titles)
    for queue, low, high, stored_ms in await admin.queue_stats(flags.topic):
        moment = _human(stored_ms) if stored_ms else ""
        print(TOPIC_STATUS % (queue.broker_name, queue.queue_id, low, high, moment))


async def update_topic(admin: Admin, flags: Namespace) -> None:
    """Create a topic, or change its settings, on one broker or a whole cluster."""
    if bool(flags.broker) == bool(flags.cluster):
        raise Failed("give either -b, a broker's address, or -c, a cluster's name")
    masters = [flags.broker] if flags.broker else await _masters(admin, flags.cluster)
    read, write, perm = int(flags.read), int(flags.write), int(flags.perm)
    for address in masters:
        await admin.ask(
            address,
            CreateTopic(flags.topic, DEFAULT_TOPIC, read, write, perm, "SINGLE_TAG", 0),
        )
        print(f"create topic to {address} success.")
    print(TopicConfig(flags.topic, read, write, perm))


async def broker_status(admin: Admin, flags: Namespace) -> None:
    """Print what a broker measures."""
    for key, value in sorted((await admin.runtime_info(flags.broker)).items()):
        print(f"{key:<32}: {value}")


async def _masters(admin: Admin, cluster: str) -> list[str]:
    info = await admin.cluster()
    names = sorted(info.clusters.get(cluster, []))
    addresses = (info.brokers[name].broker_addrs.get(MASTER_ID) for name in names)
    masters = [address for address in addresses if address]
    if not masters:
        known = ", ".join(sorted(info.clusters)) or "none"
        raise Failed(f"no master in cluster {cluster!r}; clusters known: {known}")
    return masters


def _human(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S},{at_ms % 1000:03d}"


class Flag(NamedTuple):
    """One flag of a command."""

    short: str
    name: str
    is_required: bool = False
    default: str | None = None


class Command(NamedTuple):
    """One command of mqadmin."""

    run: Callable[[Admin, Namespace], Awaitable[None]]
    flags: tuple[Flag, ...] = ()


TOPIC = Flag("t", "topic", is_required=True)

COMMANDS = {
    "updateTopic": Command(
        update_topic,
        (
            TOPIC,
            Flag("b", "broker"),
            Flag("c", "cluster"),
            Flag("r", "read", default="8"),
            Flag("w", "write", default="8"),
            Flag("p", "perm", default="6"),
        ),
    ),
    "brokerStatus": Command(broker_status, (Flag("b", "broker", is_required=True),)),
    "clusterList": Command(cluster_list),
    "topicList": Command(topic_list),
    "topicRoute": Command(topic_route, (TOPIC,)),
    "topicStatus": Command(topic_status, (TOPIC,)),
}


class Parser(ArgumentParser):
    """Exits as programs do for a usage error."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong."""
        self.print_usage(sys.stderr)
        print(message, file=sys.stderr)
        sys.exit(USAGE)


def _parser(name: str, command: Command) -> Parser:
    parser = Parser(f"mqadmin {name}", description=command.run.__doc__)
    parser.add_argument("-n", dest="name_servers", metavar="host:port;…")
    for flag in command.flags:
        parser.add_argument(
            f"-{flag.short}",
            dest=flag.name,
            required=flag.is_required,
            default=flag.default,
        )
    return parser


def _overview() -> str:
    lines = ["The most commonly used mqadmin commands are:"]
    lines += [f"   {name:<20} {it.run.__doc__}" for name, it in COMMANDS.items()]
    lines.append("")
    lines.append(
        "See 'mqadmin help <command>' for more information on a specific command."
    )
    return "\n".join(lines)


def run(arguments: list[str]) -> int:
    """Carry out one command and return the exit code."""
    if arguments[:1] == ["help"]:
        arguments = [arguments[1], "-h"] if arguments[1:] else []
    if not arguments:
        print(_overview())
        return 0
    name, *rest = arguments
    command = COMMANDS.get(name)
    if command is None:
        print(f"The sub command {name} not exist.", file=sys.stderr)
        return USAGE
    flags = _parser(name, command).parse_args(rest)
    name_servers = flags.name_servers or os.environ.get("NAMESRV_ADDR") or ""
    try:
        asyncio.run(_run(command, flags, name_servers))
    except (RmqError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return FAILED
    return 0


async def _run(command: Command, flags: Namespace, name_servers: str) -> None:
    async with Admin(name_servers) as admin:
        await command.run(admin, flags)


def main() -> None:
    """Run mqadmin."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
