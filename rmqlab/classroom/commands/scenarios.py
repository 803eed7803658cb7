"""`rmqlab sim`: scenarios in a simulation, played in virtual time."""

from __future__ import annotations

import json
import logging
import sys
import time

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rmqlab.classroom.commands.clusters import json_option
from rmqlab.classroom.simulated import library
from rmqlab.classroom.simulated.holds import COUNTS, OUTCOMES, SILENCE
from rmqlab.classroom.simulated.outcome import Outcome
from rmqlab.classroom.simulated.play import run
from rmqlab.errors import ConfigError

MOST_HAPPENINGS = 30
MEANINGS = (
    "lost: acked, and in no log at the end.  missing: acked, and never consumed.\n"
    "surprising: consumed, and never acked.  silence: the longest time without an ack."
)


@click.command("sim")
@click.argument("scenario", required=False)
@click.option("--seed", default=0, show_default=True, help="Decides all that is left.")
@click.option(
    "--trace", type=click.Path(dir_okay=False), metavar="FILE",
    help="Write down what happens, for `rmqlab replay`.",
)  # fmt: skip
@click.option("--list", "is_list", is_flag=True, help="Say which ones are built in.")
@json_option
def sim_command(
    scenario: str | None, seed: int, trace: str | None, is_list: bool, as_json: bool
) -> None:
    """Play a scenario on simulated machines: an hour passes in seconds.

    SCENARIO is the name of one that is built in, or a file: a text as `rmqlab sim
    --list` has them, or Python with a function scenario(cluster).  The same seed
    gives the same run, to the byte.

    Exit code 0 if all held that must hold, 1 if something did not.

    \b
    rmqlab sim --list
    rmqlab sim hour --seed 7
    rmqlab sim mine.txt --trace mine.jsonl && rmqlab replay mine.jsonl
    """
    if is_list:
        _list(as_json=as_json)
        return
    if scenario is None:
        raise click.UsageError("name a scenario or a file; --list says what there is")
    hush()
    console = Console(stderr=True, quiet=as_json)
    began = time.perf_counter()
    try:
        chosen = library.load(scenario)
        with console.status(f"{chosen.name}, seed {seed} …"):
            outcome = run(chosen, seed, trace)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        where = error.filename or trace or scenario
        raise click.ClickException(f"{where}: {error.strerror}") from error
    real_s = time.perf_counter() - began
    if as_json:
        print(json.dumps(outcome.to_json() | {"real_s": round(real_s, 3)}))
    else:
        _tell(outcome, real_s)
    sys.exit(0 if outcome.held else 1)


def hush() -> None:
    """Keep to ourselves what simulated nodes log: that nodes die is the point here."""
    for name in ("rmqlab", "asyncio"):
        logging.getLogger(name).addHandler(logging.NullHandler())


def _list(*, as_json: bool) -> None:
    found = [library.load(name) for name in library.names()]
    if as_json:
        keys = ("name", "about", "topology", "until_s")
        print(json.dumps([{key: getattr(one, key) for key in keys} for one in found]))
        return
    table = Table("scenario", "what one sees", box=SIMPLE_HEAD, padding=(0, 1))
    for one in found:
        table.add_row(one.name, escape(one.about))
    Console().print(table)


def _tell(outcome: Outcome, real_s: float) -> None:
    """Print what came of it."""
    console = Console(highlight=False)
    console.print(
        f"[bold]{escape(outcome.scenario)}[/] on {escape(outcome.topology)}, "
        f"seed {outcome.seed}: {outcome.virtual_s:,.0f} s in {real_s:.1f} s"
    )
    if outcome.about:
        console.print(escape(outcome.about), style="dim")
    console.print()
    for one in outcome.happenings[:MOST_HAPPENINGS]:
        console.print(f"{one.at_s:9.3f} s  {escape(one.who)} {escape(one.what)}")
    more = len(outcome.happenings) - MOST_HAPPENINGS
    if more > 0:
        console.print(f"           … and {more} more: --json has all", style="dim")
    console.print(_counts(outcome))
    console.print(MEANINGS, style="dim")
    console.print()
    for finding in outcome.findings:
        mark = "[green]✓[/]" if finding.held else "[red]✗[/]"
        found = escape(finding.found)
        console.print(f"{mark} {escape(finding.text)} [dim]({found})[/]")
    if outcome.verdict is not None:
        for broken in outcome.verdict.broken:
            console.print(f"[red]{escape(str(broken))}[/]")


def _counts(outcome: Outcome) -> Table:
    counts = outcome.counts
    shown = [name for name in (*COUNTS, *OUTCOMES) if name in COUNTS or counts[name]]
    table = Table("", "", box=None, show_header=False, padding=(0, 1))
    for name in shown:
        table.add_row(name, f"{counts[name]:,.0f}")
    table.add_row(SILENCE, f"{counts[SILENCE]:.1f} s")
    return table
