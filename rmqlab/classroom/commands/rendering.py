"""`rmqlab render`."""

from __future__ import annotations

from pathlib import Path

import click

from rmqlab.classroom.render import OURS_UNLESS_TOLD, render, write


@click.command("render")
@click.argument("wanted", metavar="TOPOLOGY")
@click.option(
    "--for",
    "target",
    type=click.Choice(list(OURS_UNLESS_TOLD)),
    required=True,
    help="What the files are for.",
)
@click.option(
    "--rmqlab/--rocketmq",
    "is_ours",
    default=None,
    help="This kit's own nodes, or Apache RocketMQ's release; unless told, compose is "
    "for those, systemd and kubernetes for that.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The folder to write to; TOPOLOGY-TARGET here if none is named.",
)
@click.option("--force", is_flag=True, help="Also into a folder that is not empty.")
def render_command(
    wanted: str,
    target: str,
    is_ours: bool | None,
    output: Path | None,
    force: bool,
) -> None:
    """Write a topology out for real machines.

    TOPOLOGY is a name or a folder, as for `up`.

    \b
    rmqlab render 2m-2s-sync --for systemd -o two-machines
    rmqlab render 2m-2s-sync --for compose --rocketmq
    """
    from rmqlab.classroom import topology  # noqa: PLC0415

    chosen = topology.load(wanted)
    files = render(chosen, target, is_ours=is_ours)
    folder = output or Path(f"{chosen.name}-{target}")
    for path in write(files, folder, force=force):
        print(path)
