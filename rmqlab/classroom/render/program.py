"""What is put on the machines: Apache RocketMQ's release, or our own nodes.

The release is started by its classes, not by its scripts: `mqbroker` is a shell that
starts a JVM and passes no signal on, so in a container, where it is the first process,
every stop would be a kill.  Its heaps are made for large machines, too, and its flags
for Java 8.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from rmqlab.classroom.image import NAME
from rmqlab.classroom.topology import ROOTS_HOME, Node

VERSION = "4.9.7"
HEAPS = {"namesrv": "512m", "broker": "2g"}
"""A broker's messages are in the page cache, not in its heap."""
STOP_S = 120
"""For a clean stop: goodbyes, what is not flushed yet, the tables."""
OPEN_MODULES = " ".join(
    f"--add-{how}=java.base/{module}=ALL-UNNAMED"
    for how, module in (
        ("exports", "jdk.internal.ref"),
        ("opens", "jdk.internal.ref"),
        ("opens", "java.nio"),
        ("opens", "sun.nio.ch"),
    )
)
"""So that a JDK newer than 8 lets it unmap its files.  Java 8 does not look for it."""


def kind_of(node: Node) -> str:
    """Return ``namesrv`` or ``broker``."""
    return "namesrv" if node.is_namesrv else "broker"


def _by(file: str | None) -> list[str]:
    return ["-c", file] if file else []


class Program(ABC):
    """A RocketMQ: how its nodes are started."""

    image: str
    """A container's; `image_home` is where the program lies in it."""
    image_home: str
    home: str
    """Where it is to lie on a machine."""
    uid: int
    """Who runs it in its image."""
    logs: str
    """Where its logs go in its image."""

    @abstractmethod
    def command(self, node: Node, file: str | None, home: str) -> list[str]:
        """Return the command that runs a node by its file; it ends at SIGTERM."""

    @abstractmethod
    def environment(self, home: str) -> dict[str, str]:
        """Return what that command needs around it."""


class Release(Program):
    """Apache RocketMQ, as it is released."""

    image = f"apache/rocketmq:{VERSION}"
    image_home = f"/home/rocketmq/rocketmq-{VERSION}"
    home = "/opt/rocketmq"
    uid = 3000
    logs = "/home/rocketmq/logs"

    def command(self, node: Node, file: str | None, home: str) -> list[str]:
        """See `Program.command`."""
        kind = kind_of(node)
        heap = HEAPS[kind]
        return [
            *("java", f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseG1GC"),
            *("-cp", f"{home}/conf:{home}/lib/*"),
            f"org.apache.rocketmq.{kind}.{kind.capitalize()}Startup",
            *_by(file),
        ]

    def environment(self, home: str) -> dict[str, str]:
        """See `Program.environment`."""
        return {"ROCKETMQ_HOME": home, "JDK_JAVA_OPTIONS": OPEN_MODULES}


class Own(Program):
    """The nodes of this kit."""

    image = NAME
    image_home = home = "/opt/rmqlab"
    uid = 3000
    logs = f"{ROOTS_HOME}/logs"

    def command(self, node: Node, file: str | None, home: str) -> list[str]:
        """See `Program.command`."""
        return [f"{home}/bin/mq{kind_of(node)}", *_by(file)]

    def environment(self, home: str) -> dict[str, str]:
        """See `Program.environment`."""
        return {"RMQLAB_BIND_ADDRESS": "0.0.0.0"}


RELEASE, OWN = Release(), Own()
