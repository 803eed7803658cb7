"""Where a client runs: what it takes from outside instead of asking the machine itself.

Its wall clock and time zone, its randomness, and who it is: brokers tell clients apart
by ``HOST@INSTANCE``, and a message's id begins with the pid.

Source: ClientConfig.buildMQClientId and changeInstanceNameToPID, release 4.9.7.
"""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from random import Random

from rmqlab.clock import Clock, SystemClock
from rmqlab.settings import DEFAULT_INSTANCE

_numbers = itertools.count()


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

    def client_id(self, instance_name: str = DEFAULT_INSTANCE) -> str:
        """Return the id of one more client; a name that was given is taken as it is.

        Nobody looks whether another client of this host has the same.
        """
        if instance_name == DEFAULT_INSTANCE:
            instance_name = f"{self.pid}#{next(self.numbers)}"
        return f"{self.host}@{instance_name}"
