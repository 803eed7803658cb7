"""The command line, one module a family of commands.

Every command that a program may read has `--json`.  Errors go to stderr with the next
step in them; exit code 64 is a usage error, as is usual.
"""

from __future__ import annotations

import errno
import importlib
from typing import Any

import click

from rmqlab import __version__
from rmqlab.errors import RmqError

EX_USAGE = 64

click.UsageError.exit_code = EX_USAGE

FAMILIES = {
    "clusters": "up down status kill stop pause resume restart promote",
    "nodes": "logs exec",
    "links": "cut heal slow",
    "messages": "send consume",
    "exercises": "list start reset hint grade build",
    "tools": "lab lint doctor demo",
    "admin": "admin",
    "console": "console",
    "traces": "trace replay",
    "scenarios": "sim",
    "drills": "drills",
    "conform": "conform",
    "verify": "verify",
    "dump": "dump",
    "bench": "bench",
    "rendering": "render",
}
"""Which module has which commands: one is imported only when it is used."""

HOME_OF = {name: module for module, names in FAMILIES.items() for name in names.split()}


class Family(click.Group):
    """Finds a command in its module; turns our errors into one line and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all commands, family by family."""
        return list(HOME_OF)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and return the command."""
        home = HOME_OF.get(cmd_name)
        if home is None:
            return None
        module = importlib.import_module(f"{__name__}.{home}")
        found: click.Command = getattr(module, f"{cmd_name}_command")
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except RmqError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            # Click itself ends quietly where nobody reads on.
            if error.errno != errno.ENOSPC:
                raise
            whole = f"the output took no more: {error.strerror}"
            raise click.ClickException(whole) from error


@click.command(cls=Family, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rmqlab")
def rmqlab() -> None:
    """Learn RocketMQ clusters by running, breaking and mending them.

    \b
    rmqlab lab                 open the course
    rmqlab up 2m-2s-sync       start a cluster
    rmqlab kill broker-a       … and break it
    """
