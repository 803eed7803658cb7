"""`bench cluster`: our own six processes, and what they are to reach."""

from __future__ import annotations

from rmqlab.classroom.bench.sides import probes, six
from rmqlab.classroom.bench.sides.cells import MODES, Cell
from rmqlab.classroom.bench.sides.load import JAVA

SYNC_MANY, ASYNC_MANY = (
    probes.in_mode(mode, str(Cell(JAVA, 16, 128))) for mode in MODES[:2]
)
_, ONE, ONE_LATE = (probes.in_mode(MODES[0], name) for name in Cell(JAVA, 1, 128).units)
CONSUMED = probes.CONSUMED.format(JAVA)

TARGETS = {
    probes.READY: 1.5,
    SYNC_MANY: 4000,
    ASYNC_MANY: 6000,
    CONSUMED: 33_000,
    probes.RESIDENT.format(JAVA): 250,
}
RATIOS = {SYNC_MANY: 1.3, ASYNC_MANY: 1.3, CONSUMED: 1.0, ONE: 1.0, ONE_LATE: 1.0}
"""What ours by RocketMQ's must reach in the same run; of `ONE_LATE`, ours by the
larger of RocketMQ's and the floor's."""

PART = six.part(
    "cluster",
    "2m-2s, six processes of ours under RocketMQ's Java client and under our own",
    "local",
    {probes.READY: ""},
    TARGETS,
)
