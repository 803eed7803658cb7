"""`rmqlab lab`, `lint`, `doctor` and `demo`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rmqlab.classroom.commands.clusters import json_option
from rmqlab.classroom.course import course_folder

JUPYTER_CONFIG = Path(__file__).resolve().parents[1] / "jupyter"
"""Settings of ours: no questions about news; a panel stays drawn when out of sight."""

MARKS = {"ok": "[green]✓[/]", "absent": "[yellow]–[/]", "broken": "[red]✗[/]"}


@click.command("lab")
@click.option("--no-browser", is_flag=True, help="Only serve; the address is printed.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8888,
    show_default=True,
    help="The first one to try.",
)
@click.option(
    "--ip",
    default="localhost",
    show_default=True,
    help="The address to listen on; whoever reaches it needs the token.",
)
def lab_command(no_browser: bool, port: int, ip: str) -> None:
    """Open the course in JupyterLab.

    \b
    rmqlab lab --no-browser --port 9000
    """
    folder = course_folder()
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--port={port}",
        f"--ServerApp.ip={ip}",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.open_browser=" + str(not no_browser),
        "--LabApp.default_url=/lab/tree/labs/00_welcome.ipynb",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    overrides = [str(JUPYTER_CONFIG), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    config_path = os.pathsep.join(filter(None, overrides))
    environment = os.environ | {"JUPYTER_CONFIG_PATH": config_path}
    # Ctrl-C is JupyterLab's own business; asked nothing, it ends at once.
    signal.signal(signal.SIGINT, lambda *_: None)
    nothing = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=folder, env=environment, stdin=nothing)
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    sys.exit(server.wait())


@click.command("lint")
@click.argument("paths", nargs=-1, required=True)
@json_option
def lint_command(paths: tuple[str, ...], as_json: bool) -> None:
    """Say what RocketMQ would silently ignore or refuse in .properties files.

    PATHS are files, topology folders, or names of topologies.  Exit code 1 if there
    is anything to mend.

    \b
    rmqlab lint broker-a.properties broker-a-s.properties
    rmqlab lint article
    """
    from rmqlab.classroom.lint import lint  # noqa: PLC0415

    try:
        findings = lint([Path(path) for path in paths])
    except OSError as error:
        raise click.ClickException(
            f"cannot read {error.filename}: {error.strerror}"
        ) from error
    if as_json:
        print(json.dumps([finding._asdict() for finding in findings]))
    else:
        for finding in findings:
            print(finding)
        print(f"{len(findings)} to mend" if findings else "nothing to mend")
    sys.exit(1 if findings else 0)


@click.command("doctor")
@json_option
def doctor_command(as_json: bool) -> None:
    """Say what this machine can run, and what to do about the rest.

    Exit code 1 if the course itself cannot run.

    \b
    rmqlab doctor
    """
    from rmqlab.classroom.doctor import examine  # noqa: PLC0415

    findings = examine()
    if as_json:
        print(json.dumps([finding._asdict() for finding in findings]))
    else:
        table = Table("", "what", "found", "next step")
        for finding in findings:
            told = finding.what, finding.found, finding.next_step
            table.add_row(MARKS[finding.state], *map(escape, told))
        Console().print(table)
    sys.exit(1 if any(finding.state == "broken" for finding in findings) else 0)


@click.command("demo")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=6.0,
    show_default=True,
    help="Of traffic, a cluster.",
)
@json_option
def demo_command(seconds: float, as_json: bool) -> None:
    """Walk through the four cluster modes: a kill in each, and what it did.

    \b
    rmqlab demo
    """
    from rmqlab.classroom.demo import demo  # noqa: PLC0415

    demo(seconds=seconds, as_json=as_json)
