"""Which machine, system and versions a number is of."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from rmqlab import __version__
from rmqlab.classroom import release
from rmqlab.classroom.runtime import ClusterError


@dataclass(frozen=True)
class Machine:
    """What a number depends on, beside the code."""

    cpu: str
    cores: int
    """That this process may use."""
    memory_bytes: int
    kernel: str
    python: str
    rmqlab: str
    """Version, and the commit where it runs from a checkout."""
    file_system: str
    """Of the folder that is measured in."""
    load: float
    """Processes that wanted a core in the minute before."""
    rocketmq: str = ""
    """The release that ROCKETMQ_HOME names, and its Java."""


def examine(folder: Path) -> Machine:
    """Look at this machine and at the file system that a folder is on."""
    return Machine(
        cpu=_cpu(),
        cores=_cores(),
        memory_bytes=psutil.virtual_memory().total,
        kernel=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        rmqlab=" ".join(filter(None, (__version__, _commit()))),
        file_system=file_system(folder),
        load=round(psutil.getloadavg()[0], 2),
        rocketmq=_rocketmq(),
    )


def file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on, such as ``ext4``."""
    here = folder.resolve()
    mounts = {
        Path(one.mountpoint): one.fstype for one in psutil.disk_partitions(all=True)
    }
    found = [at for at in (here, *here.parents) if at in mounts]
    return mounts[found[0]] if found else "unknown"


def _cpu() -> str:
    """Return the processor's name: `platform` has it on no Linux."""
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        names = [line.partition(":")[2] for line in lines if line.startswith("model n")]
        return names[0].strip() if names else platform.machine()
    if sys.platform == "darwin":
        return _said("sysctl", "-n", "machdep.cpu.brand_string") or "unknown"
    return platform.processor() or "unknown"


def _cores() -> int:
    if hasattr(psutil.Process, "cpu_affinity"):  # not on macOS
        return len(psutil.Process().cpu_affinity() or ())
    return psutil.cpu_count() or 1


def _commit() -> str:
    """Return the commit that runs; nothing where we are installed in another's tree."""
    here = Path(__file__)
    git = ("git", "-C", str(here.parent))
    is_ours = _said(*git, "ls-files", here.name)
    return _said(*git, "describe", "--always", "--dirty") if is_ours else ""


def _rocketmq() -> str:
    try:
        found = release.find()
    except ClusterError:
        return ""
    java = _said(found.java, "--version").splitlines()[:1]
    return ", ".join([f"RocketMQ {found.version}", *java])


def _said(*command: str) -> str:
    """Return what a program printed; nothing where it failed or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
