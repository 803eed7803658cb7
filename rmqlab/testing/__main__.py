"""A name server and a broker in one process, for tests in any language.

    $ python -m rmqlab.testing
    {"name_servers": "127.0.0.1:39211", "address": "127.0.0.1:12406"}

The line comes once messages are taken.  It ends at SIGTERM, and with --until-eof when
whoever started it is gone; what it stored then goes, too.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from argparse import ArgumentParser, Namespace
from tempfile import TemporaryDirectory

from rmqlab import boot
from rmqlab.errors import RmqError
from rmqlab.testing.node import AsyncRocketMQ

PIECE_BYTES = 1 << 16


def flags() -> ArgumentParser:
    """Return what the command line may say; `rmqlab.health` reads the ports, too."""
    parser = ArgumentParser("python -m rmqlab.testing", description=__doc__)
    add = parser.add_argument
    add("--namesrv-port", type=int, default=0, help="a free one where not given")
    add("--port", type=int, default=0, help="the broker's, likewise")
    add("--advertise", default="", help="the address that clients are told")
    add("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE",
        help="a setting of the broker, by RocketMQ's key")  # fmt: skip
    add("--until-eof", action="store_true", help="end when stdin, a pipe, does")
    return parser


def settings_of(found: Namespace) -> dict[str, str]:
    """Return the broker's settings that a command line asks for."""
    told = {
        "bindAddress": boot.bind_address(),
        "brokerIP1": found.advertise,
        "listenPort": str(found.port or ""),
    }
    given = dict(one.partition("=")[::2] for one in found.settings)
    return {key: value for key, value in told.items() if value} | given


async def serve(rocketmq: AsyncRocketMQ, *, until_eof: bool) -> None:
    """Run it until it is told to end."""
    told = boot.told_to_end()
    if until_eof:
        tell_at_eof(told)
    async with rocketmq:
        where = {"name_servers": rocketmq.name_servers, "address": rocketmq.address}
        print(json.dumps(where), flush=True)
        await told.wait()
        await rocketmq.stop()


def tell_at_eof(told: asyncio.Event) -> None:
    """Set the event when stdin ends.

    Raises:
        RmqError: it never does, or has at once: it is a file.
    """
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()

    def read() -> None:
        if not os.read(stdin, PIECE_BYTES):
            loop.remove_reader(stdin)
            told.set()

    try:
        loop.add_reader(stdin, read)
    except PermissionError:
        raise RmqError("--until-eof needs a pipe as stdin") from None


def main() -> None:
    """Run until SIGTERM."""
    found = flags().parse_args()
    logging.basicConfig(format=boot.LOG_FORMAT)
    with TemporaryDirectory(prefix="rmqlab-") as folder:
        rocketmq = AsyncRocketMQ(folder, settings_of(found), found.namesrv_port)
        try:
            asyncio.run(serve(rocketmq, until_eof=found.until_eof))
        except (OSError, RmqError) as error:
            boot.fail(str(error))


if __name__ == "__main__":
    main()
