"""The handlers of what administrators ask, made together.

TopicHandler        topics: made, removed, how full
GroupsHandler       groups: settings, and who is connected
ProgressHandler     how far groups are
ConfigurationHandler  the settings
RelayHandler        what only clients know
UpkeepHandler       what is to be removed now
MeasurementHandler  what was measured
AdminHandler        offsets of queues, and tables for slaves
"""

from __future__ import annotations

from collections.abc import Callable

from rmqlab.broker.call import Tell
from rmqlab.broker.configuration import Configuration
from rmqlab.broker.handlers.admin import AdminHandler
from rmqlab.broker.handlers.configuration import ConfigurationHandler
from rmqlab.broker.handlers.groups import GroupsHandler
from rmqlab.broker.handlers.measurements import Measure, MeasurementHandler
from rmqlab.broker.handlers.progress import ProgressHandler
from rmqlab.broker.handlers.relay import RelayHandler
from rmqlab.broker.handlers.topics import TopicHandler
from rmqlab.broker.handlers.upkeep import UpkeepHandler
from rmqlab.broker.memory import Memory
from rmqlab.broker.questions import Questions
from rmqlab.store.store import MessageStore


def administration(
    memory: Memory,
    store: MessageStore,
    tell: Tell,
    questions: Questions,
    configuration: Configuration,
    measure: Measure,
    clean_log: Callable[[], None],
) -> tuple[object, ...]:
    """Return them; `clean_log` has old files removed whatever the hour."""
    return (
        TopicHandler(memory, store, tell),
        GroupsHandler(memory, store.config, tell),
        ProgressHandler(memory, store),
        RelayHandler(memory, store, questions),
        ConfigurationHandler(memory, configuration, tell),
        UpkeepHandler(memory, store, clean_log),
        MeasurementHandler(memory, measure),
        AdminHandler(memory, store),
    )
