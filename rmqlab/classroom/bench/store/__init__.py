"""`bench store`: the message store alone, on the real disk, with no broker round it.

    filling ──► one store of a million messages ──► opening ──► fetching
    filling without index, flushing, crashing, each with a store of its own

A round is a store's life: it is filled, stopped, opened and read.  All is read from the
operating system's cache, as a broker's young messages are.

Not here: what crosses the wire, and what several brokers do together.
"""

from __future__ import annotations

from rmqlab.classroom.bench.own_process import in_own_process
from rmqlab.classroom.bench.part import Better, Measure, Part, Probe, Sizes

MESSAGES_S, MILLION_BYTES = "messages/s", "MB"
MOST_BYTES = 500
"""Of a message in log, queue and index together."""
EMPTY_BYTES = 64_000_000
"""Of stores without a message: mostly the index's slots."""
MOST_OPEN_S, MOST_MEMORY = 1.0, 150.0
"""For a million messages."""


def _more(name: str, unit: str = MESSAGES_S) -> Measure:
    return Measure(name, unit, Better.HIGHER)


def _less(name: str, unit: str, target: float | None = None) -> Measure:
    return Measure(name, unit, Better.LOWER, target)


def _probe(name: str, where: str, *measures: Measure) -> Probe:
    return Probe(name, in_own_process(f"{__name__}.{where}"), measures)


def _room(sizes: Sizes) -> int:
    """Return the bytes of log, queues and index: every probe keeps its store."""
    grouped = sizes["groups"] * sizes["group"]
    messages = sizes["messages"] + sizes["unindexed"] + grouped
    files = sizes["few_files"] + sizes["many_files"] + 2
    return EMPTY_BYTES + messages * MOST_BYTES + 2 * files * sizes["file_bytes"]


PART = Part(
    name="store",
    about="one broker's files, messages with bodies of 128 bytes",
    probes=(
        _probe(
            "filling",
            "filling:fill",
            _more("appended"),
            _more("dispatched to queues and index"),
            _less("memory at most, filling", MILLION_BYTES, MOST_MEMORY),
            _less("memory that filling adds", MILLION_BYTES),
        ),
        _probe(
            "filling without index",
            "filling:fill_unindexed",
            _more("dispatched to queues alone"),
        ),
        _probe(
            "opening",
            "opening:open_clean",
            _less("open after a clean stop", "s", MOST_OPEN_S),
            _less("memory once open", MILLION_BYTES, MOST_MEMORY),
            _less("memory that opening adds", MILLION_BYTES),
        ),
        _probe(
            "fetching",
            "fetching:fetch",
            _more("pulls of 32", "pulls/s"),
            _more("messages in pulls of 32"),
            _more("pulls of one", "pulls/s"),
            _more("queries by key", "queries/s"),
            _less("memory at most, fetching", MILLION_BYTES, MOST_MEMORY),
        ),
        _probe(
            "flushing",
            "flushing:flush",
            _more("appended, flushed in groups"),
            _less("flush of a group, median", "ms"),
            _less("flush of a group, 99 of 100", "ms"),
        ),
        _probe(
            "crashing with few files",
            "crashing:open_few",
            _less("open after a crash, few log files", "s"),
        ),
        _probe(
            "crashing with many files",
            "crashing:open_many",
            _less("open after a crash, many log files", "s"),
        ),
    ),
    sizes={
        "messages": 1_000_000,
        "unindexed": 200_000,
        "pulls": 10_000,
        "groups": 500,
        "group": 16,
        "few_files": 2,
        "many_files": 8,
        "file_bytes": 1 << 24,
    },
    quick={
        "messages": 5000,
        "unindexed": 2000,
        "pulls": 100,
        "groups": 10,
        "group": 16,
        "few_files": 2,
        "many_files": 4,
        "file_bytes": 1 << 16,
    },
    room=_room,
)
