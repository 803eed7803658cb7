"""`rmqlab admin`: mqadmin's commands and flags, their rows as tables or as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import fields
from itertools import count
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.commands.clusters import json_option
from rmqlab.classroom.runtime import ClusterError
from rmqlab.client.admin import Admin
from rmqlab.errors import RmqError
from rmqlab.mqadmin.command import Command, Row, Said, WrongUsage, parse
from rmqlab.mqadmin.line import HELP_FLAGS, find, given_name_servers, help_of
from rmqlab.mqadmin.times import moment

PIPED_WIDTH = 160
A_MOMENT = 10**12
"""Milliseconds since 1970 are more than that, and no measured time is."""


@click.command(
    "admin",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.option(
    "--watch", "every_s", type=click.FloatRange(min=0.1), metavar="SECONDS",
    help="Again and again, until Ctrl-C; with --json a line each time.",
)  # fmt: skip
@click.option(
    "--name", help="Which cluster, without -n; not needed while only one is up."
)
@json_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def admin_command(
    ctx: click.Context,
    every_s: float | None,
    name: str | None,
    as_json: bool,
    arguments: tuple[str, ...],
) -> None:
    """Ask or change a cluster: mqadmin's commands, with its flags.

    Without -n and NAMESRV_ADDR the cluster is asked that `rmqlab up` has started.
    What the commands are: `rmqlab admin help`; their flags: `rmqlab admin COMMAND -h`.

    \b
    rmqlab admin clusterList
    rmqlab admin consumerProgress -g shop --watch 2
    rmqlab admin topicStatus -t orders -n 127.0.1.128:9876 --json
    """
    word, *rest = arguments or ("--help",)
    try:
        if word in HELP_FLAGS:
            print(ctx.get_help())
            return
        if word == "help" or HELP_FLAGS & set(rest):
            print(help_of(*rest[:1]) if word == "help" else help_of(word))
            return
        command = find(word)
        flags = parse(word, command, rest)
    except WrongUsage as error:
        raise click.UsageError(str(error), ctx) from error
    at = given_name_servers(flags) or _of_cluster(flags, name)
    if every_s is not None:
        watch(lambda: _round(command, flags, at, as_json=as_json), every_s)
    elif as_json:
        print(json.dumps(gathered(command, flags, at)))
    else:
        console = _console()
        for one in shown(command, flags, at):
            console.print(one, soft_wrap=isinstance(one, Text))


def _of_cluster(flags: Namespace, name: str | None) -> str:
    """Return the name servers of the cluster that is up.

    Raises:
        ClusterError: it is unclear which, and no broker's address is given either.
    """
    try:
        return Cluster.attach(name).name_servers
    except ClusterError:
        if not getattr(flags, "broker_addr", None):
            raise
        return ""


def gathered(command: Command, flags: Namespace, at: str) -> dict[str, Any]:
    """Return all rows by the name of their kind.

    Raises:
        RmqError: the command cannot be carried out.
    """
    found: dict[str, Any] = {command.rows.NAME: []}
    for row in _rows(command, flags, at):
        found.setdefault(row.NAME, []).append(row.to_json())
    return found


def shown(command: Command, flags: Namespace, at: str) -> Iterator[RenderableType]:
    """Yield sentences as they are found, and a table for the rows between them.

    Raises:
        RmqError: the command cannot be carried out.
    """
    table: list[Row] = []
    is_empty = True
    for row in _rows(command, flags, at):
        is_empty = False
        if table and type(row) is not type(table[0]):
            yield _table(type(table[0]), table)
            table = []
        if isinstance(row, Said):
            yield Text(str(row))
        else:
            table.append(row)
    if table or (is_empty and not issubclass(command.rows, Said)):
        yield _table(type(table[0]) if table else command.rows, table)


def _rows(command: Command, flags: Namespace, at: str) -> Iterator[Row]:
    """Yield a command's rows as they come."""
    with asyncio.Runner() as runner:
        admin = runner.run(_made(at))
        try:
            rows = aiter(command.run(admin, flags))
            while (row := runner.run(_next(rows))) is not None:
                yield row
        finally:
            runner.run(admin.instance.stop())


async def _made(at: str) -> Admin:
    return Admin(at)


async def _next(rows: AsyncIterator[Row]) -> Row | None:
    return await anext(rows, None)


def _table(kind: type[Row], rows: list[Row]) -> Table:
    """Return rows as a table, without the columns that all of them leave empty."""
    lines = [row.to_cells() for row in rows]
    titles = list(lines[0]) if lines else [one.name for one in fields(kind)]
    used = [t for t in titles if not lines or any(one[t] is not None for one in lines)]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for title in used:
        table.add_column(title, overflow="fold")
    for line in lines:
        table.add_row(*(_cell(line[title]) for title in used))
    return table


def _cell(value: Any) -> Text:
    """Return a value as one reads it in a table."""
    if value is None:
        return Text("–", style="dim")
    if isinstance(value, float):
        return Text(f"{value:,.2f}")
    if isinstance(value, int) and value > A_MOMENT:
        return Text(moment(value))
    if isinstance(value, dict):
        return Text(", ".join(f"{key}={one}" for key, one in value.items()))
    return Text(str(value))


def watch(look: Callable[[], RenderableType], every_s: float) -> None:
    """Show what `look` returns, again and again, until Ctrl-C.

    A round that fails is shown as what it is; the next one may go well.
    """
    is_terminal = sys.stdout.isatty()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        console = _console()
        live = stack.enter_context(Live(console=console)) if is_terminal else None
        for number in count():
            if number:
                time.sleep(every_s)
            if live:
                live.update(look(), refresh=True)
            else:
                console.print(look(), soft_wrap=True)


def _console() -> Console:
    """Return where to print; whoever reads from a pipe wants whole lines."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)


def _round(
    command: Command, flags: Namespace, at: str, *, as_json: bool
) -> RenderableType:
    try:
        if as_json:
            return Text(json.dumps(gathered(command, flags, at)))
        return Group(*shown(command, flags, at))
    except RmqError as error:
        return Text(json.dumps({"error": str(error)}) if as_json else str(error))
