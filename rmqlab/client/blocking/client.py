"""What all blocking clients share: they are begun, and closed, where their loop is."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, Self, TypeVar

from rmqlab.client.blocking.thread import Driver

T = TypeVar("T")


class AsyncClient(Protocol):
    """A client that is an async context manager."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...


C = TypeVar("C", bound=AsyncClient)


class BlockingClient(Generic[C]):
    """A client of the loop's, from its begin to its end."""

    inner: C
    """The client itself."""

    def __init__(self, driver: Driver, make: Callable[[], C]) -> None:
        self._driver = driver
        self.inner = self._wait(_begun(make))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self._driver.run(work)

    def close(self) -> None:
        """End it in good order."""
        self._wait(self.inner.__aexit__(None, None, None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


async def _begun(make: Callable[[], C]) -> C:
    """Make a client on the loop that it will live on."""
    return await make().__aenter__()
