"""From what a file says to what a name server runs with.

Source: NamesrvStartup.createNamesrvController, release 4.9.7.
"""

from __future__ import annotations

import posixpath

from rmqlab.remoting import LOOPBACK
from rmqlab.settings import NamesrvConfig


def settle(config: NamesrvConfig, home: str) -> None:
    """Fill in what the machine knows: where to listen, and what ``~`` stands for."""
    config.bind_address = config.bind_address or LOOPBACK
    config.kv_config_path = _expanded(config.kv_config_path, home)
    config.config_store_path = _expanded(config.config_store_path, home)


def _expanded(path: str, home: str) -> str:
    return posixpath.join(home, path[2:]) if path.startswith("~/") else path
