"""RocketMQ's clients of other languages, as programs with one command line.

    client = cpp() | js() | go()
    await client.run(home, "send", NAME_SERVERS, TOPIC)
    await client.run(home, "consume", NAME_SERVERS, TOPIC, GROUP, EXPRESSION, COUNT)

Each prints a line of JSON for each of its ten messages, or for each that it is given.
Where a machine lacks one, its tests are skipped, or fail where RMQLAB_REQUIRE has
`interop` (C++), `js`, `go`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import missing
from tests.interop.jars import alone
from tests.interop.program import output_of
from tests.support_pythons import node

HERE, VENV = Path(__file__).parent, Path(__file__).parents[2] / ".venv"
JS_PACKAGES, GO_PROGRAMS = VENV / "js" / "node_modules", VENV / "go"
BUILD_S = 240


@dataclass(frozen=True)
class Other:
    """One client: how it is started, and which of a message's two ids it speaks of."""

    name: str
    command: tuple[str, ...]
    id_name: str = "msg_id"

    async def run(self, home: Path, *words: str) -> list[dict[str, Any]]:
        """Run it in a process of its own and return the lines it printed."""
        # It logs below its home.
        env = {**os.environ, "HOME": str(home), "NODE_PATH": str(JS_PACKAGES)}
        said, _ = await output_of(*self.command, *words, env=env)
        return [json.loads(line) for line in said.splitlines()]


def cpp() -> Other:
    """Return PyPI's `rocketmq`, which has the C++ client in it."""
    command = [sys.executable, "-c", "import rocketmq.client"]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    if found.returncode:
        reason = (found.stderr.splitlines() or ["it cannot be imported"])[-1]
        missing("interop", f"PyPI's rocketmq is not there: {reason}")
    return Other("C++", (sys.executable, str(HERE / "cpp_client.py")))


def js() -> Other:
    """Return npm's `ali-ons`, as `make setup` installs it."""
    path = node()
    if path is None:
        missing("js", "node is not installed")
    if not (JS_PACKAGES / "ali-ons").exists():
        missing("js", "the npm package ali-ons is not there: run `make setup`")
    return Other("JavaScript", (path, str(HERE / "js" / "client.cjs")), "offset_msg_id")


def go() -> Other:
    """Return `rocketmq-client-go` in our program."""
    return Other("Go", (str(go_program(HERE / "go", "build")),))


def go_program(folder: Path, *command: str) -> Path:
    """Return what a command of Go's makes of a folder, once for each state of it."""
    if shutil.which("go") is None:
        missing("go", "Go is not installed")
    sources = sorted(folder.iterdir())
    mark = hashlib.sha256(b"".join(one.read_bytes() for one in sources))
    program = GO_PROGRAMS / f"{command[0]}-{mark.hexdigest()[:12]}"
    with alone(GO_PROGRAMS):
        if not program.exists():
            _build(program, folder, *command)
    return program


def _build(program: Path, folder: Path, *command: str) -> None:
    """Build in a copy: Go writes what else it needs into go.mod and go.sum."""
    unfinished, copy = GO_PROGRAMS / "compiling", GO_PROGRAMS / f"to-{command[0]}"
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    built = subprocess.run(
        ["go", *command, "-mod=mod", "-o", str(unfinished), "."],
        cwd=copy,
        check=False,
        capture_output=True,
        text=True,
        timeout=BUILD_S,
    )
    if built.returncode:
        missing("go", f"the Go client cannot be built: {built.stderr[-500:]}")
    unfinished.replace(program)
