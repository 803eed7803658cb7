"""`bench broker`: one broker and one name server under many connections and topics.

    connections   200 that send as fast as they are answered, beside 1,000 idle ones
    topics        10,000 topics: start, registration, routes, memory

Both nodes are processes of their own, as a learner's are; who asks them is a third.
The load is asyncio on the same machine, and takes its share of the cores.

Not here: several brokers, replication, consumers.
"""

from __future__ import annotations

from rmqlab.classroom.bench.own_process import in_own_process
from rmqlab.classroom.bench.part import Better, Measure, Part, Probe, Sizes

TOPIC_BYTES = 4096
"""Of a topic on the disk, its backup included."""
MESSAGE_BYTES = 500
"""Of a message in log, queue and index."""
EMPTY_BYTES = 100_000_000
"""Of a store without a message, mostly the index's slots."""


def _more(name: str, unit: str) -> Measure:
    return Measure(name, unit, Better.HIGHER)


def _less(name: str, unit: str) -> Measure:
    return Measure(name, unit, Better.LOWER)


def _room(sizes: Sizes) -> int:
    messages = sizes["busy"] * sizes["sends"] * 2
    return 2 * EMPTY_BYTES + messages * MESSAGE_BYTES + sizes["topics"] * TOPIC_BYTES


PART = Part(
    name="broker",
    about="a broker and a name server, ASYNC_MASTER, ASYNC_FLUSH, bodies of 128 bytes",
    probes=(
        Probe(
            "connections",
            in_own_process(f"{__name__}.connections:measure"),
            (
                _more("sent over all busy connections", "messages/s"),
                _less("a send, median", "ms"),
                _less("a send, 99 of 100", "ms"),
                _less("processor time of the broker a send", "µs"),
                _more("the same beside the idle ones", "messages/s"),
                _less("a send beside them, median", "ms"),
                _less("a send beside them, 99 of 100", "ms"),
                _less("memory of the broker, loaded", "MB"),
                _less("memory an idle connection", "kB"),
            ),
        ),
        Probe(
            "topics",
            in_own_process(f"{__name__}.topics:measure"),
            (
                _less("start until routable, all topics", "s"),
                _less("a new topic among them, created to routable", "ms"),
                _more("routes answered", "routes/s"),
                _less("the list of all topics", "ms"),
                _less("memory of the broker, all topics", "MB"),
                _less("memory of the name server, all topics", "MB"),
            ),
        ),
    ),
    sizes={"busy": 200, "sends": 100, "idle": 1000, "topics": 10_000, "routes": 5000},
    quick={"busy": 20, "sends": 20, "idle": 50, "topics": 200, "routes": 200},
    room=_room,
)
