"""A node's container, from its start to its end, and its host's plug."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import docker
from docker.models.containers import Container

from rmqlab.classroom import image
from rmqlab.classroom.image import in_thread
from rmqlab.classroom.runtime import NodeState, State
from rmqlab.classroom.topology import Node

POLL_S = 0.05
BOOTED = b"boot success"
"""What a node says once it runs."""


class Running:
    """A container, its node, and how it is expected to end."""

    def __init__(self, container: Container, node: Node, state: NodeState) -> None:
        self.container, self.node, self.state = container, node, state
        self.is_expected: State = "failed"
        self.ended = asyncio.Event()

    async def booted(self) -> bool:
        """Return once the node has said that it runs; False if it ended."""
        said = await in_thread(self.container.logs, stream=True, follow=True)

        def has_booted() -> bool:
            with contextlib.closing(image.whole(said)) as lines:
                return any(BOOTED in line for line in lines)

        try:
            return await in_thread(has_booted)
        finally:
            said.close()

    async def lacks(self, ask: Callable[[], Awaitable[str]], bound_s: float) -> str:
        """Ask what it lacks until that is nothing; return what it is in the end."""
        why = await ask()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(bound_s):
                while why and not self.ended.is_set():
                    # No broker tells who connects to it: one has to ask.
                    await asyncio.sleep(POLL_S)
                    why = await ask()
        return why


def unplug(
    client: docker.DockerClient, own: dict[str, str], container: str, _: str
) -> None:
    """Take a host off its cluster's network.

    Raises:
        DockerException: the daemon refused.
    """
    client.networks.get(image.network_of(own)).disconnect(container)


def plug(
    client: docker.DockerClient, own: dict[str, str], container: str, address: str
) -> None:
    """Put a host on its cluster's network again, at the address that it had.

    Raises:
        DockerException: the daemon refused.
    """
    client.networks.get(image.network_of(own)).connect(container, ipv4_address=address)
