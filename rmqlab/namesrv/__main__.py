"""`mqnamesrv`: runs a name server."""

from __future__ import annotations

import asyncio
import sys

from rmqlab import boot
from rmqlab.config import read, to_properties
from rmqlab.known_keys import IGNORED_BY_NAMESRV
from rmqlab.namesrv.server import NameServer
from rmqlab.settings import NamesrvConfig

BOOT_LINE = "The Name Server boot success. serializeType=JSON"


def build(arguments: list[str]) -> NameServer:
    """Return the name server that the flags describe."""
    flags = boot.Flags("mqnamesrv", "Name server config properties file")
    found = flags.parse_args(arguments)
    if found.help:
        flags.print_help()
        sys.exit(boot.FAILED)
    config = NamesrvConfig()
    problems = read(boot.load(found.configFile), config)
    if found.configFile:  # a broker says nothing of its file
        print(f"load config properties file OK, {found.configFile}", flush=True)
    if found.printConfigItem:
        print(to_properties(config), end="")
        sys.exit(0)
    boot.open_log("namesrv")
    boot.report(problems, IGNORED_BY_NAMESRV)
    return NameServer(config)


def main() -> None:
    """Run until SIGTERM."""
    server = build(sys.argv[1:])
    try:
        asyncio.run(boot.serve(server, BOOT_LINE))
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", error)
        boot.fail(f"cannot listen on port {server.config.listen_port}: {why}")


if __name__ == "__main__":
    main()
