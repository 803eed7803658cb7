"""Is a node usable?  It is asked over RocketMQ's own protocol, as a client would.

    a name server       answers
    a broker            answers, and every name server of its file has it
    a master            all of them have its queues as open for writing
    a SYNC_MASTER       a slave is connected: without one no message is safe
    a slave             its master has all its slaves connected
    rmqlab.testing      its broker takes a message, and says that it is safe

    python -m rmqlab.health mqbroker -c FILE    a node of this machine
    python -m rmqlab.health                     the one that this container runs

Exit code 0 and `usable`, or 1 and what is missing.  Nothing here needs an event loop:
a check runs every few seconds beside each node, so it has to start fast.
"""

from __future__ import annotations

import socket
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmqlab.clock import SystemClock
from rmqlab.config import parse_properties, read
from rmqlab.errors import NoAnswer, NotConnected, RemoteError, RmqError
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import GetRuntimeInfo
from rmqlab.protocol.bodies import ClusterInfo, TopicRoute
from rmqlab.protocol.codes import Permission, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.header import Header
from rmqlab.protocol.message import DEFAULT_TOPIC
from rmqlab.protocol.messaging import SendMessage
from rmqlab.protocol.routing import GetClusterInfo, GetRoute
from rmqlab.protocol.stream import FrameDecoder
from rmqlab.settings import BrokerConfig, BrokerRole, NamesrvConfig, StoreConfig

ANSWER_S = 1.0
"""A node that takes longer to say that it is there is not usable."""
PIECE_BYTES = 1 << 16
MASTER_ID = 0
FIRST_PROCESS = Path("/proc/1/cmdline")
FOR_TESTS = "rmqlab.testing"
PROGRAMS = ("mqnamesrv", "mqbroker", FOR_TESTS)
GROUP = "SELF_TEST_P_GROUP"


@dataclass(frozen=True)
class Target:
    """A node to be asked, and what it needs; without a broker name, a name server."""

    address: str
    """host:port, as everything here."""
    broker_name: str = ""
    broker_id: int = MASTER_ID
    name_servers: tuple[str, ...] = ()
    slaves: int = 0
    """Of a master: how many have to be connected."""
    is_open: bool = False
    """Whether the topic of its own name has to be open for writing."""
    is_for_tests: bool = False
    """Whether it may be sent a message, to that topic."""


def missing(target: Target) -> str:
    """Return what a node lacks to be usable; empty if nothing."""
    return unregistered(target) or unpaired(target) or unsendable(target)


def unregistered(target: Target) -> str:
    """Return who does not answer or know the node; empty if everybody does."""
    try:
        if not target.broker_name:
            ask(target.address, GetClusterInfo())
            return ""
        ask(target.address, GetRuntimeInfo())
        for name_server in target.name_servers:
            if target.broker_id not in addresses(name_server, target.broker_name):
                return f"name server {name_server} does not know it yet"
    except RmqError as error:
        return str(error)
    return ""


def unpaired(target: Target) -> str:
    """Return which connection of a master and its slaves is missing; empty if none."""
    try:
        if target.broker_id == MASTER_ID:
            connected = slaves_of(target.address) if target.slaves else 0
            return _unless(connected, target.slaves, "no connection to its slave yet")
        for name_server in target.name_servers:
            known = addresses(name_server, target.broker_name)
            if master := known.get(MASTER_ID):
                slaves = len(known) - 1
                what = "no connection to its master yet"
                return _unless(slaves_of(master), slaves, what)
    except RmqError as error:
        return str(error)
    return "no connection to its master yet: no name server knows one"


def unsendable(target: Target) -> str:
    """Return why a producer's send would fail; empty if none is to be tried."""
    if not target.is_open:
        return ""
    topic, now_ms = target.broker_name, SystemClock().now_ms()
    header = SendMessage(GROUP, topic, DEFAULT_TOPIC, 1, 0, 0, now_ms, 0)
    try:
        for name_server in target.name_servers:
            answer = ask(name_server, GetRoute(topic))
            queues = TopicRoute.from_json(fastjson.loads(answer.body)).queues
            if not any(one.perm & Permission.WRITE for one in queues):
                return f"it takes no message: {name_server} has it as read-only"
        if target.is_for_tests:
            ask(target.address, header, b"Does it take messages?")
    except RmqError as error:
        return f"it takes no message: {error}"
    return ""


def _unless(connected: int, wanted: int, what: str) -> str:
    return f"{what}: {connected} of {wanted} slaves" if connected < wanted else ""


def addresses(name_server: str, broker_name: str) -> dict[int, str]:
    """Return the addresses that a name server has for a broker name; see `ask`."""
    answer = ask(name_server, GetClusterInfo())
    known = ClusterInfo.from_json(fastjson.loads(answer.body)).brokers
    return known[broker_name].broker_addrs if broker_name in known else {}


def slaves_of(address: str) -> int:
    """Return how many slaves are connected to a broker; see `ask`."""
    answer = ask(address, GetRuntimeInfo())
    return int(fastjson.loads(answer.body)["table"].get("haSlaveCount", 0))


def ask(address: str, header: Header, body: bytes = b"") -> Frame:
    """Ask one thing on a connection of its own and return the answer.

    Raises:
        NotConnected, NoAnswer: nobody answered within `ANSWER_S`.
        RemoteError: the answer is no success.
    """
    host, _, port = address.rpartition(":")
    try:
        connection = socket.create_connection((host, int(port)), ANSWER_S)
    except (OSError, ValueError) as error:
        raise NotConnected(f"connect to {address} failed: {error}") from error
    request = Frame(header.CODE, header.to_wire() or None, body, opaque=1)
    try:
        with connection:
            connection.sendall(request.to_bytes())
            answer = _first_frame(connection)
    except OSError as error:
        raise NoAnswer(f"no answer from {address}: {error}") from error
    if answer is None:
        raise NoAnswer(f"no answer from {address}: it closed the connection")
    if answer.code != ResponseCode.SUCCESS:
        raise RemoteError(answer.code, answer.remark, address)
    return answer


def _first_frame(connection: socket.socket) -> Frame | None:
    decoder = FrameDecoder()
    while data := connection.recv(PIECE_BYTES):
        for frame in decoder.feed(data):
            return frame
    return None


def target_of(words: list[str]) -> Target:
    """Return the node that a command line starts on this machine.

    Raises:
        RmqError: it starts none.
        OSError: its file cannot be read.
    """
    programs = [Path(word).name for word in words]
    program = next((one for one in programs if one in PROGRAMS), None)
    if program is None:
        raise RmqError(f"{' '.join(words)!r} starts none of {', '.join(PROGRAMS)}")
    if program == FOR_TESTS:
        return _target_for_tests(words)
    flags = ArgumentParser()
    flags.add_argument("-c", "--configFile")
    flags.add_argument("-n", "--namesrvAddr")
    found, _ = flags.parse_known_args(words[programs.index(program) + 1 :])
    text = Path(found.configFile).read_bytes() if found.configFile else b""
    if program == "mqnamesrv":
        namesrv = _read(NamesrvConfig(), text)
        return Target(f"{_here(namesrv.bind_address)}:{namesrv.listen_port}")
    config, store = _read(BrokerConfig(), text), _read(StoreConfig(), text)
    is_slave = store.broker_role is BrokerRole.SLAVE
    addresses = found.namesrvAddr or config.namesrv_addr
    return Target(
        f"{_here(config.bind_address, config.broker_i_p1)}:{config.listen_port}",
        config.broker_name or socket.gethostname(),
        config.broker_id if is_slave else MASTER_ID,
        tuple(one.strip() for one in addresses.split(";") if one.strip()),
        slaves=int(store.broker_role is BrokerRole.SYNC_MASTER),
        is_open=config.broker_topic_enable and not is_slave,
    )


def _target_for_tests(words: list[str]) -> Target:
    flags = ArgumentParser()
    flags.add_argument("--namesrv-port")
    flags.add_argument("--port")
    flags.add_argument("--set", action="append", default=[])
    found, _ = flags.parse_known_args(words)
    if not (found.port and found.namesrv_port):
        raise RmqError(f"{FOR_TESTS} is found only with --port and --namesrv-port")
    text = "\n".join(found.set).encode()
    name = _read(BrokerConfig(broker_name="broker-a"), text).broker_name
    name_server = f"127.0.0.1:{found.namesrv_port}"
    at = f"127.0.0.1:{found.port}"
    servers = (name_server,)
    return Target(at, name, name_servers=servers, is_open=True, is_for_tests=True)


def _here(bind_address: str, broker_ip: str = "") -> str:
    """Return where a node of this machine is asked; see `broker.settle`."""
    if bind_address not in ("", "0.0.0.0"):
        return bind_address
    return broker_ip if broker_ip.startswith("127.") else "127.0.0.1"


def _read(config: Any, text: bytes) -> Any:
    read(parse_properties(text), config)
    return config


def main() -> None:
    """Say `usable` or why not."""
    try:
        words = sys.argv[1:] or FIRST_PROCESS.read_text().split("\0")
        why = missing(target_of(words))
    except (RmqError, OSError) as error:
        why = str(error)
    print(why or "usable")
    sys.exit(1 if why else 0)


if __name__ == "__main__":
    main()
