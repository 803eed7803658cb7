"""`rmqlab verify`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rmqlab.classroom.commands.clusters import json_option, name_option
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.verify import (
    DAMAGE,
    NOTE,
    Files,
    Finding,
    HostFiles,
    Report,
    verify,
)
from rmqlab.classroom.verify.report import CHECKS
from rmqlab.config import Property, parse_properties, read
from rmqlab.errors import ConfigError, StoreError
from rmqlab.settings import StoreConfig
from rmqlab.store.layout import StorePaths

NO_STORE = 3
SHOWN = 5
"""Places of one kind, and rows of the recovery; `--json` has more."""
COLOURS = {DAMAGE: "red", NOTE: "yellow"}
LIVES = {
    "stopped": "its broker stopped in good order",
    "crashed": "its broker crashed or was killed",
    "running": "a broker has it open",
}


@click.command("verify")
@click.argument("store", metavar="DIR|NODE")
@name_option
@click.option(
    "-c", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The broker's .properties; without it the files tell their sizes.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE",
    help="A setting of the broker, such as maxHashSlotNum=500.",
)  # fmt: skip
@click.option(
    "--commit-log", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The log's folder, where it is not below DIR.",
)  # fmt: skip
@json_option
def verify_command(
    store: str,
    name: str | None,
    file: Path | None,
    settings: tuple[str, ...],
    commit_log: Path | None,
    as_json: bool,
) -> None:
    """Check every file of a store against the others, and say what a start would do.

    DIR is the folder that storePathRootDir names; NODE is a broker of a cluster that
    is up.  Nothing is changed, and a broker may run meanwhile.

    Exit code 0: sound; 1: damage; 3: no store, or one that may not be read; 64: wrong
    usage.

    \b
    rmqlab verify broker-a
    rmqlab verify ~/store --json
    """
    given = _given(file, settings)
    try:
        paths, files = _find(store, name, commit_log)
        report = verify(paths, given, files)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    except (StoreError, ClusterError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(NO_STORE)
    if as_json:
        print(json.dumps(report.to_json()))
    else:
        _tell(report)
    sys.exit(0 if report.is_sound else 1)


def _given(file: Path | None, settings: tuple[str, ...]) -> list[Property]:
    """Return the settings of the file, then those of the command line."""
    named = []
    for one in settings:
        key, sign, value = one.partition("=")
        if not sign:
            raise click.UsageError(f"--set {one}: write KEY=VALUE")
        named.append(Property(key, value, 0))
    for problem in read(named, StoreConfig()):
        raise click.UsageError(f"--set {problem.key}={problem.value}: {problem.what}")
    try:
        return (parse_properties(file.read_bytes()) if file else []) + named
    except (OSError, ConfigError) as error:
        raise click.UsageError(f"{file}: {error}") from error


def _find(
    store: str, name: str | None, commit_log: Path | None
) -> tuple[StorePaths, Files]:
    """Return where the store is: a folder, or a broker's of a cluster."""
    folder = Path(store).expanduser()
    if name is None and (folder.exists() or "/" in store):
        log = str(commit_log.resolve()) if commit_log else ""
        return StorePaths(str(folder.resolve()), log), HostFiles()
    # Only who asks for a cluster's node needs the library that knows clusters.
    from rmqlab.classroom.cluster import Cluster  # noqa: PLC0415

    node = Cluster.attach(name).node(store)
    if not node.store:
        raise click.UsageError(f"{store} is a name server: it has no store")
    return StorePaths(node.store, node.commit_log), HostFiles(Path(node.folder))


def _tell(report: Report) -> None:
    console = Console(highlight=False)
    console.print(f"{escape(report.root)}: {LIVES[report.life]}")
    console.print(_table(report))
    for kind, same in groupby(report.findings, lambda one: (one.kind, one.severity)):
        for line in _kind_lines(report, *kind, list(same)):
            console.print(line, soft_wrap=True)
    console.print(f"\n[bold]A start {_after(report)}[/]")
    for line in _recovery_lines(report):
        console.print(f"  {escape(line)}", soft_wrap=True)


def _table(report: Report) -> Table:
    table = Table("check", "looked at", "found")
    for check in CHECKS:
        counts = {of: report.findings.count(of, check) for of in (DAMAGE, NOTE)}
        found = ", ".join(
            f"[{COLOURS[of]}]{count} {of}{'s' * (of == NOTE and count > 1)}[/]"
            for of, count in counts.items()
            if count
        )
        looked_at = escape(report.looked_at.get(check, ""))
        table.add_row(check, looked_at, found or "[green]sound[/]")
    return table


def _kind_lines(
    report: Report, kind: str, severity: str, same: list[Finding]
) -> Iterator[str]:
    about = same[0].about
    colour = COLOURS[severity]
    yield f"\n[{colour}]{severity}[/]  [bold]{kind}[/] ({about.check}): {about.means}"
    for one in same[:SHOWN]:
        byte = "" if one.offset is None else f" byte {one.offset}"
        yield escape(f"  {one.path}{byte}: {one.what}")
    more = report.findings.counts[kind, severity] - len(same[:SHOWN])
    if more:
        yield f"  … and {more} more"
    yield f"  next: {escape(same[0].next_step)}"


def _after(report: Report) -> str:
    if report.life == "running":
        return "after a crash at this moment"
    return "after this crash" if report.rehearsal.was_crash else "after this stop"


def _recovery_lines(report: Report) -> Iterator[str]:
    did = report.rehearsal
    if did.refused:
        yield f"ends with an error: {did.refused}"
        return
    if did.log_end == report.log_end:
        yield f"leaves the log's end at {did.log_end}"
    else:
        yield f"ends the log at {did.log_end} instead of {report.log_end}"
    if report.lost_records:
        yield f"cuts off {report.lost_records} records that can be read"
    moved = [
        f"moves the end of {one.topic} {one.queue_id} from {one.end} to {one.end_after}"
        for one in report.moved
    ]
    yield from _some(moved)
    yield from _some([_change_line(report, one) for one in did.changes])
    if not did.changes:
        yield "changes no file"


def _some(lines: list[str]) -> Iterator[str]:
    yield from lines[: SHOWN * 2]
    if len(lines) > SHOWN * 2:
        yield f"… and {len(lines) - SHOWN * 2} more of these"


def _change_line(report: Report, change: Any) -> str:
    path = change.path.removeprefix(f"{report.root}/")
    if change.what == "removed":
        return f"removes {path} ({change.end_before} bytes used)"
    if change.what == "made":
        return f"makes {path} ({change.end_after} bytes used)"
    lost = change.end_before - change.end_after
    cut = f", {lost} bytes fewer in use" if lost > 0 else ""
    return f"changes {path} from byte {change.first} on{cut}"
