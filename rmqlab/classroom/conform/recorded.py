"""What `rmqlab conform --json` gave, taken for a run of its own."""

from __future__ import annotations

import json
from pathlib import Path

from rmqlab.classroom.conform.play import Played
from rmqlab.classroom.conform.verdict import SCHEMA
from rmqlab.errors import ConfigError


def recorded(path: Path) -> Played:
    """Return what was observed in an earlier run.

    Raises:
        ConfigError: the file holds something else.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["schema"] != SCHEMA:
            raise ConfigError(f"{path} has another schema than {SCHEMA}")
        return Played(found["runtime"], found["release"], dict(found["observed"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} is nothing that `rmqlab conform --json` gave: {error}"
        ) from error
