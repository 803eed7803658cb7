"""A scenario as data: a cluster, its traffic, what befalls it, and what must hold.

Written down as a text (`script`), or by a file of Python (`python_file`):

    # A master is killed.
    topology 2m-2s-sync
    traffic orders 5/s with 2 consumers
    at 60s kill broker-a for 30s
    until 180s
    then heal and wait 120s
    hold nothing promised is lost
    hold silence < 1s
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

HEAL_S = 120.0
"""How long a scenario goes on after everything was mended, unless it says otherwise:
a client that saw nothing of it knows all after 30 s, a broker forgets one after 120."""

Kind = Literal["node", "client", "host"]
Manner = Literal["", "busy", "orderly"]
"""How consumers are: at once done with a message, or busy (see `busy`), and if so in
order or not."""

BREAKS: dict[Kind, tuple[str, ...]] = {
    "node": ("kill", "stop", "pause", "promote"),
    "client": ("kill", "close", "pause"),
    "host": ("crash", "cut", "slow"),
}
MENDS: dict[Kind, tuple[str, ...]] = {
    "node": ("restart", "resume"),
    "client": ("start", "resume"),
    "host": ("boot", "heal", "quicken"),
}
UNDONE_BY = {
    "kill": "restart",
    "stop": "restart",
    "pause": "resume",
    "close": "start",
    "crash": "boot",
    "cut": "heal",
    "slow": "quicken",
}
"""What `for 20s` does after 20 seconds; to a client that was killed: start.

A promotion is for good."""

ANY: dict[str, Kind] = {
    "node": "node",
    "broker": "node",
    "master": "node",
    "slave": "node",
    "nameserver": "node",
    "client": "client",
    "producer": "client",
    "consumer": "client",
    "host": "host",
}
"""What may follow `a`: which one is decided by the seed."""


@dataclass(frozen=True)
class Action:
    """One thing that is done to one of a cluster's parts.

    `target` is a name, or ``a master`` and the like; `for_s` is when it is undone,
    None for never.
    """

    verb: str
    kind: Kind
    target: str
    for_s: float | None = None
    other: str = ""
    """Of `cut`: the only host that it is cut off from."""
    way: str = ""
    """Of `cut`: ``inward`` or ``outward``; of `slow`: ``links`` or ``disk``."""
    delay_s: float = 0.0
    """Of `slow`: how long it takes then."""

    def __str__(self) -> str:
        words = [self.verb, self.way, self.target, self.other and f"from {self.other}"]
        return " ".join(filter(None, words))


@dataclass(frozen=True)
class Timed:
    """An action at a moment after the traffic began, or every so many seconds."""

    at_s: float
    action: Action
    every_s: float | None = None


@dataclass(frozen=True)
class RandomFaults:
    """Faults that the seed chooses, one every so many seconds.

    Each is undone after `for_s`, else after about as long as the next one takes.
    """

    verbs: tuple[str, ...]
    every_s: float
    for_s: float | None = None


@dataclass(frozen=True)
class Flow:
    """Traffic on a topic."""

    topic: str
    per_second: float
    consumers: int
    manner: Manner = ""

    @property
    def clients(self) -> list[str]:
        """The names of its clients."""
        return client_names(self.topic, self.per_second, self.consumers)


def client_names(topic: str, per_second: float, consumers: int) -> list[str]:
    """Return the names of traffic's clients, the producer's first."""
    sends = [f"{topic}-producer"] if per_second else []
    return [*sends, *(f"{topic}-consumer-{n}" for n in range(1, consumers + 1))]


@dataclass(frozen=True)
class Hold:
    """Something that must hold at the end.

    ``count`` is a number of a report, or ``promised``: what the history's checker
    finds must be nothing.
    """

    text: str
    count: str
    compare: str = "="
    number: float = 0.0


@dataclass
class Scenario:
    """All of it; times are virtual seconds after the traffic began."""

    name: str
    about: str = ""
    topology: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    """Of every broker."""
    node_settings: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of single ones."""
    client_settings: dict[str, str] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    timed: list[Timed] = field(default_factory=list)
    faults: list[RandomFaults] = field(default_factory=list)
    until_s: float = 0.0
    wait_s: float = HEAL_S
    holds: list[Hold] = field(default_factory=list)
    text: str = ""
    """What it was read from: with a seed it repeats a run."""
    act: Callable[[Any], object] | None = None
    """Of a file of Python: given the cluster, lets time pass as it likes."""
