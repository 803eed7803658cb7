"""What a broker measured: of itself, and of topics and groups.

Source: AdminBrokerProcessor.getBrokerRuntimeInfo, viewBrokerStatsData, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable

from rmqlab.broker.call import Answer, Call
from rmqlab.broker.memory import Memory
from rmqlab.errors import Refused
from rmqlab.protocol import bodies
from rmqlab.protocol.admin import GetRuntimeInfo, ViewStats
from rmqlab.protocol.codes import ResponseCode

Measure = Callable[[int], dict[str, str]]
"""Returns the measurements at a time in ms, by RocketMQ's names."""


class MeasurementHandler:
    """Answers GET_BROKER_RUNTIME_INFO and VIEW_BROKER_STATS_DATA."""

    def __init__(self, memory: Memory, measure: Measure) -> None:
        self._stats, self._measure = memory.stats, measure

    def runtime_info(self, _: GetRuntimeInfo, call: Call) -> Answer:
        """Return what is measured here, by RocketMQ's names."""
        table = {"table": self._measure(call.now_ms)}
        return call.answer(body=bodies.encode(table))

    def view_stats(self, asked: ViewStats, call: Call) -> Answer:
        """Return what was counted under a name and a key.

        Raises:
            Refused: SYSTEM_ERROR; nothing was.
        """
        found = self._stats.to_json(asked.stats_name, asked.stats_key)
        if found is None:
            raise Refused(
                ResponseCode.SYSTEM_ERROR,
                f"The stats <{asked.stats_name}> <{asked.stats_key}> not exist",
            )
        return call.answer(body=bodies.encode(found))
