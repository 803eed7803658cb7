"""Where scenarios come from: those that are built in, files, texts, Python.

A file of Python has a function `scenario(cluster)`, which is given a `SimCluster` and
lets time pass as it likes; what it asserts must hold.  Beside it there may be

    TOPOLOGY = "2m-2s-sync"
    SETTINGS = {"flushDiskType": "SYNC_FLUSH"}
    HOLDS = ["nothing is lost", "silence < 35s"]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rmqlab.classroom import topology
from rmqlab.classroom.simulated.holds import parse_hold
from rmqlab.classroom.simulated.scenario import Scenario
from rmqlab.classroom.simulated.script import parse
from rmqlab.classroom.simulated.words import ScenarioError, Words

SHIPPED = Path(__file__).parent / "scenarios"
ENDING = ".txt"
DEFAULT_TOPOLOGY = "2m-2s-sync"


def names() -> list[str]:
    """Return the names of the scenarios that are built in."""
    return sorted(path.stem for path in SHIPPED.glob(f"*{ENDING}"))


def load(wanted: str | Path) -> Scenario:
    """Return the scenario of a name, of a file, or of a text of several lines.

    Raises:
        ScenarioError: there is none, or it cannot be read; the text says what would do.
    """
    if isinstance(wanted, str) and "\n" in wanted:
        return parse(wanted)
    if wanted in names():
        return parse((SHIPPED / f"{wanted}{ENDING}").read_text("utf-8"), str(wanted))
    path = Path(wanted).expanduser()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(names())
        raise ScenarioError(
            f"no scenario {str(wanted)!r}: name a file, or one of {known}"
        ) from error
    if path.suffix == ".py":
        return from_python(text, path.stem)
    return parse(text, path.stem)


def from_python(text: str, name: str) -> Scenario:
    """Return the scenario that a file of Python makes; the file is executed.

    Raises:
        ScenarioError: it has no function `scenario`, or says something of no use.
    """
    found: dict[str, Any] = {"__name__": name}
    try:
        exec(compile(text, f"{name}.py", "exec"), found)  # noqa: S102
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise ScenarioError(f"{name}.py cannot be run: {why}") from error
    act = found.get("scenario")
    if not callable(act):
        raise ScenarioError(f"{name}.py has no function 'scenario(cluster)'")
    wanted = found.get("TOPOLOGY", DEFAULT_TOPOLOGY)
    topology.load(wanted)
    scenario = Scenario(name, (act.__doc__ or "").strip(), wanted, act=act)
    scenario.settings = dict(found.get("SETTINGS", {}))
    scenario.wait_s = 0.0
    for number, hold in enumerate(found.get("HOLDS", ()), start=1):
        words = Words(f"{name}.py, HOLDS", number, str(hold))
        scenario.holds.append(parse_hold(words))
        words.end()
    return scenario
