"""How far each group has consumed each queue.

An offset is that of the next message: what is before it counts as consumed.  A group
may go back; the table keeps what it was last told.

Source: ConsumerOffsetManager.java, release 4.9.7.
"""

from __future__ import annotations

from typing import Any

from rmqlab.errors import WireError


class Offsets:
    """All offsets, by ``topic@group`` and queue id as in consumerOffset.json."""

    FILE = "consumerOffset.json"

    def __init__(self) -> None:
        self._offsets: dict[str, dict[int, int]] = {}
        self._changes = 0

    @property
    def state(self) -> object:
        """What differs after every change."""
        return self._changes

    def commit(self, group: str, topic: str, queue_id: int, offset: int) -> bool:
        """Move a group's offset; return whether it moved back."""
        queues = self._offsets.setdefault(f"{topic}@{group}", {})
        before = queues.get(queue_id, -1)
        queues[queue_id] = offset
        self._changes += before != offset
        return offset < before

    def get(self, group: str, topic: str, queue_id: int) -> int | None:
        """Return the offset, None where the group never committed one."""
        return self._offsets.get(f"{topic}@{group}", {}).get(queue_id)

    def of(self, group: str, topic: str) -> dict[int, int]:
        """Return a group's offsets of a topic by queue id."""
        return dict(self._offsets.get(f"{topic}@{group}", {}))

    def clone(self, source: str, target: str, topic: str) -> None:
        """Give one group the offsets that another has of a topic, if it has any."""
        if found := self.of(source, topic):
            self._offsets[f"{topic}@{target}"] = found
            self._changes += 1

    def topics_of(self, group: str) -> list[str]:
        """Return the topics that a group has an offset in."""
        pairs = (key.split("@", 1) for key in self._offsets)
        return [topic for topic, whose in pairs if whose == group]

    def groups_of(self, topic: str) -> list[str]:
        """Return the groups that have an offset in a topic."""
        pairs = (key.split("@", 1) for key in self._offsets)
        return [group for which, group in pairs if which == topic]

    def forget_topic(self, topic: str) -> None:
        """Forget how far any group is in a topic."""
        for group in self.groups_of(topic):
            self._forget(topic, group)

    def forget_group(self, group: str) -> None:
        """Forget how far a group is in any topic."""
        for topic in self.topics_of(group):
            self._forget(topic, group)

    def _forget(self, topic: str, group: str) -> None:
        del self._offsets[f"{topic}@{group}"]
        self._changes += 1

    def to_json(self) -> dict[str, Any]:
        """Return the table as in consumerOffset.json; queue ids are bare numbers."""
        return {"offsetTable": self._offsets}

    def load(self, found: Any) -> None:
        """Take over a file's or a master's offsets; keys it lacks stay.

        Raises:
            WireError: it is no consumerOffset.json.
        """
        try:
            for key, queues in found["offsetTable"].items():
                self._offsets[key] = {int(q): int(at) for q, at in queues.items()}
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise WireError(f"no consumer offset table: {found!r:.200}") from error
        self._changes += 1
