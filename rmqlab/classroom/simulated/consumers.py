"""Random histories of consumer groups: members come, go and crash, and listeners fail.

As `campaign`, with the eye on who consumes.  Half of the seeds are of orderly groups;
listeners take their time and do not always succeed (`busy`); members are killed, closed
and paused, brokers killed, stopped, paused and cut off.  Machines do not crash, so
nothing may be lost, and all that `history.turns` lists must hold.

    make consumers                  # or --seeds 50, and the like, in ARGS
    python -m rmqlab.classroom.simulated.consumers --show 17 > seventeen.txt
    rmqlab sim seventeen.txt --seed 17
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from rmqlab.classroom.history.turns import OUTCOMES, judge
from rmqlab.classroom.simulated.play import MOST_EVENTS, run
from rmqlab.classroom.simulated.script import MANNERS
from rmqlab.classroom.simulated.seeds import (
    arguments,
    failed,
    play_all,
    surprises,
    unusable,
)
from rmqlab.classroom.trace.recorder import Recorder

MODES = ("2m-2s-async", "2m-2s-sync", "2m-noslave")
CELLS = [(mode, manner) for mode in MODES for manner in MANNERS]
"""A seed's is its number's rest."""
FAULTS = {
    "kill a consumer": 6,
    "close a consumer": 6,
    "pause a consumer": 6,
    "kill a broker": 2,
    "stop a broker": 1,
    "pause a broker": 1,
    "cut a host": 2,
    "kill a nameserver": 1,
}
"""And how often each is chosen."""
FIRST_S = 20
WAIT_S = 260
"""In the end: a lock that nobody gave back is kept for 60 s, and a broker that was cut
off is forgotten after 120."""
LASTS_S = [1, 2, 5, 10, 20, 45, 75]
"""A member that is paused for longer than 60 s loses its locks."""
TOPIC = "orders"


def schedule(seed: int) -> str:
    """Return the scenario that a seed makes."""
    dice = Random(f"consumers/{seed}")  # noqa: S311
    mode, manner = CELLS[seed % len(CELLS)]
    until_s = dice.randrange(90, 181, 10)
    rate, consumers = dice.choice((2, 5, 10)), dice.choice((2, 3, 4))
    times = sorted(dice.uniform(FIRST_S, until_s) for _ in range(dice.randrange(3, 10)))
    whats = dice.choices(list(FAULTS), list(FAULTS.values()), k=len(times))
    lines = [
        f"# Consumers, seed {seed}.",
        f"topology {mode}",
        f"traffic {TOPIC} {rate}/s with {consumers} {manner} consumers",
        *(
            f"at {at_s:.3f}s {what} for {dice.choice(LASTS_S)}s"
            for at_s, what in zip(times, whats, strict=True)
        ),
        f"until {until_s}s",
        f"then heal and wait {WAIT_S}s",
        "hold nothing is missing",
        "hold every node is usable",
    ]
    return "\n".join(lines) + "\n"


@dataclass
class Result:
    """What one seed came to."""

    seed: int
    acknowledged: int = 0
    turns: int = 0
    again: int = 0
    """Consumed once more than once."""
    later: int = 0
    problems: list[str] = field(default_factory=list)
    """Promises that were broken, and what raised; empty where all is well."""

    @property
    def cell(self) -> tuple[str, str]:
        """Its mode and how its group consumes."""
        return CELLS[self.seed % len(CELLS)]


def play(seed: int) -> Result:
    """Play a seed's schedule, and check it."""
    result, recorder = Result(seed), Recorder(most=MOST_EVENTS)
    with surprises() as surprising:
        outcome = run(schedule(seed), seed, recorder)
    assert recorder.first
    events = [recorder.first, *recorder.events]
    is_orderly = result.cell[1] == "orderly"
    broken = judge(events, f"traffic-{TOPIC}", is_orderly=is_orderly)
    result.problems = [*map(str, broken), *surprising, *unusable(outcome)]
    kinds = [event["kind"] for event in events]
    consumed, result.later = (kinds.count(kind) for kind in OUTCOMES)
    result.turns = kinds.count("begun")
    result.acknowledged = outcome.report.acknowledged_count
    result.again = consumed - len(outcome.report.consumed)
    return result


def table(results: Iterable[Result]) -> str:
    """Return what was found, a line for each mode and manner."""
    found = list(results)
    head = "mode         consumers  seeds  acknowledged   turns  again  later  broken"
    lines = [head, "─" * len(head)]
    for cell in CELLS:
        ours = [one for one in found if one.cell == cell]
        names = "acknowledged", "turns", "again", "later"
        sums = [sum(getattr(one, name) for one in ours) for name in names]
        broken = sum(bool(one.problems) for one in ours)
        row = zip([len(ours), *sums, broken], (5, 12, 6, 5, 5, 6), strict=True)
        cells = [f"{count:{width}}" for count, width in row]
        lines.append("  ".join([f"{cell[0]:12} {cell[1]:9}", *cells]))
    return "\n".join(lines)


def main() -> int:
    """Play a campaign; 0: all held, 1: something did not."""
    wanted = arguments("Consumers that come, go, crash and fail, by the thousand.")
    if wanted.show is not None:
        print(schedule(wanted.show), end="")
        return 0
    results = play_all(play, wanted)
    print(table(results))
    return 1 if failed(results) else 0


if __name__ == "__main__":
    sys.exit(main())
