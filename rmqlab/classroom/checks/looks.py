"""What several exercises look at, through a witness."""

from __future__ import annotations

from rmqlab.classroom.grading.witness import Witness


def has_copy(see: Witness, master: str, slave: str) -> bool:
    """Whether a slave has its master's bytes, all of them, in a log of its own."""
    if None in [see.node(name).log_end for name in (master, slave)]:
        return False
    return see.log_bytes(master) == see.log_bytes(slave) != b""


def topic_lines(see: Witness, topic: str) -> dict[str, tuple[int, int, int]]:
    """Return a topic's read and write queues and its permission, by broker name."""
    route = see.route(topic)
    return {
        one.broker_name: (one.read_queue_nums, one.write_queue_nums, one.perm)
        for one in (route.queues if route else [])
    }
