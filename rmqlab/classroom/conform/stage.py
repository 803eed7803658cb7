"""What claims are played on: a cluster, and clients that need not be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

from rmqlab.classroom.async_cluster import AsyncCluster
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.looking import StoreFiles
from rmqlab.classroom.runtime import ClusterError, NodeState
from rmqlab.client import Admin, Producer, PullConsumer, PushConsumer
from rmqlab.client.listener import Listener
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.sent import SendResult
from rmqlab.errors import RemoteError, RmqError, Unavailable, WireError
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import CreateTopic
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.header import Header
from rmqlab.protocol.message import (
    DEFAULT_TOPIC,
    Message,
    MessageQueue,
    StoredMessage,
)
from rmqlab.settings import ClientConfig

LOOK_AGAIN_S = 0.05
WAIT_S = 60.0
BROKER, NAMES = "broker-a", "namesrv1"
ATTENTIVE: dict[str, Any] = {
    "send_msg_timeout": 20_000,
    "poll_name_server_interval": 300,
    "heartbeat_broker_interval": 300,
    "rebalance_interval": 300,
    "persist_consumer_offset_interval": 300,
}


class Stage:
    """A cluster that claims are played on; `nodes` is how it was when it was up."""

    def __init__(
        self,
        cluster: AsyncCluster,
        nodes: Iterable[NodeState],
        producer: Producer,
        puller: PullConsumer,
        admin: Admin,
    ) -> None:
        self.cluster = cluster
        self.nodes = {node.name: node for node in nodes}
        self.producer, self.puller, self.admin = producer, puller, admin

    def address(self, node: str = BROKER) -> str:
        """Return where a node is."""
        return self.nodes[node].address

    def store(self, node: str = BROKER) -> StoreFiles:
        """Return the files of a broker's store."""
        return StoreFiles.of(self.nodes[node])

    def said(self, node: str, text: str) -> list[str]:
        """Return the lines with a text that a node has printed."""
        lines = _printed(self.nodes[node]).splitlines()
        return [line for line in lines if text in line]

    async def call(self, header: Header, body: Any = b"", at: str = BROKER) -> Frame:
        """Ask a node; a body that is no bytes is sent as JSON."""
        data = body if isinstance(body, bytes) else fastjson.dumps(body).encode()
        remoting = self.admin.instance.remoting
        return await remoting.call(self.address(at), header, data, WAIT_S)

    async def told(self, header: Header, body: Any = b"", at: str = BROKER) -> Json:
        """Ask a node and return its answer as an observation."""
        return told(await self.call(header, body, at))

    async def measured(self) -> dict[str, str]:
        """Return a broker's run-time information.

        RocketMQ has none before it has counted for a second or two.
        """

        async def found() -> dict[str, str] | None:
            with suppress(RemoteError):
                return await self.admin.runtime_info(self.address())
            return None

        table: dict[str, str] = await until(found)
        return table

    async def topic(self, name: str, queues: int = 1) -> MessageQueue:
        """Make a topic on every master; return its first queue on the first of them."""
        settings = name, DEFAULT_TOPIC, queues, queues, 6, "SINGLE_TAG", 0
        for node in self.nodes.values():
            if node.role.endswith("MASTER"):
                await self.call(CreateTopic(*settings), at=node.name)
        await until(lambda: self.has_route(name))
        return MessageQueue(name, BROKER, 0)

    async def has_route(self, topic: str) -> bool:
        """Whether the name servers know the topic."""
        return await self.admin.route(topic) is not None

    async def send(self, to: str | MessageQueue, body: str, **more: Any) -> SendResult:
        """Send a message to a topic, or to one of its queues."""
        topic = to if isinstance(to, str) else to.topic
        queue = None if isinstance(to, str) else to
        return await self.producer.send(Message(topic, body.encode(), **more), queue)

    async def stored(self, queue: MessageQueue, count: int = 1) -> list[StoredMessage]:
        """Return what lies in a queue once there are so many messages."""
        await self.puller.instance.fetch_route(queue.topic)

        async def are_there() -> bool:
            return await self.puller.end(queue) >= count

        await until(are_there)
        return [one async for one in self.admin.messages(queue)]

    def fresh_producer(self) -> Producer:
        """Return a producer that knows no route yet, and whose turn begins anew."""
        config = ClientConfig(**ATTENTIVE)
        return Producer("conform-fresh", self.cluster.name_servers, config)

    def consumer(
        self,
        group: str,
        listener: Listener,
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> PushConsumer:
        """Return a consumer; a new group begins at the first message."""
        options.setdefault("start", ConsumeFrom.FIRST_OFFSET)
        config = ClientConfig(**(ATTENTIVE | (settings or {})))
        servers = self.cluster.name_servers
        return PushConsumer(group, servers, listener, config, **options)


@asynccontextmanager
async def on_stage(cluster: AsyncCluster) -> AsyncIterator[Stage]:
    """Yield a stage whose clients have begun."""
    config, servers = ClientConfig(**ATTENTIVE), cluster.name_servers
    nodes = (await cluster.status()).nodes
    async with (
        Producer("conform-senders", servers, config) as producer,
        PullConsumer("conform-pullers", servers, config) as puller,
        Admin(servers, config) as admin,
    ):
        yield Stage(cluster, nodes, producer, puller, admin)


def told(frame: Frame) -> Json:
    """Return an answer as an observation: what it does not have is left out."""
    code = frame.code
    known = ResponseCode(code).name if code in set(ResponseCode) else code
    fields = {key: value for key, value in (frame.fields or {}).items() if value}
    parts = {"code": known, "remark": frame.remark, "fields": fields}
    parts["body"] = body_of(frame)
    return {key: value for key, value in parts.items() if value not in (None, {}, "")}


def body_of(frame: Frame) -> Json:
    """Return an answer's body as JSON, None where it has none."""
    try:
        return _plain(fastjson.loads(frame.body)) if frame.body else None
    except WireError:
        return "no JSON"


def _plain(found: Any) -> Json:
    if isinstance(found, dict):
        return {_key(key): _plain(value) for key, value in found.items()}
    return [_plain(one) for one in found] if isinstance(found, list) else found


def _key(key: Any) -> str:
    """Return a key as text; one that is an object has its values in it."""
    if isinstance(key, fastjson.Key):
        return " ".join(str(value) for _, value in sorted(key))
    return str(key)


async def until(
    is_so: Callable[[], Awaitable[Any] | Any], within_s: float = WAIT_S
) -> Any:
    """Wait until something is so, and return what it is then; it may be asked for.

    Who is asked and does not answer, for the machine is busy, is asked again.

    Raises:
        ClusterError: it is not, in all that time.
    """
    try:
        async with asyncio.timeout(within_s):
            while True:
                if found := await _asked(is_so):
                    return found
                await asyncio.sleep(LOOK_AGAIN_S)
    except TimeoutError:
        raise ClusterError(f"waited {within_s:g} s in vain") from None


async def _asked(is_so: Callable[[], Awaitable[Any] | Any]) -> Any:
    with suppress(Unavailable):
        found = is_so()
        return await found if isinstance(found, Awaitable) else found
    return None


async def refused(work: Awaitable[Any]) -> Json:
    """Return with which error something was refused, or that it was not.

    Raises:
        Unavailable: nobody answered.
    """
    try:
        await work
    except Unavailable:
        raise
    except RmqError as error:
        return {"error": type(error).__name__, "code": getattr(error, "code", None)}
    return "went well"


def bodies(messages: Iterable[StoredMessage]) -> list[str]:
    """Return what messages say."""
    return [one.body.decode() for one in messages]


class Heard:
    """What a consumer was given, in that order; itself a listener."""

    def __init__(self) -> None:
        self.messages: list[StoredMessage] = []

    def __call__(self, message: StoredMessage) -> None:
        """Take a message."""
        self.messages.append(message)

    async def reaches(self, count: int) -> list[str]:
        """Return what was said, sorted, once there are so many."""
        await until(lambda: len(self.messages) >= count)
        return sorted(bodies(self.messages))


def _printed(node: NodeState) -> str:
    """Return what a node has printed; Docker keeps it while its container runs."""
    console = Path(node.folder, "logs", "rocketmqlogs", node.name, "console.txt")
    if console.exists() or node.container is None:
        return console.read_text("utf-8", "replace")
    # Its library takes a third of a second to import: only who uses it waits.
    from rmqlab.classroom import image  # noqa: PLC0415

    with closing(image.connect()) as daemon:
        said: bytes = daemon.containers.get(node.container).logs()
    return said.decode("utf-8", "replace")
