"""brokerStatus, getBrokerConfig, updateBrokerConfig: measurements and settings.

Source: BrokerStatusSubCommand.java, GetBrokerConfigCommand.java,
UpdateBrokerConfigSubCommand.java, release 4.9.7.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

from rmqlab.client.admin import Admin
from rmqlab.client.routes import MASTER_ID
from rmqlab.config import parse_properties
from rmqlab.errors import RemoteError, Unavailable
from rmqlab.mqadmin.command import Command, Failed, Flag, Row, Rows, Said
from rmqlab.mqadmin.places import Place, in_cluster, masters, target_flags
from rmqlab.protocol.admin import GetBrokerConfig, UpdateBrokerConfig


@dataclass(frozen=True, slots=True)
class Measurement(Row):
    """One thing that a broker measures; `address` is only there for a cluster."""

    NAME = "measurements"
    address: str | None
    key: str
    value: str

    def __str__(self) -> str:
        """Return the line."""
        where = f"{self.address:<24} " if self.address else ""
        return f"{where}{self.key:<32}: {self.value}"


async def broker_status(admin: Admin, flags: Namespace) -> Rows:
    """Print what a broker measures, or all brokers of a cluster."""
    for address in await _addresses(admin, flags):
        named = address if flags.cluster_name else None
        for key, value in sorted((await admin.runtime_info(address)).items()):
            yield Measurement(named, key, value)


async def _addresses(admin: Admin, flags: Namespace) -> list[str]:
    if flags.broker_addr:
        return [flags.broker_addr]
    return [one.address for one in await in_cluster(admin, flags.cluster_name)]


@dataclass(frozen=True, slots=True)
class ConfigOf(Said):
    """Whose settings follow."""

    NAME = "brokers"
    address: str
    role: str | None = None
    master: str | None = None

    def __str__(self) -> str:
        """Return the line between two brokers."""
        if self.role is None:
            text = self.address
        elif self.role == "Master":
            text = f"Master: {self.address}"
        else:
            text = f"My Master: {self.master}=====Slave: {self.address}"
        return f"============{text}============"


@dataclass(frozen=True, slots=True)
class Setting(Row):
    """One setting of a broker."""

    NAME = "settings"
    address: str
    key: str
    value: str

    def __str__(self) -> str:
        """Return the line."""
        return f"{self.key:<50}=  {self.value}"


async def get_broker_config(admin: Admin, flags: Namespace) -> Rows:
    """Print a broker's settings, or those of all brokers of a cluster."""
    for one in await _of_whom(admin, flags):
        yield one
        answer = await admin.call(one.address, GetBrokerConfig())
        found = parse_properties(answer.body.decode("utf-8", "replace"))
        for key, value in sorted((setting.key, setting.value) for setting in found):
            yield Setting(one.address, key, value)


async def _of_whom(admin: Admin, flags: Namespace) -> list[ConfigOf]:
    if flags.broker_addr:
        return [ConfigOf(flags.broker_addr)]
    places = await in_cluster(admin, flags.cluster_name)
    at = {one.broker: one.address for one in places if one.broker_id == MASTER_ID}
    return [_config_of(one, at.get(one.broker, "")) for one in places]


def _config_of(place: Place, master: str) -> ConfigOf:
    if place.broker_id == MASTER_ID:
        return ConfigOf(place.address, "Master")
    return ConfigOf(place.address, "Slave", master)


@dataclass(frozen=True, slots=True)
class ConfigUpdated(Said):
    """A broker has a setting's new value."""

    NAME = "brokers"
    address: str

    def __str__(self) -> str:
        """Return RocketMQ's sentence."""
        return f"update broker config success, {self.address}"


async def update_broker_config(admin: Admin, flags: Namespace) -> Rows:
    """Change a setting of a broker, or of each master of a cluster.

    One that refuses or is away does not keep the others from it.
    """
    body = f"{flags.key.strip()}={flags.value.strip()}\n".encode()
    failures = []
    for address in await masters(admin, flags):
        try:
            await admin.call(address, UpdateBrokerConfig(), body)
        except (RemoteError, Unavailable) as error:
            failures.append(str(error))
        else:
            yield ConfigUpdated(address)
    if failures:
        raise Failed("; ".join(failures))


COMMANDS: dict[str, Command] = {
    "updateBrokerConfig": Command(
        "Update broker's config",
        update_broker_config,
        ConfigUpdated,
        (
            *target_flags("update which broker", "update which cluster"),
            Flag("k", "key", "config key", is_required=True),
            Flag("v", "value", "config value", is_required=True),
        ),
    ),
    "brokerStatus": Command(
        "Fetch broker runtime status data",
        broker_status,
        Measurement,
        target_flags("Broker address", "which cluster"),
    ),
    "getBrokerConfig": Command(
        "Get broker config by cluster or special broker!",
        get_broker_config,
        Setting,
        target_flags("get which broker", "get which cluster"),
    ),
}
