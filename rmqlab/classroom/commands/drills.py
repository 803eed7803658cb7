"""`rmqlab drills`: what each mode loses by each fault, played in the simulation."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
from rich.console import Console

from rmqlab.classroom.commands.clusters import json_option
from rmqlab.classroom.commands.scenarios import hush
from rmqlab.classroom.simulated.drill_table import (
    IN_PAGE,
    SEEDS,
    DrillTable,
    drill_table,
)
from rmqlab.classroom.simulated.drills import FAULTS
from rmqlab.classroom.topology import MODES

MEANINGS = (
    "lost: acknowledged, and in no log at the end.  unread: in one, and not consumed.\n"
    "failed: never acknowledged.  doubled: consumed twice by it.\n"
    "unavailable: the longest time without an ack.\n"
    "The median of {} seeds; in brackets the worst, where it is another one."
)


@click.command("drills")
@click.option("--mode", "modes", multiple=True, type=click.Choice(MODES))
@click.option("--fault", "faults", multiple=True, type=click.Choice(list(FAULTS)))
@click.option(
    "--seeds", default=SEEDS, show_default=True, type=click.IntRange(1, 1000),
    help="How many runs of each; one takes a second or two.",
)  # fmt: skip
@click.option(
    "--jobs", default=os.cpu_count() or 1, type=click.IntRange(1, 64),
    help="Processes at a time; default: one a core.",
)  # fmt: skip
@click.option(
    "--into", metavar="FILE", type=click.Path(exists=True, dir_okay=False),
    help="Put the table into a page in Markdown, between its markers.",
)  # fmt: skip
@json_option
def drills_command(
    modes: tuple[str, ...],
    faults: tuple[str, ...],
    seeds: int,
    jobs: int,
    into: str | None,
    as_json: bool,
) -> None:
    """Play the failover drill of each mode and fault on simulated machines.

    Ten messages a second; a fault, a minute, somebody mends it, another minute.  All
    modes and faults with three seeds each take a few minutes.

    \b
    rmqlab drills --mode 2m-2s-sync --seeds 1
    rmqlab drills --fault disk --fault crash
    """
    hush()
    with Console(stderr=True, quiet=as_json).status("The drills are played …"):
        table = drill_table(seeds, modes or MODES, faults or tuple(FAULTS), jobs)
    if into is not None:
        page = Path(into)
        page.write_text(IN_PAGE.put(page.read_text("utf-8"), table.markdown), "utf-8")
    print(json.dumps(table.to_json()) if as_json else _told(table, seeds))


def _told(table: DrillTable, seeds: int) -> str:
    return f"{table}\n\n{MEANINGS.format(seeds)}"
