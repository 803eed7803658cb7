"""`mqbroker`: runs a broker."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

from rmqlab import boot
from rmqlab.broker import settle
from rmqlab.broker.broker import Broker
from rmqlab.broker.configuration import SettingsFile
from rmqlab.broker.settle import Site
from rmqlab.config import read, to_properties
from rmqlab.errors import ConfigError, StoreError, StoreLocked
from rmqlab.known_keys import IGNORED_BY_BROKER
from rmqlab.settings import BrokerConfig, StoreConfig
from rmqlab.store.disk import Disk
from rmqlab.store.reading import MEMORY_BYTES
from rmqlab.store.real_disk import RealDisk
from rmqlab.store.retention import limits_of

JAVA_OPTIONS = "JAVA_OPT_EXT"
"""RocketMQ's start scripts add this to what they start Java with."""


def build(arguments: list[str], disk: Disk | None = None) -> Broker:
    """Return the broker that the flags describe; its disk is this machine's if none."""
    flags = boot.Flags("mqbroker", "Broker config properties file")
    flags.add_argument(
        "-m",
        "--printImportantConfig",
        action="store_true",
        help="Print important config items",
    )
    found = flags.parse_args(arguments)
    if found.help:
        flags.print_help()
        sys.exit(boot.FAILED)
    config, store_config = BrokerConfig(), StoreConfig()
    properties = boot.load(found.configFile)
    problems = read(properties, config, store_config)
    config.bind_address = config.bind_address or boot.bind_address()
    if found.namesrvAddr:
        config.namesrv_addr = found.namesrvAddr
    try:
        settle.settle(config, store_config, site())
        disk_limits = limits_of(os.environ.get(JAVA_OPTIONS, ""))
    except ConfigError as error:
        boot.fail(str(error), boot.BAD_SETTING)
    if found.printConfigItem or found.printImportantConfig:
        print(to_properties(config, store_config), end="")
        sys.exit(0)
    boot.open_log("broker")
    boot.report(problems, IGNORED_BY_BROKER)
    broker = Broker(
        config,
        store_config,
        disk or RealDisk(),
        disk_limits=disk_limits,
        file=SettingsFile(found.configFile or "", tuple(properties)),
    )
    broker.store.reading.memory_bytes = memory_bytes()
    return broker


def memory_bytes() -> int:
    """Return how much memory this machine has."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows, or a kernel that is silent
        return MEMORY_BYTES


def boot_line(config: BrokerConfig) -> str:
    """Return what RocketMQ prints once a broker runs."""
    line = (
        f"The broker[{config.broker_name}, {config.broker_i_p1}:{config.listen_port}] "
        "boot success. serializeType=JSON"
    )
    if config.namesrv_addr:
        line += f" and name server is {config.namesrv_addr}"
    return line


def site() -> Site:
    """Return what a broker must know of this machine."""
    return Site(
        socket.gethostname(),
        str(Path.home()),
        boot.own_address,
        socket.gethostbyname,
    )


def explain(error: Exception, broker: Broker) -> tuple[str, int]:
    """Return what to say of an error at the start, and the exit code."""
    is_setting = isinstance(error, StoreError) and not isinstance(error, StoreLocked)
    text = settle.explain(error, broker.config, broker.store.config)
    return text, boot.BAD_SETTING if is_setting else boot.FAILED


def main() -> None:
    """Run until SIGTERM."""
    broker = build(sys.argv[1:])
    try:
        asyncio.run(boot.serve(broker, boot_line(broker.config)))
    except (OSError, StoreError) as error:
        boot.fail(*explain(error, broker))


if __name__ == "__main__":
    main()
