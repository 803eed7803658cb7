"""Measures: one warm-up, then rounds that take every probe of every part in turn.

The warm-up is of quick sizes and not counted: what it warms is the disk's cache of
Python's own files, for a probe is mostly a process of its own.  A quick run is a look,
and has none.

A probe that cannot be had here is asked once; one that breaks is not asked again, and
the others go on.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rmqlab.classroom.bench.part import BenchError, NotHere, Part, Probe, Sizes
from rmqlab.classroom.bench.result import PartResult
from rmqlab.errors import RmqError

Tell = Callable[[str], None]
"""Told what is being measured."""


def measure(
    parts: Sequence[Part],
    rounds: int,
    folder: Path,
    *,
    quick: bool = False,
    tell: Tell = lambda _: None,
) -> list[PartResult]:
    """Return what the parts came to; each measures in a new folder below this one.

    Raises:
        BenchError: the disk has no room for a round.
    """
    results = [PartResult(part, part.quick if quick else part.sizes) for part in parts]
    for result in results:
        check_room(result.part, result.sizes, folder)
    for part in () if quick else parts:
        _round(PartResult(part, part.quick), folder, "warm-up", tell)
    for number in range(1, rounds + 1):
        for result in results:
            _round(result, folder, f"round {number} of {rounds}", tell)
    return results


def check_room(part: Part, sizes: Sizes, folder: Path) -> None:
    """Refuse to fill a disk.

    Raises:
        BenchError: it has less room than a round takes.
    """
    needed, free = part.room(sizes), shutil.disk_usage(folder).free
    if free < needed:
        raise BenchError(
            f"a round of bench {part.name} takes {needed / 1e6:,.0f} MB, and "
            f"{folder} has {free / 1e6:,.0f} MB left: make room, name another "
            "--folder, or measure less with --quick"
        )


def _round(result: PartResult, folder: Path, name: str, tell: Tell) -> None:
    part = result.part
    with tempfile.TemporaryDirectory(prefix=f"bench-{part.name}-", dir=folder) as own:
        for probe in part.probes:
            if not result.has_given_up(probe):
                tell(f"{name}: {part.name}, {probe.name}")
                _take(probe, result, Path(own))


def _take(probe: Probe, result: PartResult, folder: Path) -> None:
    try:
        result.add(probe, probe.run(folder, result.sizes))
    except NotHere as error:
        result.give_up(probe, f"not here: {error}")
    except RmqError as error:
        result.give_up(probe, f"failed: {error}", failed=True)
