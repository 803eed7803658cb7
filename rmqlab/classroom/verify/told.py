"""A report in words, as a terminal and a notebook show it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rmqlab.classroom.verify.findings import DAMAGE, NOTE, Finding
from rmqlab.classroom.verify.overlay import Change
from rmqlab.classroom.verify.report import CHECKS, Report

SHOWN = 5
"""Places of one kind, and rows of the recovery; `to_json` has more."""
COLOURS = {DAMAGE: "red", NOTE: "yellow"}
LIVES = {
    "stopped": "its broker stopped in good order",
    "crashed": "its broker crashed or was killed",
    "running": "a broker has it open",
}


def tell(report: Report, console: Console) -> None:
    """Print a report."""
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


def _change_line(report: Report, change: Change) -> str:
    path = change.path.removeprefix(f"{report.root}/")
    if change.what == "removed":
        return f"removes {path} ({change.end_before} bytes used)"
    if change.what == "made":
        return f"makes {path} ({change.end_after} bytes used)"
    lost = change.end_before - change.end_after
    cut = f", {lost} bytes fewer in use" if lost > 0 else ""
    return f"changes {path} from byte {change.first} on{cut}"
