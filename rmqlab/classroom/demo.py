"""The course's walk in a terminal: four clusters, a kill in each, what it did.

Traffic runs through each cluster while broker-a is killed (SIGKILL) a third of the way
and started again at two thirds.  Nothing is said here that was not counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.topology import MODES
from rmqlab.classroom.traffic import Report, Traffic

VICTIM = "broker-a"
PER_SECOND = 100.0
SCHEMA = 1
LESSONS = {
    "1m": "One master: while it is away, nothing can be sent.",
    "2m-noslave": "Two masters: what the dead one has waits for its return.",
    "2m-2s-async": "With slaves: what the dead master has is read from its slave.",
    "2m-2s-sync": "Synchronous double write: SEND_OK means that a slave has it, too.",
}


@dataclass(frozen=True)
class Walk:
    """One cluster's walk: how fast it was up, what its traffic came to."""

    topology: str
    startup_s: float
    report: Report

    def to_json(self) -> dict[str, Any]:
        """Return the counts."""
        about = {"topology": self.topology, "startup_s": round(self.startup_s, 2)}
        return about | {"killed": VICTIM} | self.report.to_json()


def walk(topology: str, seconds: float) -> Iterator[str | Walk]:
    """Walk through one cluster; yield what happens as text, and the result last."""
    with Cluster.up(topology, name=f"demo-{topology}") as cluster:
        startup_s = cluster.startup_s or 0.0
        count = len(cluster.status().nodes)
        yield f"{count} nodes, usable after {startup_s:.2f} s; {PER_SECOND:g} sends/s"
        with Traffic(cluster.name_servers, "demo", per_second=PER_SECOND) as traffic:
            traffic.run_for(seconds / 3)
            cluster.kill(VICTIM)
            yield f"{VICTIM} is killed"
            traffic.run_for(seconds / 3)
            cluster.restart(VICTIM)
            yield f"{VICTIM} is back"
            traffic.run_for(seconds / 3)
            yield Walk(topology, startup_s, traffic.stop())


def demo(seconds: float, *, as_json: bool) -> None:
    """Walk through all four modes and print what came of it."""
    console = Console(quiet=as_json)
    walks = []
    for topology in MODES:
        console.print(f"\n[bold]{topology}[/]  {LESSONS[topology]}")
        for what in walk(topology, seconds):
            if isinstance(what, Walk):
                walks.append(what)
            else:
                console.print(f"  {what}", highlight=False)
    if as_json:
        found = [one.to_json() for one in walks]
        print(json.dumps({"schema": SCHEMA, "walks": found}))
        return
    console.print(_table(walks))
    console.print(
        "acked: a broker has it.  refused: none has it.  unknown: no answer came.\n"
        "lost: acked and never consumed.  doubled: consumed twice.\n"
        "silence: the longest time in which nothing was acked.\n"
        "`rmqlab lab` opens the course."
    )


def _table(walks: list[Walk]) -> Table:
    headings = "cluster sent acked SEND_OK refused unknown lost doubled silence".split()
    title = f"{VICTIM} was killed and came back"
    table = Table(*headings, title=title, box=box.SIMPLE, padding=0)
    for one in walks:
        report, outcomes = one.report, one.report.outcomes
        counts = (
            len(report.sent),
            len(report.acknowledged),
            outcomes.get("SEND_OK", 0),
            outcomes.get("refused", 0),
            outcomes.get("unanswered", 0),
            len(report.missing),
            len(report.doubled),
        )
        silence = f"{report.longest_pause_s:.2f} s"
        table.add_row(one.topology, *map(str, counts), silence)
    return table
