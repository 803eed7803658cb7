"""The same without `async`: it lives on the client's thread, beside blocking clients.

Their listeners run there, too: while one blocks, the broker does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from rmqlab.client import SendResult
from rmqlab.client.blocking import run
from rmqlab.protocol.message import StoredMessage
from rmqlab.testing import topics, waiting
from rmqlab.testing.node import AsyncRocketMQ

T = TypeVar("T")


class Reachable:
    """A cluster that is reached at `name_servers`, whoever runs it."""

    name_servers: str

    def send(self, topic: str, body: bytes | str, **more: Any) -> SendResult:
        """Send a message; see `topics.send`."""
        return run(topics.send(self.name_servers, topic, body, **more))

    def create_topic(self, topic: str, queues: int = 4) -> None:
        """Create a topic; sends to one that is not there do that, too."""
        run(topics.create_topic(self.name_servers, topic, queues))

    def messages(self, topic: str) -> list[StoredMessage]:
        """Return what lies in a topic; see `topics.messages`."""
        return run(topics.messages(self.name_servers, topic))

    def wait_for(
        self, condition: Callable[[], T], within_s: float = waiting.WITHIN_S
    ) -> T:
        """Return what a condition gives, once that is true; see `waiting.wait_for`."""
        return waiting.wait_for(condition, within_s)


class RocketMQ(Reachable):
    """One broker and its name server; see `AsyncRocketMQ`."""

    def __init__(
        self, folder: str | Path, settings: Mapping[str, str] | None = None
    ) -> None:
        self.inner = AsyncRocketMQ(folder, settings)

    @property
    def address(self) -> str:
        """See `AsyncRocketMQ.address`."""
        return self.inner.address

    def start(self) -> None:
        """See `AsyncRocketMQ.start`."""
        run(self.inner.start())
        self.name_servers = self.inner.name_servers

    def configure(self, **settings: str) -> None:
        """See `AsyncRocketMQ.configure`."""
        run(self.inner.configure(**settings))

    def stop(self) -> None:
        """See `AsyncRocketMQ.stop`."""
        run(self.inner.stop())

    def kill(self) -> None:
        """See `AsyncRocketMQ.kill`."""
        run(self.inner.kill())

    def restart(self) -> None:
        """See `AsyncRocketMQ.restart`."""
        run(self.inner.restart())

    def close(self) -> None:
        """See `AsyncRocketMQ.close`."""
        run(self.inner.close())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
