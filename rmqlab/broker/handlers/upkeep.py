"""What an administrator has removed now and not when its time has come.

Source: AdminBrokerProcessor.cleanUnusedTopic, cleanExpiredConsumeQueue,
deleteExpiredCommitLog, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable

from rmqlab.broker.call import Answer, Call
from rmqlab.broker.memory import Memory
from rmqlab.protocol.admin import CleanLog, CleanQueues, CleanTopics
from rmqlab.protocol.message import SCHEDULE_TOPIC
from rmqlab.store.store import MessageStore


class UpkeepHandler:
    """Answers the requests to clean up."""

    def __init__(
        self, memory: Memory, store: MessageStore, clean_log: Callable[[], None]
    ) -> None:
        self._topics, self._store, self._clean_log = memory.topics, store, clean_log

    def clean_topics(self, _: CleanTopics, call: Call) -> Answer:
        """Remove the queues of topics that are no longer here.

        Raises:
            StoreError: the disk refused to remove a file.
        """
        self._store.drop_queues(lambda topic, _: not self._is_known(topic))
        return call.answer()

    def _is_known(self, topic: str) -> bool:
        return self._topics.get(topic) is not None or self._topics.is_system(topic)

    def clean_queues(self, _: CleanQueues, call: Call) -> Answer:
        """Remove the queues of which no message is in the log any more.

        Raises:
            StoreError: the disk refused to remove a file.
        """
        start = self._store.log.start
        self._store.drop_queues(
            lambda topic, queue: topic != SCHEDULE_TOPIC and 0 <= queue.log_end <= start
        )
        return call.answer()

    def clean_log(self, _: CleanLog, call: Call) -> Answer:
        """Have the log's old files removed soon, whatever the hour."""
        self._clean_log()
        return call.answer()
