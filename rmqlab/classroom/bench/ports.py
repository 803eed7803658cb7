"""Ports for a run's nodes: free, and claimed so that no other run takes them meanwhile.

    TCP   port-2   port   port+1     a broker's three; free when they are claimed
    UDP            port              the claim: bound until the run is over

No node uses UDP, so the claim is in nobody's way; the system lifts it with the process.
"""

from __future__ import annotations

import socket

from rmqlab.classroom.bench.part import BenchError

HOST = "127.0.0.1"
PORTS = range(2_010, 9_810, 10)
"""Below all that systems give to outgoing connections."""


class Ports:
    """Ports of this run alone, until `close`.

    Raises:
        BenchError: there are not so many.
    """

    def __init__(self, count: int) -> None:
        self.numbers: list[int] = []
        self._claims: list[socket.socket] = []
        for port in PORTS:
            if len(self.numbers) < count and (claim := _claim(port)):
                self._claims.append(claim)
                self.numbers.append(port)
        if len(self.numbers) < count:
            self.close()
            raise BenchError(
                f"{count} free ports are not to be had on {HOST} in {PORTS}"
            )

    def close(self) -> None:
        """Let others have the ports."""
        for claim in self._claims:
            claim.close()


def _claim(port: int) -> socket.socket | None:
    claim = socket.socket(type=socket.SOCK_DGRAM)
    try:
        claim.bind((HOST, port))  # first: then whoever looks at the three does it alone
        for one in (port - 2, port, port + 1):
            socket.create_server((HOST, one)).close()
    except OSError:
        claim.close()
        return None
    return claim
