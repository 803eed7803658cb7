"""What mqnamesrv and mqbroker have in common: flags, files, log, signals, exit codes.

    exit code   0    stopped by SIGTERM or SIGINT; or -p, -m
                253  a setting or the store cannot be used (Java's -3)
                255  -h, unknown flag, no file, port taken, store locked (Java's -1)

Source: NamesrvStartup.java, BrokerStartup.java, ServerUtil.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import NoReturn, Protocol

from rmqlab.config import Problem, Property, parse_properties
from rmqlab.errors import ConfigError

BAD_SETTING, FAILED = 253, 255
LOG_DIR_VARIABLE = "RMQLAB_LOG_DIR"
BIND_VARIABLE = "RMQLAB_BIND_ADDRESS"
"""Where a node listens whose file does not say: in a container on every address."""
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s - %(message)s"
LOG_BYTES, LOG_FILES = 16 * 1024 * 1024, 4


class Node(Protocol):
    """A name server or a broker."""

    async def start(self) -> None:
        """Start."""

    async def stop(self) -> None:
        """Stop."""


class Flags(ArgumentParser):
    """RocketMQ's flags; an unknown one, or -h, prints the usage and exits with 255."""

    def __init__(self, program: str, config_help: str) -> None:
        super().__init__(program, add_help=False)
        add = self.add_argument
        add("-c", "--configFile", metavar="<arg>", help=config_help)
        add("-h", "--help", action="store_true", help="Print help")
        add("-n", "--namesrvAddr", metavar="<arg>", help="Name server address list")
        add(
            "-p",
            "--printConfigItem",
            action="store_true",
            help="Print all config items",
        )

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong."""
        self.print_help(sys.stderr)
        fail(message)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say why on stderr and exit."""
    print(message, file=sys.stderr, flush=True)
    sys.exit(code)


def load(path: str | None) -> list[Property]:
    """Return the properties of the file that -c names; none without one."""
    if path is None:
        return []
    try:
        return parse_properties(Path(path).read_bytes())
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}")
    except ConfigError as error:
        fail(f"cannot read {path}: {error}")


def report(problems: Iterable[Problem], known: dict[str, type]) -> None:
    """Say, once at the start, which lines of the file have no effect."""
    log = logging.getLogger("rmqlab.config")
    for key, value, line, what in problems:
        if key not in known:
            log.warning("ignored line=%d %s=%s: %s", line, key, value, what)


def open_log(name: str) -> None:
    """Log to ~/logs/rocketmqlogs/NAME.log as RocketMQ does, or below RMQLAB_LOG_DIR."""
    folder = Path(
        os.environ.get(LOG_DIR_VARIABLE) or Path.home() / "logs" / "rocketmqlogs"
    )
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        folder / f"{name}.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES
    )
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def bind_address() -> str:
    """Return where a node listens whose file does not say; empty: its own rule."""
    return os.environ.get(BIND_VARIABLE, "")


def own_address() -> str:
    """Return the address of this machine that others most likely reach."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent; the kernel picks a route
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def told_to_end() -> asyncio.Event:
    """Return what SIGTERM and SIGINT set from now on."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


async def serve(
    node: Node, boot_line: str, started: Callable[[], None] = lambda: None
) -> None:
    """Start the node, print its boot line, stop it at SIGTERM or SIGINT.

    Raises:
        OSError, RmqError: it did not start.
    """
    told = told_to_end()
    await node.start()
    print(boot_line, flush=True)
    started()
    await told.wait()
    await node.stop()
