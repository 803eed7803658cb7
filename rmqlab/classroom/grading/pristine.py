"""Whether the files that grading rests on are as they were when they were built."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from rmqlab.classroom.course import course_folder

PACKAGE = Path(__file__).parents[1]
MANIFEST = PACKAGE / "grading" / "manifest.json"


def watched_files() -> dict[str, Path]:
    """Return the solutions, the checks and the grader itself, by a short name."""
    solutions = sorted((course_folder() / "solutions").glob("*.ipynb"))
    own = [*PACKAGE.glob("checks/*.py"), *PACKAGE.glob("grading/*.py")]
    files = {f"solutions/{path.name}": path for path in solutions}
    return files | {str(path.relative_to(PACKAGE)): path for path in sorted(own)}


def fingerprints() -> dict[str, str]:
    """Return each watched file's SHA-256."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in watched_files().items()
    }


def changed_files() -> list[str]:
    """Return, in words, which watched files differ from the manifest."""
    known: dict[str, str] = json.loads(MANIFEST.read_text("utf-8"))
    found = fingerprints()
    changed = [name for name in known if found.get(name) != known[name]]
    changed += [name for name in found if name not in known]
    return [
        f"{name} is not as it was delivered: `git checkout` brings it back "
        "(`rmqlab build` if you changed it on purpose)"
        for name in sorted(changed)
    ]


def write_manifest() -> None:
    """Take the files as they are now for pristine."""
    MANIFEST.write_text(json.dumps(fingerprints(), indent=1) + "\n", "utf-8")
