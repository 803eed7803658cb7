"""What a crash of a machine can take from a master's disk, and what it cannot.

A flush that came after a message, and went beyond it, has it for good.  Where exactly
a message lies in the log is not known of each: where the log ended when somebody had
seen it is an upper bound, and enough.

Not here: what a slave has kept (`stored`).
"""

from __future__ import annotations

from rmqlab.classroom.history.facts import Facts, Given, Node, Told
from rmqlab.classroom.history.faults import Faults

Seen = Told | Given
"""A message at its place: its sender was told, or a consumer was given it there."""


class Losses:
    """Asked about one message, one disk and one crash at a time."""

    def __init__(self, facts: Facts, faults: Faults) -> None:
        self._facts, self._faults = facts, faults
        safe = (one for one in facts.told if one.outcome == "SEND_OK")
        self._safe = {(one.key, one.place) for one in safe}

    def forbidden(self, one: Seen, master: Node, crash: int) -> str:
        """Say why a crash cannot have taken a message from its master; "": it can."""
        if self.is_damaged(one, master):
            return ""
        if master.flush == "SYNC_FLUSH" and (one.key, one.place) in self._safe:
            return f"SYNC_FLUSH, and {master.name}'s machine only crashed"
        if self.was_flushed(one, master, crash):
            return f"{master.name} had flushed it before its machine crashed"
        return ""

    def is_damaged(self, one: Seen, node: Node) -> bool:
        """Whether files of a node were damaged or removed after a message was sent."""
        return self._faults.damage_after(node.name, self._facts.sent[one.key])

    def was_flushed(self, one: Seen, node: Node, crash: int) -> bool:
        """Whether a flush of a node, master or slave, certainly reached a message."""
        begin = self._facts.sent[one.key]
        master = self._facts.master(node.broker, begin)
        end = self._facts.growth[master.name].end_at(one.index) if master else 0
        flushes = self._facts.growth[node.name].flushes
        return any(begin < index < crash and upto >= end > 0 for index, upto in flushes)
