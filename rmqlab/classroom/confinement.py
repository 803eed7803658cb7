"""What a container of ours may do and take: no more than a node needs.

It changes nothing but its volumes and a small /tmp, has no capability and gets none,
and is bounded in memory, processor, processes and what Docker keeps of its output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docker.types import LogConfig

SCRATCH = {"/tmp": "size=64m"}  # noqa: S108 - a container's own
NO_MORE = ["no-new-privileges:true"]
LOG_DRIVER, LOG_LIMITS = "json-file", {"max-size": "10m", "max-file": "3"}


@dataclass(frozen=True)
class Limits:
    """How much a container may take."""

    memory: str
    """With a unit, as Docker writes it; page cache counts, but gives way."""
    cpus: float
    processes: int
    capabilities: tuple[str, ...] = ()
    """What it may do beside that."""

    def for_compose(self) -> dict[str, Any]:
        """Return what a service has to say."""
        return {
            "read_only": True,
            "tmpfs": [f"{path}:{options}" for path, options in SCRATCH.items()],
            "cap_drop": ["ALL"],
            **({"cap_add": list(self.capabilities)} if self.capabilities else {}),
            "security_opt": NO_MORE,
            "mem_limit": self.memory,
            "cpus": self.cpus,
            "pids_limit": self.processes,
            "logging": {"driver": LOG_DRIVER, "options": LOG_LIMITS},
        }

    def for_sdk(self) -> dict[str, Any]:
        """Return the same as arguments of `containers.create`."""
        return {
            "read_only": True,
            "tmpfs": SCRATCH,
            "cap_drop": ["ALL"],
            "cap_add": list(self.capabilities),
            "security_opt": NO_MORE,
            "mem_limit": self.memory,
            "nano_cpus": int(self.cpus * 1e9),
            "pids_limit": self.processes,
            "log_config": LogConfig(type=LOG_DRIVER, config=LOG_LIMITS),
        }


NODE = Limits(memory="512m", cpus=1.0, processes=64)
HOST = Limits(memory="32m", cpus=0.25, processes=32)
"""A host does nothing; who looks around in it needs a shell."""
OFFICIAL = Limits(
    memory="768m", cpus=2.0, processes=1024, capabilities=("DAC_OVERRIDE",)
)
"""A JVM of RocketMQ's image: root there, to whom that image's files do not belong."""
DASHBOARD = Limits(memory="768m", cpus=1.0, processes=512)
LAB = Limits(memory="2g", cpus=2.0, processes=512)
"""JupyterLab, some kernels, and the clusters that they start."""
