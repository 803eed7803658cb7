"""`rmqlab dump`."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from rmqlab.classroom.commands.clusters import json_option
from rmqlab.classroom.dump import Look, Range, Row
from rmqlab.classroom.dump.words import STYLES, line
from rmqlab.classroom.looking import HostShelf

LOOK_AGAIN_MS = 200
MOST_LAST = 1_000_000
"""Places that `--last` may have to remember."""
NUMBER = click.IntRange(min=0)


@click.command("dump")
@click.argument("path", type=click.Path(exists=True))
@click.option("--from", "first", type=NUMBER, help="The first offset to show.")
@click.option("--to", type=NUMBER, help="Show what is before this offset.")
@click.option("--count", type=click.IntRange(min=1), help="Show so many at most.")
@click.option("--last", type=click.IntRange(1, MOST_LAST), help="Show the last ones.")
@click.option(
    "--all", "rows_of_all", is_flag=True, help="Of a folder: every row of every file."
)
@click.option(
    "--all-bytes", is_flag=True, help="Go on behind damage, to whatever is sound there."
)
@click.option("--follow", "-f", is_flag=True, help="Show what comes, until Ctrl-C.")
@click.option(
    "--slots", type=click.IntRange(min=1),
    help="Of an index file (maxHashSlotNum), where it cannot be told from the file.",
)  # fmt: skip
@json_option
def dump_command(
    path: str,
    first: int | None,
    to: int | None,
    count: int | None,
    last: int | None,
    rows_of_all: bool,
    all_bytes: bool,
    follow: bool,
    slots: int | None,
    as_json: bool,
) -> None:
    """Show what is in the files of a store, a line a row.

    PATH is a file, copied elsewhere or not, or a store's folder or one within it, of
    which there is an overview.  Offsets are in the file's own unit: bytes of the log,
    messages of a queue, entries of an index.  Nothing is changed or locked: a broker
    may run meanwhile.

    Exit code 0, or 1 where something is damaged or cannot be read.

    \b
    rmqlab dump ~/store
    rmqlab dump ~/store/commitlog --last 10 --follow
    rmqlab dump ~/store/consumequeue/orders/0 --from 42 --count 1 --json
    """
    if last is not None and (first, to, count) != (None, None, None):
        raise click.UsageError("--last goes with none of --from, --to and --count")
    if follow and all_bytes:
        raise click.UsageError("--follow waits at the end that --all-bytes goes beyond")
    if to is not None and to <= (first or 0):
        raise click.UsageError(f"--to {to} is not behind --from {first or 0}")
    if not (Path(path).is_file() or Path(path).is_dir()):
        raise click.UsageError(f"{path} is neither a file nor a folder")
    chosen = Range(first, to, count, last)
    whole = str(Path(path).resolve())
    look = Look(HostShelf(Path("/")), whole, chosen, rows_of_all, all_bytes, slots)
    is_damaged = False
    with _ending_quietly(is_following=follow):
        rows = look.follow(_wait) if follow else look.rows()
        is_damaged = _show(rows, whole, as_json=as_json)
    sys.exit(1 if is_damaged else 0)


def _show(rows: Iterable[Row], path: str, *, as_json: bool) -> bool:
    """Show rows as they come; return whether one says that something is damaged."""
    is_damaged = False
    show = _print_json if as_json else _Lines(path).show
    for row in rows:
        is_damaged = is_damaged or row.is_damage or bool(row.facts.get("problem"))
        show(row)
    return is_damaged


def _print_json(row: Row) -> None:
    print(row.to_json())


class _Lines:
    """Shows rows as lines; those of a folder's file stand below its name."""

    def __init__(self, path: str) -> None:
        self._folder = f"{path}/"
        self._file = path
        self._console = Console()

    def show(self, row: Row) -> None:
        """Show a row."""
        name = row.file.removeprefix(self._folder)
        if row.kind != "file" and row.file != self._file:
            self._file = row.file
            self._print(f"{name}:", "bold")
        self._print(line(row._replace(file=name)), STYLES.get(row.kind, ""))

    def _print(self, text: str, style: str) -> None:
        if self._console.is_terminal:
            self._console.print(Text(text, style), soft_wrap=True)
        else:
            print(text)  # rich takes ten times as long


def _wait() -> bool:
    """Let a moment pass; return whether there is still somebody who reads."""
    sys.stdout.flush()
    watched = select.poll()
    watched.register(sys.stdout.fileno(), 0)  # its end is told even so
    return not watched.poll(LOOK_AGAIN_MS)


@contextlib.contextmanager
def _ending_quietly(*, is_following: bool) -> Iterator[None]:
    """Take a reader who has seen enough for an end, and no error; so is Ctrl-C."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in Python's buffer must not fail at the exit once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        if not is_following:
            raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise  # it is the output that is full: of what is dumped all is only read
        raise click.ClickException(
            f"cannot read {error.filename}: {error.strerror}; a broker may just have "
            "removed it, or it belongs to another user"
        ) from error
