"""Random histories by the thousand: does each mode keep what it promises?

A seed makes a schedule (a scenario's text), and with that seed the schedule repeats all
of what happens, to the byte.  Kills, clean stops, crashes, cuts of both ways and of
one, pauses, slow links and disks, consumers that come and go, overlapping; where there
are slaves, sometimes one is promoted, and its old master comes back as its slave; then
everything is mended, consumers catch up, and the history is checked.

    python -m rmqlab.classroom.simulated.campaign --seeds 1000
    python -m rmqlab.classroom.simulated.campaign --show 17 > seventeen.txt
    rmqlab sim seventeen.txt --seed 17

A campaign in which nothing is ever lost is wrong, too: ASYNC_FLUSH must be seen to lose
what it may.

Not here: a full disk, and disks that lie; the store's own tests have them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from rmqlab.classroom.history import Finding
from rmqlab.classroom.simulated.play import run
from rmqlab.classroom.simulated.seeds import (
    arguments,
    failed,
    play_all,
    surprises,
    unusable,
)
from rmqlab.classroom.topology import MODES

FLUSHES = ("ASYNC_FLUSH", "SYNC_FLUSH")
CELLS = [(mode, flush) for mode in MODES for flush in FLUSHES]
"""A seed's is its number's rest."""

FAULTS = {
    "kill a broker": 4,
    "kill a nameserver": 1,
    "stop a broker": 2,
    "pause a broker": 2,
    "crash a host": 4,
    "cut a host": 2,
    "cut a host inward": 1,
    "cut a host outward": 1,
    "slow links of a host to {}ms": 1,
    "slow disk of a host to {}ms": 1,
    "kill a consumer": 2,
    "close a consumer": 2,
    "pause a consumer": 1,
}
"""And how often each is chosen."""
PROMOTES = 4
"""Of so many schedules for modes with slaves, in one a slave is promoted."""
FIRST_S = 20
"""Until then nothing happens to anybody."""
WAIT_S = 200
"""In the end: 120 s until a broker that was cut off is forgotten, and time to heal."""
SMALL_LOG = 32_768
"""Bytes of a log's file, in half of the schedules, so that there are many."""
QUICK = (
    "pollNameServerInterval=3000",
    "rebalanceInterval=2000",
    "persistConsumerOffsetInterval=2000",
)
"""Clients that look for changes more often, in half of the schedules."""
SHORT = [1, 2, 5, 10, 20, 45]
DELAYS_MS = [20, 200, 1500, 4000]


def schedule(seed: int) -> str:
    """Return the scenario that a seed makes."""
    dice = Random(f"campaign/{seed}")  # noqa: S311
    mode, flush = CELLS[seed % len(CELLS)]
    until_s = dice.randrange(60, 151, 10)
    lines = [
        f"# Campaign, seed {seed}.",
        f"topology {mode}",
        f"set flushDiskType={flush}",
    ]
    if dice.random() < 0.5:
        lines.append(f"set mappedFileSizeCommitLog={SMALL_LOG}")
    if dice.random() < 0.5:
        lines += [f"clients {setting}" for setting in QUICK]
    rate, consumers = dice.choice((2, 5, 10)), dice.choice((1, 2, 2, 3))
    lines.append(f"traffic orders {rate}/s with {consumers} consumers")
    lines += _faults(dice, until_s)
    if mode.startswith("2m-2s") and seed // len(CELLS) % PROMOTES == PROMOTES - 1:
        lines.append(f"at {dice.uniform(FIRST_S, until_s):.3f}s promote a slave")
    lines += [f"until {until_s}s", f"then heal and wait {WAIT_S}s"]
    lines += ["hold every promise is kept", "hold every node is usable"]
    return "\n".join(lines) + "\n"


def _faults(dice: Random, until_s: int) -> Iterator[str]:
    """Yield some lines, a fault each, in the order of their times."""
    count = dice.randrange(2, 8)
    times = sorted(dice.uniform(FIRST_S, until_s) for _ in range(count))
    for at_s in times:
        (what,) = dice.choices(list(FAULTS), list(FAULTS.values()))
        action = what.format(dice.choice(DELAYS_MS))
        yield f"at {at_s:.3f}s {action} for {dice.choice(SHORT)}s"


# ── one seed ──────────────────────────────────────────────────────────────────


@dataclass
class Result:
    """What one seed came to."""

    seed: int
    acknowledged: int = 0
    lost_allowed: int = 0
    doubled: int = 0
    passed_over: int = 0
    silence_s: float = 0.0
    broken: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What did not hold, and what raised; empty where all is well."""

    @property
    def cell(self) -> tuple[str, str]:
        """Its mode and how it flushes."""
        return CELLS[self.seed % len(CELLS)]


def play(seed: int, text: str | None = None) -> Result:
    """Play a seed's schedule, or another one with this seed, and check it."""
    result = Result(seed)
    with surprises() as surprising:
        outcome = run(text or schedule(seed), seed)
    verdict = outcome.verdict
    assert verdict is not None
    result.acknowledged = verdict.acknowledged
    result.lost_allowed = verdict.count("lost", broken=False)
    result.doubled = verdict.count("doubled") + verdict.count("repeated")
    result.passed_over = verdict.passed_over
    result.silence_s = verdict.silence_s
    result.broken = verdict.broken
    result.problems = [*map(str, verdict.broken), *surprising]
    result.problems += unusable(outcome)
    return result


# ── many ──────────────────────────────────────────────────────────────────────


def table(results: Iterable[Result]) -> str:
    """Return what was found, a line for each mode and way to flush."""
    found = list(results)
    head = (
        "mode         flush        seeds  acknowledged  lost  twice  passed over"
        "  silence  broken"
    )
    lines = [head, "─" * len(head)]
    for cell in CELLS:
        ours = [one for one in found if one.cell == cell]
        sums = {
            name: sum(getattr(one, name) for one in ours)
            for name in ("acknowledged", "lost_allowed", "doubled", "passed_over")
        }
        silence_s = max((one.silence_s for one in ours), default=0.0)
        broken = sum(bool(one.problems) for one in ours)
        lines.append(
            f"{cell[0]:12} {cell[1]:11} {len(ours):6} {sums['acknowledged']:13} "
            f"{sums['lost_allowed']:5} {sums['doubled']:6} {sums['passed_over']:12} "
            f"{silence_s:7.1f}s {broken:7}"
        )
    return "\n".join(lines)


def never_lost(results: Iterable[Result]) -> list[str]:
    """Return which modes that may lose lost nothing: then the faults are too mild.

    Of a synchronous pair both machines must crash within seconds: that may be.
    """
    mild = (one for one in CELLS if one[1] == "ASYNC_FLUSH" and one[0] != MODES[-1])
    lost = dict.fromkeys(mild, 0)
    for one in results:
        if one.cell in lost:
            lost[one.cell] += one.lost_allowed
    return [f"{mode} {flush}" for (mode, flush), count in lost.items() if not count]


def main() -> int:
    """Play a campaign; 0: all held, 1: something did not."""
    wanted = arguments("Random faults, by the thousand.")
    if wanted.show is not None:
        print(schedule(wanted.show), end="")
        return 0
    results = play_all(play, wanted)
    print(table(results))
    mild = never_lost(results) if wanted.seeds >= 8 * len(CELLS) else []
    for cell in mild:
        print(f"{cell} lost nothing, though it may: the campaign is too mild")
    return 1 if failed(results) or mild else 0


if __name__ == "__main__":
    sys.exit(main())
