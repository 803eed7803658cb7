"""`bench rocketmq`: the same files and loads, and Apache RocketMQ itself."""

from __future__ import annotations

from rmqlab.classroom.bench.sides import probes, six
from rmqlab.classroom.bench.sides.cluster import AS_SHIPPED, FAIR

PART = six.part(
    "rocketmq",
    "2m-2s, six processes of Apache RocketMQ under the same loads",
    "rocketmq",
    {probes.READY: AS_SHIPPED, probes.READY_WITHOUT_TLS: FAIR},
    {},
)
