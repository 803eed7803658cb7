"""The three ports of a broker: its file names one, and the others lie beside it.

    listenPort − 2   clients of old; slaves that ask for topics; no pulls
    listenPort       clients, and slaves that ask for anything else
    listenPort + 1   slaves that copy the log

Source: BrokerController.initialize, MixAll.brokerVIPChannel, release 4.9.7.
"""

from __future__ import annotations

FAST_PORT = -2
"""The VIP port, counted from listenPort."""
HA_PORT = +1
"""Where slaves copy the log, counted from listenPort."""


def fast_address(address: str) -> str:
    """Return the VIP port of the broker at host:port."""
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + FAST_PORT}"
