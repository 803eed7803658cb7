"""`mqnamesrv`: runs a name server."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from rmqlab import boot
from rmqlab.config import read, to_properties
from rmqlab.errors import StoreError
from rmqlab.known_keys import IGNORED_BY_NAMESRV
from rmqlab.namesrv.server import NameServer
from rmqlab.namesrv.settle import settle
from rmqlab.settings import NamesrvConfig
from rmqlab.store.real_disk import RealDisk

BOOT_LINE = "The Name Server boot success. serializeType=JSON"


def build(arguments: list[str], home: Path | None = None) -> NameServer:
    """Return the name server that the flags describe.

    `home` is what ``~`` stands for; if none, this user's home folder.
    """
    flags = boot.Flags("mqnamesrv", "Name server config properties file")
    found = flags.parse_args(arguments)
    if found.help:
        flags.print_help()
        sys.exit(boot.FAILED)
    config = NamesrvConfig()
    properties = boot.load(found.configFile)
    problems = read(properties, config)
    config.bind_address = config.bind_address or boot.bind_address()
    settle(config, str(home or Path.home()))
    if found.configFile:  # a broker says nothing of its file
        config.config_store_path = found.configFile
        print(f"load config properties file OK, {found.configFile}", flush=True)
    if found.printConfigItem:
        print(to_properties(config), end="")
        sys.exit(0)
    boot.open_log("namesrv")
    boot.report(problems, IGNORED_BY_NAMESRV)
    return NameServer(config, disk=RealDisk(), found=properties)


def main() -> None:
    """Run until SIGTERM."""
    server = build(sys.argv[1:])
    try:
        asyncio.run(boot.serve(server, BOOT_LINE))
    except StoreError as error:
        boot.fail(str(error))
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", error)
        boot.fail(f"cannot listen on port {server.config.listen_port}: {why}")


if __name__ == "__main__":
    main()
