"""Who sends and consumes: a process that obeys a line at a time.

    this process   ``send orders 16 128 5000``  ──► stdin    Load.java, or own_load.py
                   stdout ──► {"sent": [[began, ended], …], "failed": 0, "why": ""}

Both loads say when each send began and ended, and nothing else: what comes of that is
worked out here, for both alike.  The Java one is RocketMQ's own client with its own
settings, from the jars that `release` finds; Java compiles it as it starts.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rmqlab.classroom import release
from rmqlab.classroom.bench import node
from rmqlab.classroom.bench.part import BenchError, NotHere
from rmqlab.classroom.bench.replication.lag import late_one
from rmqlab.classroom.runtime import ClusterError

JAVA, OWN = "java", "own"
LOADS = {JAVA: "RocketMQ's Java client", OWN: "our own client"}
ANSWER_S = 900.0
LINE_BYTES = 1 << 28
SOURCE = Path(__file__).with_name("Load.java")


@dataclass(frozen=True)
class Sends:
    """What some senders came to."""

    per_second: float
    median_ms: float
    late_ms: float
    """99 of 100 took no longer."""
    longest_gap_ms: float
    """In which no send was acknowledged."""
    failed: int

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Sends:
        """Return what a load's answer to ``send`` comes to.

        Raises:
            BenchError: not a single send was acknowledged.
        """
        sent = answer["sent"]
        if not sent:
            raise BenchError(f"{answer['failed']} sends failed: {answer['why']}")
        took = [ended - began for began, ended in sent]
        moments = sorted(ended for _, ended in sent)
        return cls(
            len(sent) / moments[-1] * 1000,
            statistics.median(took),
            late_one(took),
            max(after - before for before, after in pairwise([0.0, *moments])),
            answer["failed"],
        )


class Load:
    """A load that runs."""

    def __init__(self, process: Process, errors: Path) -> None:
        self._process, self._errors = process, errors

    async def order(self, *words: object) -> dict[str, Any]:
        """Give an order; return what it answers.

        Raises:
            BenchError: it ended, or takes too long.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{' '.join(map(str, words))}\n".encode())
        try:
            async with asyncio.timeout(ANSWER_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise BenchError(f"no answer to {words} in {ANSWER_S:g} s") from None
        if not line:
            said = self._errors.read_text("utf-8", "replace").strip() or "nothing"
            raise BenchError(f"the load ended and said {said.splitlines()[-1]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def send(
        self, topic: str, senders: int, body_bytes: int, millis: int
    ) -> Sends:
        """Send to a topic for so long, each sender as fast as it is answered."""
        return Sends.of(await self.order("send", topic, senders, body_bytes, millis))


@asynccontextmanager
async def running(kind: str, name_servers: str, folder: Path) -> AsyncIterator[Load]:
    """Run a load until the block ends.

    Raises:
        NotHere: it is the Java one, and there is no Java or no jars.
    """
    errors = folder / f"load-{kind}.txt"
    with errors.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *COMMANDS[kind](folder),
            name_servers,
            stdin=PIPE,
            stdout=PIPE,
            stderr=said,
            cwd=folder,
            limit=LINE_BYTES,
        )
    try:
        yield Load(process, errors)
    finally:
        await node.end(process)


def _java(folder: Path) -> list[str]:
    try:
        found = release.find()
    except ClusterError as error:
        raise NotHere(str(error)) from error
    options = ("-Xmx512m", "-XX:-UsePerfData", f"-Duser.home={folder}")
    return [found.java, *options, "-cp", found.class_path, str(SOURCE)]


def _own(folder: Path) -> list[str]:
    return [sys.executable, "-m", "rmqlab.classroom.bench.sides.own_load"]


COMMANDS: dict[str, Callable[[Path], list[str]]] = {JAVA: _java, OWN: _own}
