"""`mqbroker`: runs a broker."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

from rmqlab import boot
from rmqlab.broker.broker import Broker
from rmqlab.config import read, to_properties
from rmqlab.errors import ConfigError, StoreError, StoreLocked
from rmqlab.known_keys import IGNORED_BY_BROKER
from rmqlab.names import camel_case
from rmqlab.protocol.delays import DelayLevels
from rmqlab.settings import BrokerConfig, BrokerRole, StoreConfig
from rmqlab.store.real_disk import RealDisk

LOWEST_PORT, HIGHEST_PORT = 3, 65_534


def build(arguments: list[str]) -> Broker:
    """Return the broker that the flags describe."""
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
    problems = read(boot.load(found.configFile), config, store_config)
    if found.namesrvAddr:
        config.namesrv_addr = found.namesrvAddr
    settle(config, store_config)
    if found.printConfigItem or found.printImportantConfig:
        print(to_properties(config, store_config), end="")
        sys.exit(0)
    boot.open_log("broker")
    boot.report(problems, IGNORED_BY_BROKER)
    return Broker(config, store_config, RealDisk())


def settle(config: BrokerConfig, store_config: StoreConfig) -> None:
    """Fill in what the machine knows, and apply RocketMQ's rules to what was read."""
    config.broker_name = config.broker_name or socket.gethostname()
    config.broker_i_p1 = _resolved(config.broker_i_p1 or boot.own_address())
    config.broker_i_p2 = config.broker_i_p2 or config.broker_i_p1
    for name in ("store_path_root_dir", "store_path_commit_log"):
        path = getattr(store_config, name)
        setattr(store_config, name, path and str(Path(path).expanduser()))
    if store_config.broker_role is not BrokerRole.SLAVE:
        config.broker_id = 0
    elif config.broker_id <= 0:
        boot.fail("Slave's brokerId must be > 0", boot.BAD_SETTING)
    for address in filter(None, config.namesrv_addr.split(";")):
        if not address.strip().rpartition(":")[2].isdigit():
            boot.fail(
                f"The Name Server Address[{config.namesrv_addr}] illegal, please set "
                'it as follows, "127.0.0.1:9876;192.168.0.1:9876"',
                boot.BAD_SETTING,
            )
    _refuse_impossible(config, store_config)


def _resolved(host: str) -> str:
    """Return the address of brokerIP1, which every record and message id holds.

    RocketMQ tells clients the name where brokerIP1 is one; this broker the address.
    """
    try:
        return socket.gethostbyname(host)
    except OSError:
        boot.fail(
            f"brokerIP1={host} is no IPv4 address and does not resolve to one: write "
            "the address at which clients reach this machine",
            boot.BAD_SETTING,
        )


def _refuse_impossible(config: BrokerConfig, store_config: StoreConfig) -> None:
    try:
        DelayLevels(store_config.message_delay_level)
    except ConfigError as error:
        boot.fail(str(error), boot.BAD_SETTING)
    port = config.listen_port
    if not LOWEST_PORT <= port <= HIGHEST_PORT and port != 0:
        boot.fail(
            f"listenPort={port} cannot be used, with listenPort-2 and listenPort+1: "
            f"allowed {LOWEST_PORT} to {HIGHEST_PORT}",
            boot.BAD_SETTING,
        )
    for name in ("mapped_file_size_commit_log", "mapped_file_size_consume_queue"):
        if (size := getattr(store_config, name)) <= 0:
            boot.fail(
                f"{camel_case(name)}={size} cannot be used: write its bytes, "
                f"such as {getattr(StoreConfig(), name)}",
                boot.BAD_SETTING,
            )


def boot_line(config: BrokerConfig) -> str:
    """Return what RocketMQ prints once a broker runs."""
    line = (
        f"The broker[{config.broker_name}, {config.broker_i_p1}:{config.listen_port}] "
        "boot success. serializeType=JSON"
    )
    if config.namesrv_addr:
        line += f" and name server is {config.namesrv_addr}"
    return line


def explain(error: Exception, broker: Broker) -> tuple[str, int]:
    """Return what to say of an error at the start, and the exit code."""
    port = broker.config.listen_port
    if isinstance(error, OSError):
        return (
            f"cannot listen on {port}, {port - 2} and {port + 1}: {error.strerror}",
            boot.FAILED,
        )
    root = broker.store.config.store_path_root_dir
    code = boot.FAILED if isinstance(error, StoreLocked) else boot.BAD_SETTING
    return f"{error} (storePathRootDir={root})", code


def main() -> None:
    """Run until SIGTERM."""
    broker = build(sys.argv[1:])
    try:
        asyncio.run(boot.serve(broker, boot_line(broker.config)))
    except (OSError, StoreError) as error:
        boot.fail(*explain(error, broker))


if __name__ == "__main__":
    main()
