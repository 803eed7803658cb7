"""The runtimes by name, as far as their nodes outlive who starts them.

A simulated cluster (`sim`) lives in the process that asks for it: `simulated.cluster`.
"""

from __future__ import annotations

import os

from rmqlab.classroom import release
from rmqlab.classroom.local import LocalRuntime
from rmqlab.classroom.rocketmq_runtime import RocketmqRuntime
from rmqlab.classroom.runtime import Changed, ClusterError, Plan, Runtime
from rmqlab.classroom.topology import Topology

LOCAL = "local"
NAMES = (LOCAL, "docker", "rocketmq")
IN_PROCESS = "sim"
VARIABLE = "RMQLAB_RUNTIME"
"""Names the runtime of labs and exercises that ask for no other."""


def default() -> str:
    """Return the runtime for who asks for none."""
    return os.environ.get(VARIABLE) or LOCAL


def make_runtime(topology: Topology, plan: Plan, changed: Changed) -> Runtime:
    """Return the runtime that a plan names.

    Raises:
        ClusterError: there is none of that name, or it cannot be had here.
    """
    if plan.runtime == LOCAL:
        return LocalRuntime(topology, plan, changed)
    if plan.runtime == "docker":
        return _containers(topology, plan, changed)
    if plan.runtime == "rocketmq":
        return _real(topology, plan, changed)
    raise ClusterError(f"no runtime {plan.runtime!r}: known are {', '.join(NAMES)}")


def _real(topology: Topology, plan: Plan, changed: Changed) -> Runtime:
    """Return what runs the real RocketMQ here: a release, else its image."""
    if release.is_named():
        return RocketmqRuntime(topology, plan, changed)
    return _containers(topology, plan, changed)


def _containers(topology: Topology, plan: Plan, changed: Changed) -> Runtime:
    # Their library takes a third of a second to import: only who uses it waits.
    from rmqlab.classroom.docker_runtime import DockerRuntime  # noqa: PLC0415
    from rmqlab.classroom.kinds import Ours  # noqa: PLC0415
    from rmqlab.classroom.official import Official  # noqa: PLC0415

    kind = Official() if plan.runtime == "rocketmq" else Ours()
    return DockerRuntime(topology, plan, changed, kind)
