"""The runtimes by name, as far as their nodes outlive who starts them.

A simulated cluster (`sim`) lives in the process that asks for it: `simulated.cluster`.
"""

from __future__ import annotations

from rmqlab.classroom.local import LocalRuntime
from rmqlab.classroom.runtime import Changed, ClusterError, Plan, Runtime
from rmqlab.classroom.topology import Topology

NAMES = ("local", "docker")
IN_PROCESS = "sim"
TO_COME = ("rocketmq",)


def make_runtime(topology: Topology, plan: Plan, changed: Changed) -> Runtime:
    """Return the runtime that a plan names.

    Raises:
        ClusterError: there is none of that name, or none yet.
    """
    if plan.runtime == "local":
        return LocalRuntime(topology, plan, changed)
    if plan.runtime == "docker":
        # Its library takes a third of a second to import: only who uses it waits.
        from rmqlab.classroom.docker_runtime import DockerRuntime  # noqa: PLC0415

        return DockerRuntime(topology, plan, changed)
    if plan.runtime in TO_COME:
        raise ClusterError(
            f"runtime {plan.runtime!r} is not there yet: use local or docker"
        )
    raise ClusterError(f"no runtime {plan.runtime!r}: known are {', '.join(NAMES)}")
