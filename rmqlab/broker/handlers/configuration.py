"""The settings, shown and changed.

Source: AdminBrokerProcessor.getBrokerConfig, updateBrokerConfig, release 4.9.7.
"""

from __future__ import annotations

from rmqlab.broker.call import Answer, Call, Tell
from rmqlab.broker.configuration import Configuration
from rmqlab.broker.memory import Memory
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import (
    BrokerConfigReply,
    GetBrokerConfig,
    UpdateBrokerConfig,
)


class ConfigurationHandler:
    """Answers GET_BROKER_CONFIG and UPDATE_BROKER_CONFIG."""

    def __init__(
        self, memory: Memory, configuration: Configuration, tell: Tell
    ) -> None:
        self._topics, self._tell = memory.topics, tell
        self._configuration = configuration

    def show(self, _: GetBrokerConfig, call: Call) -> Answer:
        """Return the settings as `.properties` text."""
        version = fastjson.dumps(self._configuration.version.to_json())
        text = self._configuration.text()
        return call.answer(BrokerConfigReply(version), text.encode())

    def update(self, _: UpdateBrokerConfig, call: Call) -> Answer:
        """Change settings; the remark names those that wait for the next start.

        Raises:
            Refused: SYSTEM_ERROR, NO_PERMISSION; see `Configuration.update`.
        """
        now, later = self._configuration.update(call.frame.body, call.now_ms)
        if "brokerPermission" in now:
            self._topics.touch(call.now_ms)
            self._tell.topics_changed()
        names = ", ".join(later)
        remark = f"taken at the next start: {names}" if later else None
        return call.answer(remark=remark)
