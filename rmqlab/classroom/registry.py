"""Which clusters there are on this machine: one folder each.

    HOME/clusters/NAME/cluster.json    who owns it, how to reach the owner, its nodes
    HOME/clusters/NAME/HOST/…          its files, by host

HOME is ~/.cache/rmqlab, or what RMQLAB_HOME says.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.subnet import CLAIM_PORT, Subnet

MAX_SUBNET = 250
STATE_FILE = "cluster.json"
END_S = 5.0
"""For processes that were killed to be gone."""


def home() -> Path:
    """Return where this user's clusters are."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "rmqlab"
    return Path(os.environ.get("RMQLAB_HOME") or default).expanduser()


def made(folder: Path) -> Path:
    """Return a folder of the home, made if it was not there.

    Raises:
        ClusterError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ClusterError(
            f"{folder} cannot be made ({error.strerror}): set RMQLAB_HOME to a folder "
            "that you may write to"
        ) from error
    return folder


def folder_of(name: str) -> Path:
    """Return a cluster's folder.

    Raises:
        ClusterError: the name would not do as a folder's.
    """
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise ClusterError(
            f"{name!r} is no cluster name: letters, digits, '-', '_' and '.' are"
        )
    return home() / "clusters" / name


def read_state(name: str) -> dict[str, Any] | None:
    """Return what a cluster's owner last wrote; None where there is none."""
    try:
        found = json.loads((folder_of(name) / STATE_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Put a cluster's state in place whole, readable by this user only."""
    temporary = folder / f"{STATE_FILE}.tmp"
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(state, indent=1), "utf-8")
    temporary.replace(folder / STATE_FILE)


def names() -> list[str]:
    """Return the clusters that are up, or were and left something behind, sorted."""
    return sorted(
        path.parent.name for path in (home() / "clusters").glob(f"*/{STATE_FILE}")
    )


def running() -> list[str]:
    """Return the clusters whose owner lives, sorted."""
    return [name for name in names() if is_running(read_state(name))]


def wait_for_end(pid: int, limit_s: float) -> None:
    """Return when a process has ended.

    Raises:
        ClusterError: it has not within the limit.
    """
    try:
        psutil.Process(pid).wait(limit_s)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        raise ClusterError(
            f"process {pid} has not ended within {limit_s:g} s"
        ) from None


def is_running(state: dict[str, Any] | None) -> bool:
    """Whether the owner that wrote this state is still there."""
    return state is not None and is_process(state["pid"], state["started"])


def is_process(pid: int | None, started: float | None) -> bool:
    """Whether this very process lives: numbers are given anew."""
    if pid is None or started is None:
        return False
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < 1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def started_at(pid: int) -> float | None:
    """Return when a process began, in s since 1970; None where it is gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


@contextlib.contextmanager
def claimed(name: str) -> Iterator[tuple[Path, Subnet]]:
    """Make an empty folder for a new cluster; yield it and a subnet of its own.

    Others wait while the block runs: it must end with the owner's state written, or
    the folder is free again.  The owner inherits the subnet's claim.

    Raises:
        ClusterError: a cluster of that name is up, or there are too many.
    """
    clusters = made(home() / "clusters")
    with (clusters / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = read_state(name)
        if is_running(state):
            assert state is not None
            raise ClusterError(
                f"cluster {name!r} is up already ({state['topology']}, runtime "
                f"{state['runtime']}, name servers {state['name_servers']}): use it, "
                f"`rmqlab down --name {name}`, or give another one `--name`"
            )
        end_leftovers(state)
        folder = folder_of(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with _free_subnet() as subnet:
            yield folder, subnet


def _free_subnet() -> Subnet:
    states = (read_state(name) for name in names())
    taken = {state["subnet"] for state in states if state and _has_life(state)}
    for number in range(1, MAX_SUBNET + 1):
        if number not in taken and (subnet := Subnet.claim(number)):
            return subnet
    raise ClusterError(
        f"no address is left: {len(taken)} clusters are up (`rmqlab down --all` ends "
        f"them), of {MAX_SUBNET}; or another program has port {CLAIM_PORT} on all "
        "addresses, by which clusters keep apart: end it"
    )


def _has_life(state: dict[str, Any]) -> bool:
    """Whether a cluster's owner or one of its nodes is still there."""
    return is_running(state) or any(
        is_process(node.get("pid"), node.get("started"))
        for node in state.get("nodes", [])
    )


def end_leftovers(state: dict[str, Any] | None) -> list[str]:
    """End the nodes of an owner that is gone, paused ones too; return their names."""
    ended, processes = [], []
    for node in (state or {}).get("nodes", []):
        if is_process(node.get("pid"), node.get("started")):
            with contextlib.suppress(psutil.NoSuchProcess):
                processes.append(psutil.Process(node["pid"]))
                processes[-1].kill()
                ended.append(str(node["name"]))
    psutil.wait_procs(processes, timeout=END_S)
    if state and state.get("runtime") == "docker":
        # Its library takes a third of a second to import: only who uses it waits.
        from rmqlab.classroom import image  # noqa: PLC0415

        ended += image.end_leftovers(state["name"], state["folder"])
    return ended
