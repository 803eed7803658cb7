"""What the course says of RocketMQ, as something that can be played and looked at.

    @claim("05", ONE)
    async def a_topic_is_born(stage: Stage) -> Json:
        '''The first send to a topic that nobody made gives it four queues.'''
        …                                       # returns what was observed

The docstring is the claim.  What is returned is compared, not judged: equal on our
nodes and on RocketMQ's own, or a difference that is known and explained.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.stage import Stage

Play = Callable[[Stage], Awaitable[Json]]


class Ground(NamedTuple):
    """What a claim is played on: a topology, with settings for all its brokers."""

    topology: str
    settings: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Its topology."""
        return self.topology


def _ground(topology: str, **settings: object) -> Ground:
    texts = {key: str(value) for key, value in (PATIENT | settings).items()}
    return Ground(topology, tuple(texts.items()))


PATIENT: dict[str, object] = {
    "brokerFastFailureEnable": "false",  # however busy the processors are
    "osPageCacheBusyTimeOutMills": 60_000,
    "cleanFileForciblyEnable": "false",  # however full the disk is
}
QUICK: dict[str, object] = {
    "messageDelayLevel": " ".join(["1s"] * 18),
    "transactionCheckInterval": 1000,
    "transactionTimeOut": 4000,  # who commits at once is not asked
    "enablePropertyFilter": "true",
}
ONE = _ground("1m", **QUICK)
TWO = _ground("2m-noslave")
ASYNC = _ground("2m-2s-async")
SYNC = _ground("2m-2s-sync")
ARTICLE = Ground("article", ())
GROUNDS = (ONE, TWO, ASYNC, SYNC, ARTICLE)


@dataclass(frozen=True)
class Claim:
    """One thing that the course says; `lab` is where."""

    name: str
    text: str
    lab: str
    ground: Ground


@dataclass(frozen=True)
class Scene(Claim):
    """A claim that is played on a cluster which it shares with others."""

    play: Play
    is_alone: bool
    """Whether it strikes what others stand on: it is played when they are done."""


def claim(lab: str, ground: Ground, *, alone: bool = False) -> Callable[[Play], Scene]:
    """Make a claim of a function; its docstring says what is claimed."""

    def make(play: Play) -> Scene:
        text = inspect.getdoc(play) or ""
        name = play.__name__
        return Scene(name, " ".join(text.split()), lab, ground, play, alone)

    return make
