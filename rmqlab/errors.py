"""The one error tree of the system.

    RmqError
    ├── ConfigError        a setting or a file of settings is wrong
    ├── WireError          bytes that are no frame, header or body
    ├── Refused            a server's own 'no': becomes a response code
    ├── RemoteError        a server's 'no' as the client sees it
    ├── Unavailable        nobody answered
    │   ├── NotConnected     … and nothing was asked: it certainly did not happen
    │   └── NoAnswer         … after the question left: it may have happened
    └── StoreError         the files on disk
        ├── StoreLocked      another broker has this store open
        ├── CorruptRecord    bytes in the log that are no message
        └── DiskFull         the disk took no more

Every text names the value, the limit and the place, and where there is one the next
step.  A caller that retries looks at `is_definite`: only then did the thing asked for
certainly not happen.
"""

from __future__ import annotations


class RmqError(Exception):
    """Any error that this package raises on purpose."""


class ConfigError(RmqError):
    """A setting that cannot be used; the text says which and what would do."""


class WireError(RmqError):
    """Bytes from a peer that are no frame, header or body.  The connection ends."""


class Refused(RmqError):
    """A server refuses a request with a response code and a remark."""

    def __init__(self, code: int, remark: str) -> None:
        super().__init__(remark)
        self.code = code
        self.remark = remark
        self.fields: dict[str, str] = {}
        """What the answer says beside that."""


class RemoteError(RmqError):
    """A server at `address` answered `code`, which is no success."""

    def __init__(self, code: int, remark: str | None, address: str) -> None:
        super().__init__(f"CODE: {code}  DESC: {remark}  BROKER: {address}")
        self.code = code
        self.remark = remark
        self.address = address

    @property
    def is_definite(self) -> bool:
        """A refusal is an answer: what was asked for did not happen."""
        return True


class Unavailable(RmqError):
    """Nobody answered."""

    is_definite = False


class NotConnected(Unavailable):
    """The request never left: no connection to the address could be had."""

    is_definite = True


class NoAnswer(Unavailable):
    """The request left and no answer came: it may or may not have been carried out."""


class StoreError(RmqError):
    """The store cannot do what was asked of it."""


class StoreLocked(StoreError):
    """Another running broker holds this store's lock file."""


class CorruptRecord(StoreError):
    """Bytes in the commit log are no message; the text names the offset."""


class DiskFull(StoreError):
    """The disk took no more bytes; what was there before is unharmed."""
