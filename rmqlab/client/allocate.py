"""Who consumes which queue.

Every member of a group sorts the same queues and the same members and takes its own
share: nobody hands anything out, and while two members see different lists a queue may
have two consumers or none.

Source: AllocateMessageQueueAveragely.java, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Q = TypeVar("Q")


def averagely(own_id: str, queues: Sequence[Q], members: Sequence[str]) -> list[Q]:
    """Return this member's share: neighbouring queues, one more for the first ones.

    Both lists must be sorted.  A member that is not on the list gets nothing.
    """
    if own_id not in members:
        return []
    index = members.index(own_id)
    each, more = divmod(len(queues), len(members))
    start = index * each + min(index, more)
    return list(queues[start : start + each + (index < more)])
