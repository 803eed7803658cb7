"""A broker's settings while it runs: shown, changed, written back to their file.

What is changed takes effect at once, but for what a broker is made of: who it is, where
it listens, its role, its files.  That is written down, and counts from the next start
on; the log and the answer say so.  A value that cannot be used changes nothing at all.

As in RocketMQ the file of -c is overwritten with every setting that there is, its
comments and order are lost, and what it was before is in FILE.bak.  A key that nobody
knows is passed over.

Source: Configuration.java, AdminBrokerProcessor.updateBrokerConfig, release 4.9.7.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import NamedTuple

from rmqlab.broker.settle import refuse_impossible
from rmqlab.config import Property, keys_of, parse_properties, read, to_properties
from rmqlab.errors import ConfigError, Refused, StoreError
from rmqlab.known_keys import IGNORED_BY_BROKER
from rmqlab.protocol.bodies import DataVersion
from rmqlab.protocol.codes import ResponseCode
from rmqlab.settings import BrokerConfig, StoreConfig
from rmqlab.store.disk import Disk

log = logging.getLogger(__name__)

FIXED = set(
    """
    broker_cluster_name broker_name broker_id broker_i_p1 broker_i_p2 listen_port
    bind_address namesrv_addr register_name_server_period flush_consumer_offset_interval
    flush_delay_offset_interval transaction_check_interval default_topic_queue_nums
    cluster_topic_enable broker_topic_enable store_path_root_dir store_path_commit_log
    mapped_file_size_commit_log mapped_file_size_consume_queue broker_role
    flush_disk_type message_index_enable max_hash_slot_num max_index_num
    check_c_r_c_on_recover clean_resource_interval message_delay_level ha_master_address
    filter_data_clean_time_span
    """.split()
)
"""Settings that are read when a broker is made or started, and not again."""

PATHS = {"brokerConfigPath"}
"""Nobody may make a broker write to another file: CVE-2023-33246."""


class SettingsFile(NamedTuple):
    """The file of -c: where it is, and what it said at the start."""

    path: str = ""
    found: tuple[Property, ...] = ()


class Configuration:
    """The settings that a broker runs with, and those of its next start."""

    def __init__(
        self,
        config: BrokerConfig,
        store_config: StoreConfig,
        disk: Disk,
        file: SettingsFile,
        now_ms: int,
    ) -> None:
        self._config, self._store_config = config, store_config
        self._disk, self._path = disk, file.path
        self._names = keys_of(BrokerConfig) | keys_of(StoreConfig)
        self._later: dict[str, Property] = {}
        self._others = {
            one.key: one.value for one in file.found if one.key not in self._names
        }
        self.version = DataVersion(0, now_ms)

    def text(self) -> str:
        """Return all settings, as they are or will be, as `.properties` lines."""
        copies = replace(self._config), replace(self._store_config)
        read(self._later.values(), *copies)
        others = "".join(f"{key}={value}\n" for key, value in self._others.items())
        return to_properties(*copies) + others

    def update(self, body: bytes, now_ms: int) -> tuple[list[str], list[str]]:
        """Change what the `.properties` text names, and write the file.

        Return the keys that were changed, and those that wait for the next start.

        Raises:
            Refused: SYSTEM_ERROR, a value cannot be used, or it is no such text;
                NO_PERMISSION, it names a path.
        """
        changed = _parsed(body)
        self._check(changed)
        now, later = [], []
        for one in changed:
            if self._names.get(one.key) in FIXED:
                self._later[one.key] = one
                later.append(one.key)
            elif one.key in self._names:
                read([one], self._config, self._store_config)
                now.append(one.key)
            elif one.key in self._others or one.key in IGNORED_BY_BROKER:
                self._others[one.key] = one.value
            else:
                log.warning("not changed %s=%s: no such key", one.key, one.value)
        self.version = self.version.next(now_ms)
        log.info("settings changed now=%s at_next_start=%s", now, later)
        self._write()
        return now, later

    def _check(self, changed: list[Property]) -> None:
        """Refuse all of it where one value cannot be used."""
        copies = replace(self._config), replace(self._store_config)
        for key, value, _, what in read(changed, *copies):
            if key in self._names:
                raise _unusable(f"{key}={value}: {what}")
        for key, value, _ in changed:
            name = self._names.get(key, "")
            is_switch = any(isinstance(getattr(one, name, 0), bool) for one in copies)
            if is_switch and value.lower() not in ("true", "false"):
                raise _unusable(f"{key}={value}: write true or false")
        try:
            refuse_impossible(*copies)
        except ConfigError as error:
            raise _unusable(str(error)) from None

    def _write(self) -> None:
        if not self._path:
            return
        try:
            self._disk.replace_text(self._path, self.text())
        except StoreError as error:
            log.error("settings not saved: %s", error)  # noqa: TRY400


def _parsed(body: bytes) -> list[Property]:
    try:
        changed = parse_properties(body.decode())
    except (ConfigError, UnicodeDecodeError):
        raise Refused(ResponseCode.SYSTEM_ERROR, "string2Properties error") from None
    if PATHS & {one.key for one in changed}:
        raise Refused(ResponseCode.NO_PERMISSION, "Can not update config path")
    return changed


def _unusable(why: str) -> Refused:
    return Refused(ResponseCode.SYSTEM_ERROR, f"nothing is changed, {why}")
