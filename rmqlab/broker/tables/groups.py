"""The consumer groups that a broker knows, with their settings.

Source: SubscriptionGroupManager.java, release 4.9.7.
"""

from __future__ import annotations

from typing import Any

from rmqlab.errors import WireError
from rmqlab.protocol.bodies import DataVersion, GroupConfig
from rmqlab.settings import BrokerConfig

BUILT_IN = (
    "TOOLS_CONSUMER",
    "FILTERSRV_CONSUMER",
    "SELF_TEST_C_GROUP",
    "CID_ONS-HTTP-PROXY",
    "CID_ONSAPI_PULL",
    "CID_ONSAPI_PERMISSION",
    "CID_ONSAPI_OWNER",
)
SYSTEM_PREFIX = "CID_RMQ_SYS_"


class Groups:
    """All groups of one broker."""

    FILE = "subscriptionGroup.json"

    def __init__(self, config: BrokerConfig, now_ms: int) -> None:
        self._config = config
        self.data_version = DataVersion(0, now_ms)
        self._groups = {name: GroupConfig(name) for name in BUILT_IN}

    def get(self, name: str) -> GroupConfig | None:
        """Return a known group's settings."""
        return self._groups.get(name)

    def find_or_create(self, name: str, now_ms: int) -> GroupConfig | None:
        """Return a group's settings; None where it is unknown and may not be made."""
        group = self._groups.get(name)
        if group is None and (
            self._config.auto_create_subscription_group
            or name.startswith(SYSTEM_PREFIX)
        ):
            group = self._groups[name] = GroupConfig(name)
            self.data_version = self.data_version.next(now_ms)
        return group

    @property
    def names(self) -> list[str]:
        """All groups that have settings."""
        return list(self._groups)

    def put(self, group: GroupConfig, now_ms: int) -> None:
        """Create a group or change its settings."""
        self._groups[group.group_name] = group
        self.data_version = self.data_version.next(now_ms)

    def remove(self, name: str, now_ms: int) -> bool:
        """Forget a group's settings; return whether there were any."""
        if self._groups.pop(name, None) is None:
            return False
        self.data_version = self.data_version.next(now_ms)
        return True

    @property
    def state(self) -> object:
        """What differs after every change."""
        version = self.data_version
        return version.counter, version.timestamp

    def to_json(self) -> dict[str, Any]:
        """Return the table as in subscriptionGroup.json."""
        groups = {name: group.to_json() for name, group in self._groups.items()}
        return {
            "dataVersion": self.data_version.to_json(),
            "subscriptionGroupTable": groups,
        }

    def load(self, found: Any) -> None:
        """Take over what subscriptionGroup.json holds; built-in groups stay.

        Raises:
            WireError: it is no subscriptionGroup.json.
        """
        version, groups = _parsed(found)
        self.data_version = version
        self._groups.update(groups)

    def replace(self, found: Any) -> bool:
        """Become a copy of a master's table; return whether it differed.

        Raises:
            WireError: it is no subscriptionGroup.json.
        """
        version, groups = _parsed(found)
        if version == self.data_version:
            return False
        self.data_version, self._groups = version, groups
        return True


def _parsed(found: Any) -> tuple[DataVersion, dict[str, GroupConfig]]:
    try:
        version = DataVersion.from_json(found["dataVersion"])
        table = found["subscriptionGroupTable"].items()
        return version, {name: GroupConfig.from_json(one) for name, one in table}
    except (TypeError, KeyError, AttributeError) as error:
        raise WireError(f"no subscription group table: {found!r:.200}") from error
