"""Ports for brokers: each has three, and the same ones when it comes back.

    …  12_000  12_001  12_002  12_003  12_004  …  19_999 ┆  from 32_768 on, or higher:
        fast            listen   HA     fast             ┆  the kernel's, for anybody's
       └─────── one broker ───────┘    └── the next …    ┆  outgoing connections

Source: BrokerStartup.createBrokerController, release 4.9.7.
"""

from __future__ import annotations

from random import Random

PORTS = range(12_002, 20_000, 4)
ATTEMPTS = 100


def candidates(random: Random) -> list[int]:
    """Return listening ports to be tried, one after the other.

    Test processes that run side by side get different ones, most likely.
    """
    return random.sample(PORTS, ATTEMPTS)
