"""What campaigns share: many seeds, each played and checked, and what went wrong.

Not here: what a seed means, and which promises are checked (`campaign`, `consumers`).
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Protocol, TypeVar

from rmqlab.classroom.simulated.outcome import Outcome
from rmqlab.errors import RmqError

MOST_SHOWN = 3


class Played(Protocol):
    """What one seed came to; `problems` is empty where all is well."""

    seed: int
    problems: list[str]


R = TypeVar("R", bound=Played)


def arguments(about: str) -> argparse.Namespace:
    """Return what a campaign's command line says."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--show", type=int, help="print a seed's scenario, no more")
    return parser.parse_args()


def play_all(play: Callable[[int], R], wanted: argparse.Namespace) -> list[R]:
    """Play all seeds that are wanted; say of each what is wrong, once it is known."""
    results: list[R] = []
    seeds = range(wanted.first, wanted.first + wanted.seeds)
    for one in _played(play, seeds, wanted.jobs):
        results.append(one)
        for problem in one.problems[:MOST_SHOWN]:
            print(f"seed {one.seed}: {problem}", flush=True)
    return results


def _played(play: Callable[[int], R], seeds: Iterable[int], jobs: int) -> Iterator[R]:
    if jobs == 1:
        yield from map(play, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(play, seeds, chunksize=4)


def failed(results: Iterable[Played]) -> list[int]:
    """Return the seeds of which something is wrong; say how to repeat the first."""
    bad = [one.seed for one in results if one.problems]
    if bad:
        print(f"To repeat one: --show {bad[0]} > seed.txt, and play that scenario with")
        print(f"rmqlab sim seed.txt --seed {bad[0]} --trace seed.jsonl")
    return bad


# ── what is wrong whatever was promised ───────────────────────────────────────


class _Surprises(logging.Handler):
    """Keeps the tracebacks of errors that nobody meant to raise, a line each."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, RmqError | OSError):
            self.texts.append(f"{record.getMessage()}: {error!r}")


@contextlib.contextmanager
def surprises() -> Iterator[list[str]]:
    """Collect the errors that nobody meant to raise."""
    handler = _Surprises()
    loggers = [logging.getLogger(name) for name in ("rmqlab", "asyncio")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.texts
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def unusable(outcome: Outcome) -> list[str]:
    """Say which nodes are not usable in the end, and why."""
    return [
        f"{one.name} is {one.state} at the end: {one.why}"
        for one in outcome.nodes
        if one.state != "usable"
    ]
