"""What a broker still waits for before a client may count on it.

It is usable when every name server has it and, where there is a pair, when its
connection stands: a slave's to its master, a master's to slaves that are running.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from rmqlab.broker.broker import Broker
from rmqlab.settings import BrokerRole

PATIENCE_S = 15.0
"""How long a connection may take before we say so."""
LOOK_AGAIN_S = 0.5


async def reasons(broker: Broker, *, has_slave: bool) -> AsyncIterator[str]:
    """Yield, whenever it changes, why a broker is not usable; at last an empty text."""
    told = 0
    while missing := sum(not one.is_registered for one in broker.registrations):
        if missing != told:
            yield f"{missing} name server(s) do not know it yet"
        told = missing
        await asyncio.sleep(LOOK_AGAIN_S)
    connected, partner = broker.ha_slave.connected, "its master"
    if broker.role is not BrokerRole.SLAVE:
        connected, partner = broker.ha_master.has_slave, "its slave"
    if has_slave or broker.role is BrokerRole.SLAVE:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await connected.wait()
        if not connected.is_set():
            yield f"no connection to {partner} yet"
            await connected.wait()
    yield ""
