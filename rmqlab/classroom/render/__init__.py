"""A topology written out for real machines, one module a target.

    target       what becomes of a node            made for
    ──────────   ───────────────────────────────   ───────────────────────────────
    compose      a service                         one machine with Docker
    systemd      a unit file, a folder a host      machines of one's own
    kubernetes   a StatefulSet and its Service     a cluster of machines

A rendering is text by path; `write` puts it into a folder.  The nodes' own files stay
what they are: what a target must change in them stands at their end, and the last line
of a key counts.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import Topology

OURS_UNLESS_TOLD = {"compose": True, "systemd": False, "kubernetes": False}
"""By target: whether it is made for our own nodes, or for Apache RocketMQ's release."""


def render(
    topology: Topology, target: str, *, is_ours: bool | None = None
) -> dict[str, str]:
    """Return the topology for a target, text by path.

    Raises:
        ClusterError: the target cannot have it as it is.
    """
    program = importlib.import_module(f"{__name__}.program")
    found = importlib.import_module(f"{__name__}.{target}")
    ours = OURS_UNLESS_TOLD[target] if is_ours is None else is_ours
    files: dict[str, str] = found.render(
        topology, program.OWN if ours else program.RELEASE
    )
    return files


def write(files: dict[str, str], folder: Path, *, force: bool = False) -> list[Path]:
    """Write a rendering into a folder, and return what was written.

    With `force` files of the same names are replaced, others stay.

    Raises:
        ClusterError: there is something already, or the folder cannot be written to.
    """
    try:
        if not force and folder.exists() and any(folder.iterdir()):
            raise ClusterError(
                f"{folder} is not empty: name another folder by -o, or --force "
                "replaces what has the same name"
            )
        written = [folder / path for path in files]
        for path, text in zip(written, files.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        raise ClusterError(f"{folder} cannot be written to: {error}") from error
    return written
