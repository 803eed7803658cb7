"""A number of its own for every local cluster on this machine: 127.0.NUMBER.x.

The kernel arbitrates: who has bound the claim's port has the number, whatever user or
home folder a cluster belongs to, and a process that is killed lets go of it.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from typing import Self

CLAIM_PORT = 14_321
"""Nobody's: whoever listens to it on every address stops all local clusters."""
HAS_LOOPBACK_NETWORK = sys.platform == "linux"
"""Whether all of 127.0.0.0/8 is this machine's, and not 127.0.0.1 alone."""
LAST = 254
"""The greatest last number that a host is moved to."""


def moved(addresses: Iterable[str], number: int) -> dict[str, str]:
    """Return where the host at each address is in a subnet: 192.168.157.128 at .128.

    Of two that end alike, the second one gets the next number that is free.
    """
    found: dict[str, str] = {}
    for address in addresses:
        if not HAS_LOOPBACK_NETWORK:
            found[address] = "127.0.0.1"
            continue
        last = int(address.rpartition(".")[2])
        while (here := f"127.0.{number}.{last}") in found.values():
            last = last % LAST + 1
        found.setdefault(address, here)
    return found


class Subnet:
    """A claimed number; it stays claimed while any process has the socket open."""

    def __init__(self, number: int, claim: socket.socket) -> None:
        self.number, self._claim = number, claim

    @classmethod
    def claim(cls, number: int) -> Self | None:
        """Claim a number; None if somebody has it."""
        claim = socket.socket()
        try:
            if HAS_LOOPBACK_NETWORK:
                claim.bind((f"127.0.{number}.1", CLAIM_PORT))
            else:
                claim.bind(("127.0.0.1", CLAIM_PORT + number))
        except OSError:
            claim.close()
            return None
        return cls(number, claim)

    @property
    def descriptor(self) -> int:
        """The claim's file descriptor, for a process to inherit."""
        return self._claim.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._claim.close()
