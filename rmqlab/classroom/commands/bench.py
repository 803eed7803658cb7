"""`rmqlab bench`: the numbers of this machine."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from rmqlab.classroom import registry
from rmqlab.classroom.bench import GROWTH, LONG, PARTS, load, machine
from rmqlab.classroom.bench.compare import compare, differences
from rmqlab.classroom.bench.part import Part
from rmqlab.classroom.bench.result import PartResult, read, to_json
from rmqlab.classroom.bench.rounds import measure
from rmqlab.classroom.bench.sides.against import SIDES, gaps, rows, table
from rmqlab.classroom.bench.table import machine_lines, parts_table, result_table
from rmqlab.errors import ConfigError

ROUNDS = 5
MOST_ROUNDS = 100


@click.command("bench")
@click.argument("parts", nargs=-1, metavar=f"[{'|'.join(PARTS | LONG)}]…")
@click.option(
    "--rounds", type=click.IntRange(1, MOST_ROUNDS),
    help=f"{ROUNDS} beside one to warm up, where nothing is said; 1 with --quick.",
)  # fmt: skip
@click.option("--quick", is_flag=True, help="Small sizes: a look, no measurement.")
@click.option(
    "--only", multiple=True, metavar="TEXT",
    help="Take only the probes with this in their names, as --list shows them.",
)  # fmt: skip
@click.option(
    "--against", type=click.Choice(["rocketmq"]),
    help="Measure the part cluster, the real one and the floor in turn.",
)  # fmt: skip
@click.option(
    "--into", type=click.Path(file_okay=False, exists=True, writable=True),
    help="Write a page, pictures and the numbers into this folder, --against or of "
    "growth alone.",
)  # fmt: skip
@click.option("--list", "is_list", is_flag=True, help="Say what is measured.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE|-", help="For programs, and for --compare later.",
)  # fmt: skip
@click.option(
    "--compare", "old_file", type=click.Path(dir_okay=False, exists=True),
    metavar="FILE", help="Show ratios to an earlier run.",
)  # fmt: skip
@click.option(
    "--folder", type=click.Path(file_okay=False, exists=True, writable=True),
    help="On the disk to be measured; by default where clusters have their files.",
)  # fmt: skip
def bench_command(
    parts: tuple[str, ...],
    rounds: int | None,
    quick: bool,
    only: tuple[str, ...],
    against: str | None,
    into: str | None,
    is_list: bool,
    json_file: str | None,
    old_file: str | None,
    folder: str | None,
) -> None:
    """Measure how fast and how large things are here.

    All parts, in half an hour, or those that are named: growth, seven minutes a round,
    has to be.  Numbers of two machines, or of a busy one, cannot be compared.

    Exit code 1 if a measurement broke; one that cannot be had here, or misses its
    target, is told and is no failure.

    \b
    rmqlab bench store --quick
    rmqlab bench --json before.json && … && rmqlab bench --compare before.json
    rmqlab bench cluster --against rocketmq --only java
    rmqlab bench growth --rounds 1 --into docs
    """
    is_against = against is not None
    _check_report(into, parts, is_against=is_against)
    try:
        chosen = _chosen(parts, only, is_against=is_against)
        before = read(Path(old_file)) if old_file else None
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    if is_list:
        Console().print(parts_table(chosen))
        return
    _check_writable(json_file)
    found, run = _measured(chosen, folder, rounds, is_quick=quick)
    if json_file != "-":
        _tell(found, run, before, is_against=is_against)
    if json_file:
        _write(json_file, run)
    if into:
        _report(into, found, run)
    sys.exit(any(one.failed for part in found for one in part.series.values()))


def _measured(
    chosen: list[Part], folder: str | None, rounds: int | None, *, is_quick: bool
) -> tuple[list[PartResult], dict[str, Any]]:
    """Measure; return what the parts came to, and all of it as plain values."""
    where = Path(folder) if folder else registry.made(registry.home())
    began = datetime.now(UTC).isoformat(timespec="seconds")
    here, count = machine.examine(where), rounds or (1 if is_quick else ROUNDS)
    with _ended_in_order(), Console(stderr=True).status("") as status:
        found = measure(chosen, count, where, quick=is_quick, tell=status.update)
    return found, to_json(found, here, began, count, quick=is_quick)


def _chosen(
    names: tuple[str, ...], only: tuple[str, ...], *, is_against: bool
) -> list[Part]:
    """Return the parts to be measured, with the probes to be taken.

    Raises:
        ConfigError: there is no such part or probe.
    """
    if is_against:
        if names not in {(), SIDES[:1]}:
            raise ConfigError(f"--against is for the part {SIDES[0]}, and no other one")
        names = SIDES
    chosen = [load(name) for name in dict.fromkeys(names or PARTS)]
    if not only:
        return chosen
    parts = [part.only(only) for part in chosen]
    if not any(part.probes for part in parts):
        raise ConfigError(f"no probe has {' or '.join(only)} in its name: see --list")
    return parts


def _report(into: str, found: list[PartResult], run: Mapping[str, Any]) -> None:
    # What draws their pictures takes half a second to import.
    from rmqlab.classroom.bench.growth import report as growth  # noqa: PLC0415
    from rmqlab.classroom.bench.sides import report as speed  # noqa: PLC0415

    typed = shlex.join(["rmqlab", *sys.argv[1:]])
    if found[0].part.name == GROWTH:
        growth.write(Path(into), found[0], run, typed)
    else:
        speed.write(Path(into), list(rows(found)), run, typed)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM, too, leave through the blocks that remove folders."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_report(
    into: str | None, parts: tuple[str, ...], *, is_against: bool
) -> None:
    if into and not is_against and parts != (GROWTH,):
        raise click.UsageError(
            f"--into is for a report --against rocketmq, or of {GROWTH} alone"
        )


def _check_writable(path: str | None) -> None:
    """Find out before the measuring, not after it."""
    if path in (None, "-"):
        return
    assert path is not None
    asked = Path(path) if Path(path).exists() else Path(path).absolute().parent
    if not os.access(asked, os.W_OK):
        raise click.UsageError(f"--json {path} cannot be written: name another file")


def _write(path: str, run: Mapping[str, Any]) -> None:
    text = json.dumps(run, indent=1)
    if path == "-":
        print(text)
    else:
        Path(path).write_text(f"{text}\n", "utf-8")


def _tell(
    found: list[PartResult],
    run: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    *,
    is_against: bool,
) -> None:
    console = Console(highlight=False)
    for line in machine_lines(run):
        console.print(escape(line), style="dim")
    for one in () if is_against else found:
        console.print()
        console.print(
            result_table(one, None if before is None else compare(one, before))
        )
    if is_against:
        console.print()
        console.print(table(list(rows(found)), is_whole=not run["quick"]))
        for line in gaps(found):
            console.print(f"[yellow]{escape(line)}[/]")
    if before is not None:
        console.print(f"Compared with the run of {escape(str(before['at']))}.")
        for line in differences(run, before):
            console.print(f"[yellow]{escape(line)}[/]")
