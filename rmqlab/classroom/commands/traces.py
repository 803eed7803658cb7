"""`rmqlab trace` and `replay`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from rmqlab.classroom.commands.clusters import json_option, name_option
from rmqlab.classroom.trace import Event
from rmqlab.classroom.trace.draw import Choice, rows, states
from rmqlab.classroom.trace.draw.lanes_svg import lanes_svg
from rmqlab.classroom.trace.draw.sequence_svg import sequence_svg
from rmqlab.classroom.trace.draw.text import Line, lanes_lines, sequence_lines
from rmqlab.classroom.trace.draw.words import Mood
from rmqlab.classroom.trace.reader import Trace
from rmqlab.classroom.trace.recorder import Recorder
from rmqlab.classroom.trace.rerun import Comparison, can_rerun
from rmqlab.classroom.trace.rerun import rerun as compare
from rmqlab.errors import RmqError

STYLES: dict[Mood, str] = {
    "plain": "",
    "faint": "dim",
    "good": "green",
    "bad": "red",
}
FOREVER = float("inf")
SHOWN = 300
"""Characters of a line that differs."""


@click.command("trace")
@name_option
@click.option("--out", type=click.Path(dir_okay=False), help="Another file than up's.")
def trace_command(name: str | None, out: str | None) -> None:
    """Put together the trace of a cluster that was started with --trace.

    Its nodes write down what they see as it happens; this makes one file of it, while
    the cluster runs or after it ended.  `rmqlab down` does so, too.

    \b
    rmqlab up 1m --trace orders.jsonl
    rmqlab trace && rmqlab replay orders.jsonl
    """
    # Only who has a cluster of processes needs the library that knows them.
    from rmqlab.classroom.tracing import collect, the_only  # noqa: PLC0415

    print(collect(name or the_only(), out))


@click.command("replay")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--node", "nodes", multiple=True,
    help="One: what it takes part in. Several: what happens among them.",
)  # fmt: skip
@click.option("--kind", "kinds", multiple=True, help="Only this kind; again for more.")
@click.option("--from", "from_s", type=float, default=0.0, help="In seconds.")
@click.option("--to", "to_s", type=float, default=FOREVER, help="In seconds.")
@click.option(
    "--all", "murmur", is_flag=True, help="Polls, heartbeats and the like too."
)
@click.option("--most", default=100, show_default=True, help="Rows; then it is folded.")
@click.option(
    "--svg", type=click.Path(), help="Also draw FILE-sequence.svg, -time.svg."
)
@click.option(
    "--rerun/--no-rerun", default=True, help="Of a simulated one; default yes."
)
@json_option
def replay_command(
    file: str, svg: str | None, rerun: bool, as_json: bool, **chosen: Any
) -> None:
    """Show a trace: who said what to whom, and how the nodes fared.

    A simulated one that knows its scenario and seed is run again, and compared.

    Exit code 0: it is the same, or was only shown; 1: it differs; 64: no trace.

    \b
    rmqlab replay run.jsonl
    rmqlab replay run.jsonl --from 59.9 --to 60.1 --node broker-a
    """
    try:
        trace = Trace(file)
        found = _replay(trace, Choice(**chosen), svg, as_json=as_json)
        compared = _run_again(trace) if rerun and can_rerun(trace) else None
    except RmqError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        print(json.dumps(found | _as_json(compared)))
    elif compared is not None:
        _tell(compared)
    sys.exit(0 if compared is None or compared.is_same else 1)


def _replay(
    trace: Trace, choice: Choice, svg: str | None, *, as_json: bool
) -> dict[str, Any]:
    """Show it; or return what is in it, for programs."""
    names = [str(node["name"]) for node in trace.nodes]
    if as_json:
        return _summary(trace)
    diagram = rows(trace, choice, names)
    lanes = states(trace, names, choice.from_s, choice.to_s)
    console = Console()
    _print(console, sequence_lines(diagram, console.width))
    console.print()
    _print(console, lanes_lines(lanes, console.width))
    if svg:
        stem = svg.removesuffix(".svg")
        Path(f"{stem}-sequence.svg").write_text(sequence_svg(diagram), "utf-8")
        Path(f"{stem}-time.svg").write_text(lanes_svg(lanes), "utf-8")
    return {}


def _print(console: Console, lines: Iterable[Line]) -> None:
    for line in lines:
        console.print(Text(line.text, STYLES[line.mood]), soft_wrap=True)


def _summary(trace: Trace) -> dict[str, Any]:
    kinds: Counter[str] = Counter()
    last: Event = trace.first
    for last in trace:
        kinds[last["kind"]] += 1
    keys = ("runtime", "topology", "seed", "scenario")
    return {
        **{key: trace.first.get(key) for key in keys},
        "nodes": [node["name"] for node in trace.nodes],
        "to_s": last["at"],
        "kinds": dict(sorted(kinds.items())),
    }


def _run_again(trace: Trace) -> Comparison:
    # The simulation is not needed to look at a trace.
    from rmqlab.classroom.simulated.play import run  # noqa: PLC0415
    from rmqlab.classroom.simulated.script import parse  # noqa: PLC0415

    def play(text: str, seed: int, record: Recorder) -> None:
        run(parse(text), seed, record)

    return compare(trace, play)


def _tell(compared: Comparison) -> None:
    console = Console()
    if compared.is_same:
        console.print(f"[green]run again: the same {compared.lines} events[/]")
        return
    console.print(f"[red]run again: line {compared.line} differs[/]")
    for when, line in (("then", compared.then), ("now ", compared.now)):
        text = line[:SHOWN] or "nothing more happened"
        console.print(
            f"  {when}  {text}", markup=False, highlight=False, soft_wrap=True
        )


def _as_json(compared: Comparison | None) -> dict[str, Any]:
    if compared is None:
        return {"same": None}
    if compared.is_same:
        return {"same": True}
    differs = {"line": compared.line, "then": compared.then, "now": compared.now}
    return {"same": False, "differs": differs}
