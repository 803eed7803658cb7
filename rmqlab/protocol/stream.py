"""A stream of frames, cut into frames however it was split on its way.

What cannot be a frame is refused as soon as its first eight bytes are there: nothing is
kept of it, and nobody waits for the rest.

Source: NettyDecoder.java, release 4.9.7; that it limits a header is ours.
"""

from __future__ import annotations

from collections.abc import Iterator

from rmqlab.protocol.frame import LENGTH, PREFIX, Frame, check_length, header_length


class FrameDecoder:
    """Takes bytes, gives frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted = 0  # bytes that must be there before looking again is worth it

    @property
    def kept(self) -> int:
        """How many bytes are there of a frame that is not whole."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield each frame that is whole now; keep what is not.

        Raises:
            WireError: these bytes are no frame; the stream is lost from here on.
        """
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._wanted:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        at = 0
        while (after := at + _whole_length(data, at)) <= len(data):
            yield Frame.from_bytes(data[at + LENGTH.size : after])
            at = after
        self._buffer += data[at:]
        self._wanted = after - at


def _whole_length(data: bytes, at: int) -> int:
    """Return how long the frame at `at` is, its length word included.

    While that is not known it is as long as its prefix: no frame is shorter.
    """
    there = len(data) - at
    if there < LENGTH.size:
        return PREFIX.size
    (length,) = LENGTH.unpack_from(data, at)
    check_length(length)
    if there >= PREFIX.size:
        header_length(data[at + LENGTH.size : at + PREFIX.size], length)
        return LENGTH.size + int(length)
    return PREFIX.size
