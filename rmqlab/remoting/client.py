"""One connection an address; each answer finds its request by `opaque`.

However many ask at once, no more than a buffer of requests waits to be sent: who comes
then waits for room.

Source: NettyRemotingClient.java, release 4.9.7.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable

from rmqlab.errors import NoAnswer, NotConnected, RemoteError
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Flag, Frame
from rmqlab.protocol.header import Header
from rmqlab.remoting.connection import Connection
from rmqlab.remoting.refusal import refusal

log = logging.getLogger(__name__)

CONNECT_S = 3.0
CALL_S = 3.0

Asked = Callable[[Frame, str], Frame | None]
"""Answers a request that a server makes over our connection; given its address."""


class RemotingClient:
    """All connections that one client, or one broker as a client, has opened."""

    def __init__(self) -> None:
        self.asked: dict[int, Asked] = {}
        """What servers may ask us, by request code."""
        self._opaque = itertools.count()
        self._links: dict[str, _Link] = {}
        self._connecting: dict[str, asyncio.Task[_Link]] = {}
        self._is_closed = False

    async def call(
        self, address: str, header: Header, body: bytes = b"", timeout_s: float = CALL_S
    ) -> Frame:
        """Ask `address` (host:port) and return its answer, whatever its code.

        Raises:
            NotConnected: there is no connection to be had, or one that takes nothing
                more; nothing was asked.
            NoAnswer: none came within `timeout_s`, or the connection broke before.
        """
        frame = self._request(header, body)
        link: _Link | None = None
        has_left = False
        try:
            async with asyncio.timeout(timeout_s):
                link = await self._link(address)
                await link.room()
                has_left = True
                return await link.ask(frame)
        except TimeoutError:
            if link is None:
                raise _not_connected(address, _silence(timeout_s)) from None
            if not has_left:
                raise NotConnected(
                    f"{address} reads nothing: {_name(header)} was not sent within "
                    f"{timeout_s:g} s"
                ) from None
            raise NoAnswer(
                f"no answer from {address} to {_name(header)} within {timeout_s:g} s"
            ) from None

    async def ask(
        self, address: str, header: Header, body: bytes = b"", timeout_s: float = CALL_S
    ) -> Frame:
        """As `call`, but an answer that is no success is an error.

        Raises:
            NotConnected, NoAnswer: see `call`.
            RemoteError: the answer's code is not SUCCESS.
        """
        answer = await self.call(address, header, body, timeout_s)
        if answer.code != ResponseCode.SUCCESS:
            raise RemoteError(answer.code, answer.remark, address)
        return answer

    async def tell(self, address: str, header: Header, body: bytes = b"") -> None:
        """Send a one-way request: nobody learns whether it arrived.

        Raises:
            NotConnected: there is no connection to be had, or it broke before there was
                room to send.
        """
        frame = self._request(header, body)
        frame.flag = Flag.ONEWAY
        link = await self._link(address)
        await link.room()
        link.connection.send(frame)

    def reply(self, address: str, answer: Frame) -> None:
        """Answer a request of a server later; nothing happens where it is gone."""
        if link := self._links.get(address):
            link.connection.send(answer)

    def _request(self, header: Header, body: bytes) -> Frame:
        opaque = next(self._opaque) & 0x7FFFFFFF
        return Frame(header.CODE, header.to_wire() or None, body, opaque=opaque)

    async def _link(self, address: str) -> _Link:
        """Return the connection to `address`; it is made once, however many ask."""
        if self._is_closed:
            raise _not_connected(address, "this client is closed")
        link = self._links.get(address)
        if link and link.connection.is_open:
            return link
        making = self._connecting.get(address)
        if making is None:
            making = asyncio.create_task(self._connect(address))
            self._connecting[address] = making
            making.add_done_callback(lambda made: self._connected(address, made))
        await asyncio.wait([making])
        if making.cancelled():
            raise _not_connected(address, "given up")
        return making.result()

    def _connected(self, address: str, making: asyncio.Task[_Link]) -> None:
        del self._connecting[address]
        if not making.cancelled():
            making.exception()  # seen, even where nobody waits for it any more

    async def _connect(self, address: str) -> _Link:
        host, _, port = address.rpartition(":")
        if not port.isdecimal():
            raise _not_connected(address, "an address is host:port")
        link = _Link(address, self)
        try:
            async with asyncio.timeout(CONNECT_S):
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: link.connection, host, int(port))
        except (OSError, ValueError, OverflowError) as error:  # also a TimeoutError
            raise _not_connected(address, _reason(error)) from error
        self._links[address] = link
        return link

    def forget(self, link: _Link) -> None:
        """A connection ended."""
        if self._links.get(link.address) is link:
            del self._links[link.address]

    def is_connected(self, address: str) -> bool:
        """Whether a connection to `address` stands."""
        return address in self._links

    def open(self) -> None:
        """Take calls, also after a close; a new client does so anyway."""
        self._is_closed = False

    async def close(self) -> None:
        """Close every connection, and open none before `open`.

        Who still waits gets `NotConnected` or, once the question has left, `NoAnswer`.
        """
        self._is_closed = True
        connecting, links = list(self._connecting.values()), list(self._links.values())
        for making in connecting:
            making.cancel()
        for link in links:
            link.connection.abort()
        closed = [link.connection.closed for link in links]
        await asyncio.gather(*connecting, *closed, return_exceptions=True)


class _Link:
    """One connection and who waits for answers on it."""

    def __init__(self, address: str, client: RemotingClient) -> None:
        self.address = address
        self.connection = _Connection(self)
        self._client = client
        self._waiting: dict[int, asyncio.Future[Frame]] = {}

    async def room(self) -> None:
        """Return when there is room for one more request."""
        await self.connection.room()
        if not self.connection.is_open:
            raise _not_connected(self.address, "it broke before there was room to send")

    async def ask(self, frame: Frame) -> Frame:
        answer: asyncio.Future[Frame]
        answer = asyncio.get_running_loop().create_future()
        self._waiting[frame.opaque] = answer
        try:
            self.connection.send(frame)
            return await answer
        finally:
            self._waiting.pop(frame.opaque, None)

    def connected(self, connection: Connection) -> None:
        log.debug("connected to=%s", self.address)

    def received(self, frame: Frame, connection: Connection) -> None:
        if not frame.is_response:
            self._answer(frame)
            return
        waiting = self._waiting.pop(frame.opaque, None)
        if waiting and not waiting.done():
            waiting.set_result(frame)

    def _answer(self, frame: Frame) -> None:
        asked = self._client.asked.get(frame.code)
        if asked is None:
            remark = f" request type {frame.code} not supported"
            answer: Frame | None = frame.answer(
                ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark=remark
            )
        else:
            answer = self._asked(asked, frame)
        if answer is not None and not frame.is_oneway:
            self.connection.send(answer)

    def _asked(self, asked: Asked, frame: Frame) -> Frame | None:
        try:
            return asked(frame, self.address)
        except Exception as error:  # noqa: BLE001
            return refusal(frame, error, self.address)

    def kept(self, connection: Connection, more_bytes: int) -> None:
        """A server that we chose may answer as slowly as it likes."""

    def lost(self, connection: Connection) -> None:
        self._client.forget(self)
        for waiting in self._waiting.values():
            if not waiting.done():
                error = f"the connection to {self.address} broke before the answer came"
                waiting.set_exception(NoAnswer(error))


class _Connection(Connection):
    """A connection that is read from even while what it sends has to wait.

    Who asks must go on to read: two ends that both wait to be read wait for ever.
    """

    def __init__(self, owner: _Link) -> None:
        super().__init__(owner)
        self._room = asyncio.Event()
        self._room.set()

    async def room(self) -> None:
        """Return when less waits to be sent than is allowed, or when nothing can be."""
        while not self._room.is_set():
            await self._room.wait()  # who was first may have filled it again

    def pause_writing(self) -> None:
        """Called by the loop: the peer is slower to read than we are to ask."""
        self._room.clear()

    def resume_writing(self) -> None:
        """Called by the loop: there is room again."""
        self._room.set()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop."""
        self._room.set()
        super().connection_lost(error)


def _not_connected(address: str, why: str) -> NotConnected:
    return NotConnected(f"connect to {address} failed: {why}")


def _reason(error: Exception) -> str:
    """Return why there is no connection, without an error number: systems differ."""
    why = getattr(error, "strerror", None)
    return why or str(error) or _silence(CONNECT_S)


def _silence(limit_s: float) -> str:
    return f"no answer within {limit_s:g} s"


def _name(header: Header) -> str:
    return RequestCode(header.CODE).name
