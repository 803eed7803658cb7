"""Says bytes to a node, whatever they are, and hears what comes back.

For frames made by hand: a client of ours would not send a wrong one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rmqlab.protocol.frame import Frame
from rmqlab.protocol.stream import FrameDecoder

PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Reply:
    """All bytes that came, and whether the node then closed the connection."""

    data: bytes
    is_closed: bool

    @property
    def frames(self) -> list[Frame]:
        """The frames that came.

        Raises:
            WireError: it was something else.
        """
        return list(FrameDecoder().feed(self.data))

    def __str__(self) -> str:
        """``← SUCCESS #7 offset=3``; ``silence``; ``the connection is closed``."""
        said = [str(frame) for frame in self.frames]
        if self.is_closed:
            said.append("the connection is closed")
        return "; ".join(said) or "silence"


async def say(address: str, data: bytes, wait_s: float) -> Reply:
    """Say something over a connection of its own, and listen for so long.

    Raises:
        OSError: nobody listens there.
    """
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    came, is_closed = bytearray(), False
    try:
        writer.write(data)
        async with asyncio.timeout(wait_s):
            while piece := await reader.read(PIECE_BYTES):
                came += piece
        is_closed = True
    except TimeoutError:
        pass
    except ConnectionError:  # so ends one that is not read to its end
        is_closed = True
    finally:
        writer.close()
    return Reply(bytes(came), is_closed)
