"""Work that is waited for at the end, but not for ever.

Source: ThreadUtils.shutdownGracefully, release 4.9.7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

LAST_S = 1.0
"""How long a task that is cancelled may take to tidy up."""


async def finish(tasks: Collection[asyncio.Task[None]], deadline: float) -> None:
    """Wait for tasks until a time of the loop's, then cancel what is left.

    Tasks that are added meanwhile are waited for, too.
    """
    loop = asyncio.get_running_loop()
    while left := _not_done(tasks):
        wait_s = deadline - loop.time()
        await asyncio.wait(left, timeout=max(wait_s, 0))  # of 0, too: all have begun
        if wait_s <= 0:
            break
    for one in left:
        one.cancel()
    if left:
        await asyncio.wait(left, timeout=LAST_S)


def _not_done(tasks: Collection[asyncio.Task[None]]) -> list[asyncio.Task[None]]:
    return [one for one in tasks if not one.done()]
