"""What happened in a cluster, as lines of JSON: one schema for every runtime.

The first line says what it is a trace of; every line has `at`, in seconds since the
beginning (six decimals), and `kind`:

kind        facts
─────────   ──────────────────────────────────────────────────────────────────────────
trace       schema, version, runtime, topology, seed, scenario, nodes   (first line)
node        node, state, why                 a node's state changed
fault       node or host, what               kill, pause, crash, cut, heal, slow …
connected   connection, node, peer, port     node opened a connection to peer
closed      connection, node, why            node's end of it is closed
frame       connection, node, peer, code, opaque, size; response (of an answer),
            oneway, topic, queue, offset, group where the frame has them; an answer
            has its request's code, topic and queue; commit: of a pull that tells how
            far its group is
append      node, offset, size               bytes came into a commit log
flush       node, what, end, took_s          a file is on the disk; what is `log` for a
                                             commit log, which is there up to end
report      connection, node, peer, offset   a slave tells its master how far it is
piece       connection, node, peer, offset,  a master sends a slave a piece of its log;
            size                               size 0: a heartbeat
lost        host, node, what, pages, offset  a crash took what was not flushed, of a log
                                             from offset on (some of it may be there)
client      client, what                     a client started, closed, was killed
send        client, key, topic               a producer was asked to send
told        client, key, outcome, took_s     what it was told: a SendStatus, refused
            broker, queue, offset              (certainly not stored) or unanswered
consumed    client, group, key, topic,       a consumer was given a message
            broker, queue, offset
begun       as consumed                      its listener takes its time: consumed is
later       as consumed                        told when it is done, or later if it
                                               could not be consumed
log         node, messages                   at the end: [topic, queue, offset, key,
                                             log offset] of each message of a store

`node` and `peer` are names of nodes or of clients' processes.  Nothing here is told by
the nodes themselves: it is read off their sockets, files and processes from outside.
What a trace may have beside these facts is of no interest to its readers.

    tap        what sockets, disks and processes do → events, in any runtime
    recorder   keeps the last events, and writes all of them to a file
    overheard  a recorder that keeps the bytes of frames, too
    writer     events → lines       reader   lines → events
    parts      what each process of a cluster wrote → one trace
    quiet      which events are the steady murmur
    draw       events → sequence diagram and time line, as text and as SVG
    rerun      is a simulated trace repeated by its scenario and seed?

Nothing here but `parts` needs a file system, and all of it runs in a browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rmqlab.errors import RmqError

SCHEMA, VERSION = "rmqlab.trace", 1

LOG = "log"
"""What was flushed or lost: a commit log."""

Event = dict[str, Any]
"""One line: `at`, `kind` and its facts, in this order."""

Sink = Callable[[Event], None]
"""Given every event as it happens."""


class BadTrace(RmqError):
    """A file is no trace, or not one that can be read; the text says what to do."""


def header(
    runtime: str,
    topology: str,
    nodes: Iterable[Mapping[str, Any]],
    seed: int | None = None,
    scenario: str | None = None,
) -> Event:
    """Return the first event of a trace.

    A node is name, host, role, address and, of a broker, its broker's name, how it
    flushes (SYNC_FLUSH or ASYNC_FLUSH), and the paths store and commit_log on its host.
    """
    return {
        "at": 0.0,
        "kind": "trace",
        "schema": SCHEMA,
        "version": VERSION,
        "runtime": runtime,
        "topology": topology,
        "seed": seed,
        "scenario": scenario,
        "nodes": [dict(node) for node in nodes],
    }
