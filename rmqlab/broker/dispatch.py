"""From a frame to its handler, from an answer to the wire; the one place that waits.

A handler returns at once.  Where its answer must not leave before the message is
flushed, copied to a slave, or announced, it hangs at a gate here: no task each.

Source: BrokerController.registerProcessor, CommitLog.asyncPutMessage, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rmqlab.broker.call import Answer, Call
from rmqlab.broker.gate import OffsetGate, Told
from rmqlab.broker.outbox import Outbox
from rmqlab.broker.questions import Questions
from rmqlab.broker.requests import bound
from rmqlab.clock import Clock
from rmqlab.errors import Refused
from rmqlab.ha.master import HaMaster
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.remoting import Connection
from rmqlab.settings import BrokerRole, FlushDiskType, StoreConfig

ANNOUNCE_S = 6.0
"""How long the answer to a topic's creation waits for the name servers at most."""


class Dispatch:
    """From a frame to its handler, and from an answer to the wire."""

    def __init__(
        self,
        handlers: Iterable[object],
        config: StoreConfig,
        ha_master: HaMaster,
        flush_soon: Callable[[], None],
        clock: Clock,
        questions: Questions,
    ) -> None:
        self._by_code = bound(handlers)
        self._ha_master, self._flush_soon, self._clock = ha_master, flush_soon, clock
        self._questions, self._config = questions, config
        self._flushes = config.flush_disk_type is FlushDiskType.SYNC_FLUSH
        self._copies = config.broker_role is BrokerRole.SYNC_MASTER
        self._outbox = out = Outbox()
        self.flushed = OffsetGate(config.sync_flush_timeout / 1000, out.empty)
        self.copied = OffsetGate(config.slave_timeout / 1000, out.empty)
        self.announced = OffsetGate(ANNOUNCE_S, out.empty)
        self.fast_port = 0
        """listenPort − 2, which serves everything but PULL_MESSAGE."""

    def handle(self, frame: Frame, connection: Connection) -> Frame | None:
        """Return the answer, or None where it leaves later.

        Raises:
            Refused: REQUEST_CODE_NOT_SUPPORTED.
        """
        if frame.is_response:
            self._questions.answered(frame, connection)
            return None
        found = self._by_code.get(frame.code)
        is_fast_pull = (
            frame.code == RequestCode.PULL_MESSAGE
            and connection.own[1] == self.fast_port
        )
        if found is None or is_fast_pull:
            raise Refused(
                ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
                f" request type {frame.code} not supported",
            )
        header, handler = found
        call = Call(frame, connection, self._clock.now_ms())
        try:
            answer = handler(header.parse(frame.fields), call)
        except Refused as no:
            fields = no.fields if header.HAS_REPLY else None
            return frame.answer(no.code, fields, remark=no.remark)
        if answer is None:
            return None
        if answer.known_at is not None:
            leaving = _Leaving(answer.frame, call, 1, self._outbox)
            self.announced.wait(answer.known_at, lambda _: leaving.go())
            leaving.go()
            self._outbox.empty()
            return None
        if answer.safe_at is None or not (self._flushes or self._copies):
            return answer.frame
        self._settle(answer, answer.safe_at, call)
        return None

    def _settle(self, answer: Answer, end: int, call: Call) -> None:
        """Send the answer when the log is as safe up to `end` as was promised."""
        self.flushed.limit_s = self._config.sync_flush_timeout / 1000
        self.copied.limit_s = self._config.slave_timeout / 1000
        gates: list[tuple[OffsetGate, ResponseCode]] = []
        if self._flushes:
            gates.append((self.flushed, ResponseCode.FLUSH_DISK_TIMEOUT))
            self._flush_soon()
        if self._copies and self._ha_master.is_reachable(end):
            gates.append((self.copied, ResponseCode.FLUSH_SLAVE_TIMEOUT))
        elif self._copies:
            answer.frame.code = ResponseCode.SLAVE_NOT_AVAILABLE
        leaving = _Leaving(answer.frame, call, len(gates), self._outbox)
        for gate, failure in gates:
            gate.wait(end, leaving.told_by(failure))
        leaving.go()
        self._outbox.empty()

    def close(self) -> None:
        """Turn away who still waits, as its time were up."""
        self.flushed.close()
        self.copied.close()
        self.announced.close()
        self._questions.close()


class _Leaving:
    """An answer on its way out, held at some gates."""

    __slots__ = ("_call", "_frame", "_gates", "_outbox")

    def __init__(self, frame: Frame, call: Call, gates: int, outbox: Outbox) -> None:
        self._frame, self._call, self._gates = frame, call, gates + 1
        self._outbox = outbox

    def told_by(self, failure: ResponseCode) -> Told:
        """Return what a gate calls; not passed means `failure`."""

        def told(passed: bool) -> None:  # noqa: FBT001
            # A slave's failure is told before a disk's: both are of a message that
            # is in the log and will be consumed.
            is_slaves = failure is ResponseCode.FLUSH_SLAVE_TIMEOUT
            if not passed and (is_slaves or self._frame.code == ResponseCode.SUCCESS):
                self._frame.code = failure
            self.go()

        return told

    def go(self) -> None:
        """One thing less to wait for; after the last one, leave."""
        self._gates -= 1
        if self._gates == 0 and not self._call.frame.is_oneway:
            self._outbox.put(self._frame, self._call.peer)
