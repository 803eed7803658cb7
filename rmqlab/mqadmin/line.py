"""The command line of mqadmin.

Exit codes: 0 done, or help; 1 wrong usage, as RocketMQ has it, and a command that
failed.  RocketMQ prints a stack trace then and ends with 0; here a script notices.

Source: MQAdminStartup.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace

from rmqlab.client.admin import Admin
from rmqlab.errors import RmqError
from rmqlab.mqadmin.catalogue import COMMANDS
from rmqlab.mqadmin.command import Command, Failed, Row, WrongUsage, help_text, parse

FAILED = 1
INTERRUPTED = 130
HELP_FLAGS = {"-h", "--help"}
ENVIRONMENT = "NAMESRV_ADDR"


def run(arguments: list[str]) -> int:
    """Carry out one command and return the exit code."""
    name, *rest = arguments or ["help"]
    try:
        if name == "help":
            print(help_of(*rest[:1]))
            return 0
        command = find(name)
        if HELP_FLAGS & set(rest):
            print(help_text(name, command))
            return 0
        flags = parse(name, command, rest)
        asyncio.run(_print(command, flags))
    except BrokenPipeError:  # of `mqadmin … | head`: who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (RmqError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return FAILED
    return 0


def find(name: str) -> Command:
    """Return a command.

    Raises:
        WrongUsage: there is none of this name.
    """
    command = COMMANDS.get(name)
    if command is None:
        raise WrongUsage(f"The sub command {name} not exist. See 'mqadmin help'.")
    return command


def name_servers(flags: Namespace) -> str:
    """Return which name servers to ask: those of ``-n``, else of the environment.

    Raises:
        Failed: none is given, and no broker's address either.
    """
    given = given_name_servers(flags)
    if given is None and not getattr(flags, "broker_addr", None):
        raise Failed(f"no name server is given: -n host:port;… or {ENVIRONMENT}")
    return given or ""


def given_name_servers(flags: Namespace) -> str | None:
    """Return the same, None where none is given."""
    given: str = flags.namesrv_addr or os.environ.get(ENVIRONMENT) or ""
    return given if given.strip("; ") else None


async def _print(command: Command, flags: Namespace) -> None:
    kind: type[Row] | None = None
    async with Admin(name_servers(flags)) as admin:
        async for row in command.run(admin, flags):
            if type(row) is not kind:
                kind = type(row)
                _print_heading(kind)
            print(row, flush=True)
    if kind is None:
        _print_heading(command.rows)


def _print_heading(kind: type[Row]) -> None:
    if kind.HEADING:
        print(kind.HEADING)


def help_of(name: str | None = None) -> str:
    """Return one command's help, or the list of all commands.

    Raises:
        WrongUsage: there is none of this name.
    """
    if name:
        return help_text(name, find(name))
    lines = ["The most commonly used mqadmin commands are:"]
    lines += [f"   {name:<20} {one.about}" for name, one in COMMANDS.items()]
    more = "See 'mqadmin help <command>' for more information on a specific command."
    return "\n".join([*lines, "", more])


def main() -> None:
    """Run mqadmin."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read along has seen enough; nor is there anything to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    sys.exit(code)
