"""Lets sends in one after the other, where storing one takes a while: flow control.

    send ─▶ page cache busy?     ─▶ [REJECTREQUEST]
          ▶ no room              ─▶ [OVERLOAD]
          ▶ its turn             ─▶ stored and answered
            … waited 200 ms      ─▶ [TIMEOUT_CLEAN_QUEUE]
            … page cache busy    ─▶ [PCBUSY_CLEAN_QUEUE]

Here a send is stored in microseconds and none ever waits.  `labSendMillis` makes each
take that long, as a slow disk would: then they wait, in the order in which they came,
and all of RocketMQ's refusals can be seen.  Its page cache is called busy while one
send takes more than a second.

Source: BrokerFastFailure.java, NettyRemotingAbstract.processRequestCommand,
SendMessageProcessor.rejectRequest, release 4.9.7.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from rmqlab.broker.memory import Memory
from rmqlab.broker.tables.send_queue import SendQueue
from rmqlab.clock import Clock
from rmqlab.errors import Refused
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.remoting import Connection
from rmqlab.remoting.server import Handler, answer_of
from rmqlab.settings import StoreConfig

PULL = RequestCode.PULL_MESSAGE
SENDS = {
    RequestCode.SEND_MESSAGE,
    RequestCode.SEND_MESSAGE_V2,
    RequestCode.SEND_BATCH_MESSAGE,
    RequestCode.CONSUMER_SEND_MSG_BACK,
}
LOOK_AGAIN_S = 0.01
FLOW_CONTROL = "busy, start flow control for a while"


class Send(NamedTuple):
    """A request that waits, and who sent it."""

    frame: Frame
    connection: Connection

    def answer(self, answer: Frame) -> None:
        """Send the answer, if somebody waits for it."""
        if not self.frame.is_oneway:
            self.connection.send(answer)


class Admission:
    """Stands before the dispatch; everything but slow sends passes at once."""

    def __init__(
        self,
        memory: Memory,
        store_config: StoreConfig,
        clock: Clock,
        handle: Handler,
    ) -> None:
        self._config, self._store_config = memory.config, store_config
        self._queue: SendQueue[Send] = memory.sends
        self._clock, self._handle, self._took = clock, handle, memory.took
        self._serving: Send | None = None
        self._serving_since_ms = 0
        self._turn: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None

    def handle(self, frame: Frame, connection: Connection) -> Frame | None:
        """Return the answer, or None where it comes later.

        Raises:
            Refused: SYSTEM_BUSY; too many sends wait, or one takes too long.  Or what
                the dispatch raises.
        """
        is_slow = self._config.lab_send_millis or self._serving is not None
        if not is_slow or frame.code not in SENDS or frame.is_response:
            return self._timed(frame, connection)
        if self._is_page_cache_busy():
            raise _busy(f"[REJECTREQUEST]system {FLOW_CONTROL}")
        capacity = self._config.send_thread_pool_queue_capacity
        send = Send(frame, connection)
        if not self._queue.add(send, self._clock.now_ms(), capacity):
            raise _busy(f"[OVERLOAD]system {FLOW_CONTROL}")
        if self._serving is None:
            self._begin()
        elif self._sweep is None:
            self._look_again()
        return None

    def _timed(self, frame: Frame, connection: Connection) -> Frame | None:
        """Have it answered, and note how long that took."""
        if frame.is_response or (frame.code not in SENDS and frame.code != PULL):
            return self._handle(frame, connection)
        started_ms = self._clock.now_ms()
        answer = self._handle(frame, connection)
        took = self._took.got if frame.code == PULL else self._took.put
        took(self._clock.now_ms() - started_ms)
        return answer

    def _is_page_cache_busy(self) -> bool:
        if self._serving is None:
            return False
        limit_ms = self._store_config.os_page_cache_busy_time_out_mills
        return self._clock.now_ms() - self._serving_since_ms > limit_ms

    def _begin(self) -> None:
        """Turn to the next one; it is stored when its time is over."""
        self._serving = self._queue.take()
        if self._serving is None:
            return
        self._serving_since_ms = self._clock.now_ms()
        loop = asyncio.get_running_loop()
        seconds = self._config.lab_send_millis / 1000
        self._turn = loop.call_later(seconds, self._finish, self._serving)

    def _finish(self, send: Send) -> None:
        answer = answer_of(self._handle, send.frame, send.connection)
        self._took.put(self._clock.now_ms() - self._serving_since_ms)
        if answer:
            send.answer(answer)
        self._begin()

    def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep = loop.call_later(LOOK_AGAIN_S, self._look)

    def _look(self) -> None:
        """Refuse those at the head that have waited too long."""
        self._sweep = None
        while self._config.broker_fast_failure_enable and self._queue:
            waited_ms = self._queue.head_wait_ms(self._clock.now_ms())
            if self._is_page_cache_busy():
                why = "PCBUSY"
            elif waited_ms >= self._config.wait_time_mills_in_send_queue:
                why = "TIMEOUT"
            else:
                break
            self._refuse_head(why, waited_ms)
        if self._queue:
            self._look_again()

    def _refuse_head(self, why: str, waited_ms: int) -> None:
        late = self._queue.take()
        remark = (
            f"[{why}_CLEAN_QUEUE]broker {FLOW_CONTROL}, period in queue: "
            f"{waited_ms}ms, size of queue: {len(self._queue)}"
        )
        if late:
            late.answer(late.frame.answer(ResponseCode.SYSTEM_BUSY, remark=remark))

    def close(self) -> None:
        """Forget who waits: their connections are about to end."""
        for timer in (self._turn, self._sweep):
            if timer:
                timer.cancel()
        self._turn = self._sweep = self._serving = None
        while self._queue.take():
            pass


def _busy(remark: str) -> Refused:
    return Refused(ResponseCode.SYSTEM_BUSY, remark)
