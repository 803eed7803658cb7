"""A probe in a process of its own: its memory is nobody else's.

    parent   python -m rmqlab.classroom.bench.own_process MODULE:FUNCTION
             {"folder": …, "sizes": {…}}  ──► stdin
    child    imports the module, calls FUNCTION(folder, sizes)
             stdout ◄── {"values": {…}}, or {"not_here": "why"}

The child imports what it measures and little else.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rmqlab.classroom.bench.part import BenchError, NotHere, Run, Sizes

LIMIT_S = 1800
"""For one probe of one round."""


def in_own_process(where: str, limit_s: float = LIMIT_S) -> Run:
    """Return a probe's `run` that calls ``module:function`` in a new process."""

    def run(folder: Path, sizes: Sizes) -> Mapping[str, float]:
        asked = json.dumps({"folder": str(folder), "sizes": dict(sizes)})
        # -X utf8: the reason that comes back may have any letter.
        command = [sys.executable, "-X", "utf8", "-m", __spec__.name, where]
        try:
            done = subprocess.run(
                command,
                input=asked,
                capture_output=True,
                encoding="utf-8",
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"{where} has not ended within {limit_s:g} s") from None
        return _told(where, done)

    return run


def _told(where: str, done: subprocess.CompletedProcess[str]) -> Mapping[str, float]:
    if done.returncode:
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise BenchError(f"{where} ended with exit code {done.returncode}: {last}")
    answer = json.loads(done.stdout)
    if "not_here" in answer:
        raise NotHere(answer["not_here"])
    values: dict[str, float] = answer["values"]
    return values


def main() -> None:
    """Be the child."""
    module, _, function = sys.argv[1].partition(":")
    asked = json.load(sys.stdin)
    run: Run = getattr(importlib.import_module(module), function)
    try:
        answer = {"values": dict(run(Path(asked["folder"]), asked["sizes"]))}
    except NotHere as error:
        print(json.dumps({"not_here": str(error)}))
    else:
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
