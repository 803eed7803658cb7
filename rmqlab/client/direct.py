"""One message consumed because a broker says so: a tool wants to see what comes of it.

The listener gets it as any other message; its offset is committed by nobody.

Source: ConsumeMessageConcurrentlyService.consumeMessageDirectly, and that of
ConsumeMessageOrderlyService, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from rmqlab.client.instance import ClientInstance
from rmqlab.client.listener import Listener, heard
from rmqlab.errors import Refused
from rmqlab.protocol import bodies
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame
from rmqlab.protocol.grouping import ConsumeDirectly
from rmqlab.protocol.message import StoredMessage
from rmqlab.protocol.record import Record, decode, to_message


class Direct:
    """Answers CONSUME_MESSAGE_DIRECTLY for one member of a group."""

    def __init__(
        self,
        instance: ClientInstance,
        group: str,
        listener: Listener,
        track: Callable[[Coroutine[Any, Any, None]], None],
        *,
        is_orderly: bool = False,
    ) -> None:
        self._instance, self._group = instance, group
        self._listener, self._track = listener, track
        self._is_orderly = is_orderly
        instance.remoting.asked[ConsumeDirectly.CODE] = self._consume

    def _consume(self, frame: Frame, address: str) -> Frame | None:
        asked = ConsumeDirectly.parse(frame.fields)
        if asked.consumer_group != self._group:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"The Consumer Group <{asked.consumer_group}> not exist in this "
                "consumer",
            )
        record = decode(frame.body)
        if not isinstance(record, Record):
            raise Refused(ResponseCode.SYSTEM_ERROR, "the body is no message")
        message = to_message(record, asked.broker_name or "")
        self._track(self._report(message, frame, address))
        return None

    async def _report(self, message: StoredMessage, frame: Frame, address: str) -> None:
        clock = self._instance.clock
        started_ms = clock.now_ms()
        result, remark = await self._outcome(message)
        found = {
            "autoCommit": True,
            "consumeResult": result,
            "order": self._is_orderly,
            "remark": remark,
            "spentTimeMills": clock.now_ms() - started_ms,
        }
        told = {key: value for key, value in found.items() if value is not None}
        answer = frame.answer(ResponseCode.SUCCESS, body=bodies.encode(told))
        self._instance.remoting.reply(address, answer)

    async def _outcome(self, message: StoredMessage) -> tuple[str, str | None]:
        try:
            later = await heard(self._listener, message)
        except Exception as error:  # noqa: BLE001
            return "CR_THROW_EXCEPTION", f"{type(error).__name__}: {error}"
        return ("CR_LATER" if later else "CR_SUCCESS"), None
