"""Starts a cluster's owner and follows what it says until the cluster is up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmqlab.classroom import registry
from rmqlab.classroom.runtime import ClusterError, Plan
from rmqlab.classroom.subnet import Subnet

Progress = Callable[[str, str], None]
"""Told what happens to which node while a cluster comes up."""

_detached: list[subprocess.Popen[bytes]] = []
"""Owners that outlive this process; one that ended is no longer waited for."""


def begin(plan: Plan, progress: Progress, *, detached: bool) -> subprocess.Popen[bytes]:
    """Give a cluster a folder and a subnet of its own; return its owner once it is up.

    Raises:
        ClusterError: one of that name is up, or it cannot come up; the text says why.
    """
    with registry.claimed(plan.name) as (folder, subnet):
        plan.folder, plan.subnet = str(folder), subnet.number
        owner = spawn(plan, subnet, detached=detached)
    follow(owner, progress, folder)
    return owner


def spawn(plan: Plan, subnet: Subnet, *, detached: bool) -> subprocess.Popen[bytes]:
    """Start a supervisor; an owned one ends when the pipe to its stdin does."""
    folder = Path(plan.folder)
    (folder / "plan.json").write_text(json.dumps(asdict(plan)))
    with (folder / "supervisor.log").open("wb") as errors:
        owner = subprocess.Popen(
            [sys.executable, "-m", "rmqlab.classroom.supervisor", plan.folder],
            stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            pass_fds=[subnet.descriptor],
            cwd=plan.folder,
        )
    if detached:
        _detached[:] = [owner, *(one for one in _detached if one.poll() is None)]
    started = registry.started_at(owner.pid)
    own: dict[str, Any] = {
        "pid": owner.pid,
        "started": started,
        "name_servers": "",
        "nodes": [],
    }
    registry.write_state(folder, asdict(plan) | own)
    return owner


def follow(owner: subprocess.Popen[bytes], progress: Progress, folder: Path) -> None:
    """Pass on what the owner says until the cluster is up.

    Raises:
        ClusterError: it gave up; the text says why.
    """
    assert owner.stdout is not None
    with owner.stdout as said:
        for line in said:
            fact = json.loads(line)
            if fact["event"] == "ready":
                return
            if fact["event"] == "error":
                _end(owner)
                raise ClusterError(fact["why"])
            progress(fact["node"], fact["what"])
    _end(owner)
    errors = (folder / "supervisor.log").read_text("utf-8", "replace")[-2000:]
    raise ClusterError(f"the cluster's owner ended with {owner.returncode}: {errors}")


def _end(owner: subprocess.Popen[bytes]) -> None:
    """Wait for an owner that gave up."""
    if owner.stdin is not None:
        owner.stdin.close()
    owner.wait()
