"""Where a client runs: what it takes from outside instead of asking the machine itself.

Its wall clock and time zone, its randomness, its files, and who it is: brokers tell
clients apart by ``HOST@INSTANCE``, and a message's id begins with the pid.

Source: ClientConfig.buildMQClientId and changeInstanceNameToPID, release 4.9.7.
"""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from random import Random
from typing import Protocol

from rmqlab.clock import Clock, SystemClock
from rmqlab.errors import StoreError
from rmqlab.settings import DEFAULT_INSTANCE

_numbers = itertools.count()


class Files(Protocol):
    """Small files of text; ``~`` is the user's own folder."""

    def read_text(self, path: str) -> str | None:
        """Return a file's text, None where there is no such file.

        Raises:
            StoreError: the disk refused.
        """
        ...

    def replace_text(self, path: str, text: str) -> None:
        """Put a file in place; what was there is its ``.bak`` then.

        Raises:
            StoreError: the disk refused; the old file is still there.
        """
        ...


class OwnFiles:
    """The files of this machine."""

    def read_text(self, path: str) -> str | None:
        """See `Files.read_text`."""
        try:
            return Path(path).expanduser().read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError(f"cannot read {path}: {error}") from error

    def replace_text(self, path: str, text: str) -> None:
        """See `Files.replace_text`."""
        old = Path(path).expanduser()
        new = old.with_suffix(".tmp")
        try:
            old.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(text, "utf-8")
            if old.exists():
                old.replace(f"{old}.bak")
            new.replace(old)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error}") from error


@dataclass
class Place:
    """This process on this machine, unless told otherwise."""

    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=Random)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    numbers: Iterator[int] = field(default=_numbers, repr=False)
    """One a client."""
    zone: tzinfo | None = None
    """None: the machine's own."""
    files: Files = field(default_factory=OwnFiles)

    def client_id(
        self, instance_name: str = DEFAULT_INSTANCE, *, is_lasting: bool = False
    ) -> str:
        """Return the id of one more client; a name that was given is taken as it is.

        So is `DEFAULT` by who broadcasts: the next process must find its offsets.
        Nobody looks whether another client of this host has the same.
        """
        if instance_name == DEFAULT_INSTANCE and not is_lasting:
            instance_name = f"{self.pid}#{next(self.numbers)}"
        return f"{self.host}@{instance_name}"
