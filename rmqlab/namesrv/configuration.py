"""A name server's settings while it runs: shown, changed, written back.

    GET_NAMESRV_CONFIG      the settings, then what else the file says
    UPDATE_NAMESRV_CONFIG   takes effect at once and goes to the file, all of it

As in RocketMQ the file of -c is overwritten with every setting that there is, comments
and order are lost, and a key that nobody knows is passed over.

Source: Configuration.java, DefaultRequestProcessor.updateConfig, release 4.9.7.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from rmqlab.config import Property, keys_of, parse_properties, read, to_properties
from rmqlab.errors import ConfigError, Refused, StoreError
from rmqlab.known_keys import IGNORED_BY_NAMESRV
from rmqlab.protocol.codes import ResponseCode
from rmqlab.settings import NamesrvConfig
from rmqlab.store.disk import Disk

log = logging.getLogger(__name__)

PATHS = {"kvConfigPath", "configStorePath"}
"""Nobody may make a name server write to another file: CVE-2023-37582."""


class Configuration:
    """The settings, the rest of their file, and where they are written."""

    def __init__(
        self,
        config: NamesrvConfig,
        found: Iterable[Property] = (),
        disk: Disk | None = None,
    ) -> None:
        self._config, self._disk = config, disk
        own = keys_of(NamesrvConfig)
        self._others = {one.key: one.value for one in found if one.key not in own}

    def text(self) -> str:
        """Return all settings as `.properties` lines."""
        others = "".join(f"{key}={value}\n" for key, value in self._others.items())
        return to_properties(self._config) + others

    def update(self, body: bytes) -> None:
        """Change what the `.properties` text names, and write the file.

        Raises:
            Refused: SYSTEM_ERROR, it is no such text; NO_PERMISSION, it names a path.
        """
        try:
            changed = parse_properties(body.decode())
        except (ConfigError, UnicodeDecodeError):
            raise Refused(
                ResponseCode.SYSTEM_ERROR, "string2Properties error"
            ) from None
        if PATHS & {one.key for one in changed}:
            raise Refused(ResponseCode.NO_PERMISSION, "Can not update config path")
        known = IGNORED_BY_NAMESRV.keys() | self._others
        for key, value, _, why in read(changed, self._config):
            if key in known:
                self._others[key] = value
            else:
                log.warning("not changed %s=%s: %s", key, value, why)
        self._write()

    def _write(self) -> None:
        if self._disk is None:
            return
        try:
            self._disk.replace_text(self._config.config_store_path, self.text())
        except StoreError as error:
            log.error("settings not saved: %s", error)  # noqa: TRY400
