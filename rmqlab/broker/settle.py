"""From what a file says to what a broker runs with: defaults, and what is impossible.

The machine's part (its name, its addresses, how names resolve) comes in from outside.

Source: BrokerStartup.createBrokerController, release 4.9.7.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass

from rmqlab.errors import ConfigError, StoreError
from rmqlab.names import camel_case
from rmqlab.protocol.delays import DelayLevels
from rmqlab.remoting import ANY_ADDRESS, LOOPBACK
from rmqlab.settings import BrokerConfig, BrokerRole, StoreConfig
from rmqlab.store.retention import hours_of

LOWEST_PORT, HIGHEST_PORT = 3, 65_534


@dataclass(frozen=True)
class Site:
    """What a broker must know of the machine that it runs on."""

    host_name: str
    home: str
    """What ``~`` stands for."""
    own_address: Callable[[], str]
    """The address that others most likely reach."""
    resolve: Callable[[str], str]
    """Returns the IPv4 address of a name, or raises OSError."""


def settle(config: BrokerConfig, store_config: StoreConfig, site: Site) -> None:
    """Fill in what the machine knows, and apply RocketMQ's rules to what was read.

    Raises:
        ConfigError: a setting cannot be used.
    """
    config.broker_name = config.broker_name or site.host_name
    _settle_addresses(config, site)
    for name in ("store_path_root_dir", "store_path_commit_log"):
        path = getattr(store_config, name)
        setattr(store_config, name, _expanded(path, site.home))
    if store_config.broker_role is not BrokerRole.SLAVE:
        config.broker_id = 0
    elif config.broker_id <= 0:
        raise ConfigError("Slave's brokerId must be > 0")
    for address in filter(None, config.namesrv_addr.split(";")):
        if not address.strip().rpartition(":")[2].isdigit():
            raise ConfigError(
                f"The Name Server Address[{config.namesrv_addr}] illegal, please set "
                'it as follows, "127.0.0.1:9876;192.168.0.1:9876"'
            )
    refuse_impossible(config, store_config)


def _settle_addresses(config: BrokerConfig, site: Site) -> None:
    """Settle where the broker listens, and where it tells others that it does.

    Unlike RocketMQ, which always listens on every address, a broker is reached from
    this machine alone unless its file says that others come, or bindAddress does.
    """
    told = _resolved(config.broker_i_p1, site) if config.broker_i_p1 else ""
    for_others = [one for one in (told, config.broker_i_p2) if not _is_loopback(one)]
    if not config.bind_address:
        config.bind_address = ANY_ADDRESS if for_others else told or LOOPBACK
    is_any = config.bind_address == ANY_ADDRESS
    own = site.own_address() if is_any and not told else config.bind_address
    config.broker_i_p1 = told or _resolved(own, site)
    config.broker_i_p2 = config.broker_i_p2 or config.broker_i_p1


def _is_loopback(address: str) -> bool:
    return not address or address == "localhost" or address.startswith("127.")


def _expanded(path: str, home: str) -> str:
    is_below_home = path == "~" or path.startswith("~/")
    return posixpath.join(home, path[2:]) if is_below_home else path


def _resolved(host: str, site: Site) -> str:
    """Return the address of brokerIP1, which every record and message id holds.

    RocketMQ tells clients the name where brokerIP1 is one; this broker the address.
    """
    try:
        return site.resolve(host)
    except OSError:
        raise ConfigError(
            f"brokerIP1={host} is no IPv4 address and does not resolve to one: write "
            "the address at which clients reach this machine"
        ) from None


def refuse_impossible(config: BrokerConfig, store_config: StoreConfig) -> None:
    """Refuse what no broker can run with.

    Raises:
        ConfigError: a setting cannot be used.
    """
    DelayLevels(store_config.message_delay_level)
    hours_of(store_config.delete_when)
    port = config.listen_port
    if not LOWEST_PORT <= port <= HIGHEST_PORT and port != 0:
        raise ConfigError(
            f"listenPort={port} cannot be used, with listenPort-2 and listenPort+1: "
            f"allowed {LOWEST_PORT} to {HIGHEST_PORT}"
        )
    for name in ("mapped_file_size_commit_log", "mapped_file_size_consume_queue"):
        if (size := getattr(store_config, name)) <= 0:
            raise ConfigError(
                f"{camel_case(name)}={size} cannot be used: write its bytes, "
                f"such as {getattr(StoreConfig(), name)}"
            )


def explain(error: Exception, config: BrokerConfig, store_config: StoreConfig) -> str:
    """Return what to say of an error at a broker's start."""
    port = config.listen_port
    if isinstance(error, OSError):
        return f"cannot listen on {port}, {port - 2} and {port + 1}: {error.strerror}"
    if isinstance(error, StoreError):
        return f"{error} (storePathRootDir={store_config.store_path_root_dir})"
    return str(error)
