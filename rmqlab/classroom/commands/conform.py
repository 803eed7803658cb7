"""`rmqlab conform`: what the course says, on our nodes and on RocketMQ's own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console

from rmqlab.classroom.commands.clusters import json_option
from rmqlab.classroom.conform.catalogue import CLAIMS
from rmqlab.classroom.conform.claim import Claim
from rmqlab.classroom.conform.exercises import of_exercises, solve
from rmqlab.classroom.conform.play import OURS, Played, Tell, play
from rmqlab.classroom.conform.recorded import recorded
from rmqlab.classroom.conform.table import IN_PAGE, markdown, report
from rmqlab.classroom.conform.verdict import Conformance, conformance

REAL = "rocketmq"
C = TypeVar("C", bound=Claim)
Show = Callable[[str, Tell], Awaitable[Played]]
"""What shows claims on a runtime."""


@click.command("conform")
@click.option(
    "--against", default=REAL, show_default=True, metavar="RUNTIME|FILE",
    help="A runtime, or what --json gave in an earlier run.",
)  # fmt: skip
@click.option(
    "--only", multiple=True, metavar="LAB|TOPOLOGY|CLAIM",
    help="A lab's number, a topology or a claim's name; may be repeated.",
)  # fmt: skip
@click.option(
    "--exercises", "is_of_exercises", is_flag=True,
    help="Have the exercises' solutions graded on both instead.",
)  # fmt: skip
@click.option("--list", "is_list", is_flag=True, help="Say what is claimed.")
@click.option(
    "--into", metavar="FILE", type=click.Path(exists=True, dir_okay=False),
    help="Put the table into a page in Markdown, between its markers.",
)  # fmt: skip
@json_option
def conform_command(
    against: str,
    only: tuple[str, ...],
    is_of_exercises: bool,
    is_list: bool,
    into: str | None,
    as_json: bool,
) -> None:
    """Play what the course claims on our nodes and on RocketMQ's, and compare.

    ROCKETMQ_HOME says where a release of RocketMQ lies.  All claims take a few minutes,
    all exercises a quarter of an hour.

    Exit code 1 if something differs that is not explained, or could not be played.

    \b
    rmqlab conform --only 10
    rmqlab conform --exercises
    rmqlab conform --json > 4.9.7.json && … && rmqlab conform --against 4.9.7.json
    """
    if into is not None and is_of_exercises:
        raise click.UsageError("--into has a table of claims, not of --exercises")
    claims, show = _exercises(only) if is_of_exercises else _played(only)
    if is_list:
        print("\n".join(f"{one.lab}  {one.name}\n    {one.text}" for one in claims))
        return
    with Console(stderr=True, quiet=as_json).status("…") as status:
        found = asyncio.run(_compared(claims, show, against, status.update))
    if into is not None:
        page = Path(into)
        page.write_text(IN_PAGE.put(page.read_text("utf-8"), markdown(found)), "utf-8")
    whole = json.dumps(found.to_json(), ensure_ascii=False, indent=1)
    print(whole if as_json else report(found))
    sys.exit(0 if found.is_good else 1)


def _played(only: tuple[str, ...]) -> tuple[Iterable[Claim], Show]:
    chosen = _chosen(CLAIMS, only)
    return chosen, partial(play, chosen)


def _exercises(only: tuple[str, ...]) -> tuple[Iterable[Claim], Show]:
    chosen = _chosen(of_exercises(), only)
    return chosen, partial(solve, chosen)


def _chosen(claims: Iterable[C], only: tuple[str, ...]) -> list[C]:
    """Return the claims that are asked for; to ask for none is wrong usage."""
    every = list(claims)
    for word in only:
        if not any(word in _words(one) for one in every):
            labs = ", ".join(sorted({one.lab for one in every}))
            raise click.UsageError(
                f"no claim {word!r}: the labs with claims are {labs}, and --list names "
                "them all"
            )
    return [one for one in every if not only or _words(one) & set(only)]


def _words(claim: Claim) -> set[str]:
    return {claim.lab, claim.ground.topology, claim.name}


async def _compared(
    claims: Iterable[Claim], show: Show, against: str, tell: Tell
) -> Conformance:
    """Show theirs first: that may not be there."""
    if (path := Path(against)).is_file():
        theirs = recorded(path)
    else:
        theirs = await show(against, tell)
    return conformance(claims, await show(OURS, tell), theirs)
