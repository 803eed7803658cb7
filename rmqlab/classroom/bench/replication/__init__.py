"""`bench replication`: masters, slaves and a name server, each a process of its own.

    lag           how far a slave is behind while a master is sent all that it takes
    catching up   how fast a new, empty slave gets a log that is there already
    failing over  a master dies, or stands still: until the other one has taken a send
    price         what the wait of a SYNC_MASTER costs, by the number of senders

Messages have bodies of 1 kB, all that is left out is as RocketMQ has it: ASYNC_FLUSH,
and in the first and third probe ASYNC_MASTER.  All nodes share one machine and its
disk, and the link has no delay: where hosts are apart, `price` is higher by the round
trip, which a simulation shows (lab 10).

Not here: what is lost, which `rmqlab sim` and lab 13 count.
"""

from __future__ import annotations

from rmqlab.classroom.bench.own_process import in_own_process
from rmqlab.classroom.bench.part import Better, Measure, Part, Probe, Sizes

MESSAGE_BYTES = 2000
"""Of a message in log, queue and index."""
EMPTY_BYTES = 100_000_000
"""Of a store without a message, mostly the index's slots."""
STORES = 10
SENDERS = (1, 4, 16)
"""That send at the same time, each as fast as it is answered."""


def _more(name: str, unit: str) -> Measure:
    return Measure(name, unit, Better.HIGHER)


def _less(name: str, unit: str) -> Measure:
    return Measure(name, unit, Better.LOWER)


def _by_senders(count: int) -> tuple[Measure, ...]:
    of = f"senders: {count}"
    return (
        _more(f"ASYNC_MASTER, {of}", "messages/s"),
        _more(f"SYNC_MASTER, {of}", "messages/s"),
        _less(f"price of SYNC_MASTER, {of}", "%"),
    )


def _room(sizes: Sizes) -> int:
    messages = sizes["load"] + len(SENDERS) * 2 * sizes["priced"]
    logs = 2 * sizes["log_bytes"] + 2 * messages * MESSAGE_BYTES
    return STORES * EMPTY_BYTES + logs


PART = Part(
    name="replication",
    about="masters and slaves on one machine, bodies of 1 kB",
    probes=(
        Probe(
            "lag",
            in_own_process(f"{__name__}.lag:measure"),
            (
                _more("sent, a slave following", "messages/s"),
                _less("slave behind under load, median", "kB"),
                _less("slave behind under load, 99 of 100", "kB"),
                _less("answered until readable at the slave, median", "ms"),
                _less("answered until readable at the slave, 99 of 100", "ms"),
            ),
        ),
        Probe(
            "catching up",
            in_own_process(f"{__name__}.catching_up:measure"),
            (
                _more("copied to an empty slave", "MB/s"),
                _less("until its log has all", "s"),
                _less("until all of it is readable", "s"),
            ),
        ),
        Probe(
            "failing over",
            in_own_process(f"{__name__}.failing_over:measure"),
            (
                _less("master killed, until the other took a send", "ms"),
                _less("master killed, sends that failed", "sends"),
                _less("master frozen, until the other took a send", "ms"),
                _less("master frozen, sends that failed", "sends"),
            ),
        ),
        Probe(
            "price",
            in_own_process(f"{__name__}.price:measure"),
            tuple(one for count in SENDERS for one in _by_senders(count)),
        ),
    ),
    sizes={"load": 20_000, "log_bytes": 1_000_000_000, "queues": 4, "priced": 4000},
    quick={"load": 500, "log_bytes": 4_000_000, "queues": 2, "priced": 160},
    room=_room,
)
