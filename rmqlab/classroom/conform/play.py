"""Plays claims on the nodes of one runtime, one cluster at a time.

each ground:   up ─▶ all claims that disturb nobody, at once ─▶ the others, one by
one ─▶ down
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rmqlab.classroom.async_cluster import AsyncCluster
from rmqlab.classroom.conform.claim import GROUNDS, Ground, Scene
from rmqlab.classroom.conform.normal import Json, normal
from rmqlab.classroom.conform.stage import Stage, on_stage
from rmqlab.errors import RmqError

CLAIM_S = 90.0
AT_ONCE = 10
OURS = "local"
Tell = Callable[[str], None]
log = logging.getLogger(__name__)


@dataclass
class Played:
    """What was observed on the nodes of one runtime."""

    runtime: str
    release: str = ""
    """Which release its brokers say that they are."""
    observed: dict[str, Json] = field(default_factory=dict)
    """By claim."""
    failed: dict[str, str] = field(default_factory=dict)
    """By claim that could not be played, why."""

    def why_not(self, name: str) -> str:
        """Return why a claim was not observed."""
        return self.failed.get(name, "it was not played")


async def play(claims: Iterable[Scene], runtime: str, tell: Tell) -> Played:
    """Play claims, ground by ground.

    Raises:
        ClusterError: the runtime cannot be had here.
    """
    wanted, played = list(claims), Played(runtime)
    for ground in GROUNDS:
        here = [one for one in wanted if one.ground == ground]
        if here:
            tell(f"{ground} on {runtime}: {len(here)} claims")
            await _play_on(ground, here, played)
    return played


async def _play_on(ground: Ground, claims: list[Scene], played: Played) -> None:
    name = f"conform-{played.runtime}-{ground}-{os.getpid()}"
    settings = dict(ground.settings)
    how = {"runtime": played.runtime, "name": name, "settings": settings}
    cluster = await AsyncCluster.up(ground.topology, **how)
    try:
        async with cluster, on_stage(cluster) as stage:
            version = (await stage.measured())["brokerVersionDesc"]
            played.release = version.removeprefix("V").replace("_", ".")
            for alone, at_once in ((False, AT_ONCE), (True, 1)):
                room = asyncio.Semaphore(at_once)
                here = (one for one in claims if one.is_alone == alone)
                work = (_observe(one, stage, played, room) for one in here)
                await asyncio.gather(*work)
    finally:
        shutil.rmtree(cluster.cluster.folder, ignore_errors=True)


async def _observe(
    claim: Scene, stage: Stage, played: Played, room: asyncio.Semaphore
) -> None:
    try:
        async with room, asyncio.timeout(CLAIM_S):
            played.observed[claim.name] = normal(await claim.play(stage))
    except (RmqError, TimeoutError, LookupError, ValueError) as error:
        log.debug("not played: %s", claim.name, exc_info=True)
        played.failed[claim.name] = f"{type(error).__name__}: {error}"
