"""What a command is: flags that go in, rows that come out.

    flags ──▶ run ──▶ row, row, row …
                       │ str()       the line that RocketMQ's mqadmin prints
                       │ to_json()   its fields, for programs
                       │ to_cells()  the same, as a table has them
                       └ HEADING     printed before the first row of a kind

Source: SubCommand.java, ServerUtil.java, release 4.9.7.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, fields
from textwrap import wrap
from typing import Any, ClassVar, NamedTuple, NoReturn

from rmqlab.client.admin import Admin
from rmqlab.errors import RmqError
from rmqlab.names import snake_case

WIDTH = 110
"""Of a usage line, in characters."""


class Failed(RmqError):
    """A command cannot be carried out."""


class WrongUsage(RmqError):
    """The command line says nothing that can be done."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fact that a command found; `str` is how RocketMQ's mqadmin prints it."""

    NAME: ClassVar[str]
    """What rows of this kind are called in JSON."""
    HEADING: ClassVar[str] = ""
    LINE: ClassVar[str]
    """How its fields are printed, one after the other, where nothing is left to do."""

    def __str__(self) -> str:
        """Return the line."""
        return self.LINE % tuple(self.to_json().values())

    def to_json(self) -> dict[str, Any]:
        """Return its fields by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def to_cells(self) -> dict[str, Any]:
        """Return what a table has of it, by the columns' titles."""
        return {name.replace("_", " "): one for name, one in self.to_json().items()}


@dataclass(frozen=True, slots=True)
class Said(Row):
    """A row that is read as a sentence or a sheet, and not in a table."""


class Flag(NamedTuple):
    """One flag of a command; `kind` None: it takes no value.

    Of the flags that say `is_target` exactly one must be given.
    """

    short: str
    name: str
    about: str
    is_required: bool = False
    kind: Callable[[str], Any] | None = str
    default: Any = None
    is_target: bool = False

    def __str__(self) -> str:
        """``-t <arg>``."""
        return f"-{self.short} <arg>" if self.kind else f"-{self.short}"


Rows = AsyncIterator[Row]
Run = Callable[[Admin, Namespace], Rows]


class Command(NamedTuple):
    """One command of mqadmin; `rows` is the kind whose heading stands above nothing."""

    about: str
    run: Run
    rows: type[Row]
    flags: tuple[Flag, ...] = ()


HELP = Flag("h", "help", "Print help", kind=None)
NAME_SERVERS = Flag(
    "n",
    "namesrvAddr",
    "Name server address list, eg: '192.168.0.1:9876;192.168.0.2:9876'",
)


def truth(text: str) -> bool:
    """Return what ``true`` or ``false`` says."""
    if text.strip().lower() not in ("true", "false"):
        raise ValueError(text)
    return text.strip().lower() == "true"


class _Parser(ArgumentParser):
    """Raises what is wrong instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where to read what would be right."""
        raise WrongUsage(f"{message}. See 'mqadmin help {self.prog}'.")


def parse(name: str, command: Command, arguments: list[str]) -> Namespace:
    """Return the flags' values by their names, ``brokerAddr`` as `broker_addr`.

    Raises:
        WrongUsage: a flag is unknown, missing, or has no value of its kind.
    """
    parser = _Parser(name, add_help=False, allow_abbrev=False)
    flags = (NAME_SERVERS, *command.flags)
    targets = [one for one in flags if one.is_target]
    group = parser.add_mutually_exclusive_group(required=bool(targets))
    for flag in flags:
        _add(group if flag in targets else parser, flag)
    return parser.parse_args(arguments)


def _add(parser: Any, flag: Flag) -> None:
    spellings = f"-{flag.short}", f"--{flag.name}"
    dest = snake_case(flag.name)
    if flag.kind is None:
        parser.add_argument(*spellings, dest=dest, action="store_true")
        return
    required = {} if flag.is_target else {"required": flag.is_required}
    parser.add_argument(
        *spellings, dest=dest, type=flag.kind, default=flag.default, **required
    )


def help_text(name: str, command: Command) -> str:
    """Return a command's usage and its flags, as RocketMQ prints them."""
    flags = sorted((HELP, NAME_SERVERS, *command.flags), key=lambda one: one.short)
    usage = f"usage: mqadmin {name} {' '.join(_usage(flags))}"
    names = [
        f" -{one.short},--{one.name}{' <arg>' if one.kind else ''}" for one in flags
    ]
    width = max(map(len, names)) + 3
    lines = [
        f"{left:<{width}}{one.about}" for left, one in zip(names, flags, strict=True)
    ]
    return "\n".join([*wrap(usage, WIDTH, subsequent_indent=" " * 7), *lines])


def _usage(flags: list[Flag]) -> list[str]:
    """Return the flags as a usage line has them; of the targets one must be given."""
    targets = [one for one in flags if one.is_target]
    words = []
    for flag in flags:
        if not flag.is_target:
            words.append(str(flag) if flag.is_required else f"[{flag}]")
        elif flag == targets[0]:
            words.append(" | ".join(map(str, targets)))
    return words
