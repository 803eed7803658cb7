"""`bench client`: one producer and one consumer in Python, on a local 2m-2s-async.

    producing   16 tasks that share a producer, each sends and waits for the answer
    consuming   a new group gets all that lies there, by a listener that only counts

Producer and consumer are the probe's own process; name server, masters and slaves are
processes of their own, and take their share of the cores.  Where these are few, the
client's processor time says more than its rate.

Not here: what brokers take from many clients (`broker`).
"""

from __future__ import annotations

from rmqlab.classroom.bench.own_process import in_own_process
from rmqlab.classroom.bench.part import Better, Measure, Part, Probe, Sizes

SENT_A_SECOND, CONSUMED_A_SECOND = 3000, 20_000
MESSAGE_BYTES = 500
"""Of a message in log, queue and index."""
EMPTY_BYTES = 100_000_000
"""Of a store without a message, mostly the index's slots."""
STORES, COPIES = 4, 2


def _more(name: str, target: float) -> Measure:
    return Measure(name, "messages/s", Better.HIGHER, target)


def _less(name: str, unit: str) -> Measure:
    return Measure(name, unit, Better.LOWER)


def _room(sizes: Sizes) -> int:
    return STORES * EMPTY_BYTES + sizes["messages"] * COPIES * MESSAGE_BYTES


PART = Part(
    name="client",
    about="a producer and a consumer of 2m-2s-async, bodies of 128 bytes",
    probes=(
        Probe(
            "producing",
            in_own_process(f"{__name__}.producing:measure"),
            (
                _more("sent by one producer", SENT_A_SECOND),
                _less("processor time of the producer a send", "µs"),
                _less("memory of the producer", "MB"),
            ),
        ),
        Probe(
            "consuming",
            in_own_process(f"{__name__}.consuming:measure"),
            (
                _more("consumed from a backlog", CONSUMED_A_SECOND),
                _less("processor time of the consumer a message", "µs"),
                _less("memory of the consumer", "MB"),
            ),
        ),
    ),
    sizes={"messages": 60_000, "tasks": 16},
    quick={"messages": 800, "tasks": 4},
    room=_room,
)
