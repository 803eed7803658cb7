"""What was measured, as text for programs and back.

    {"schema": 1, "kind": "bench", "at": "2026-01-31T12:00:00+00:00", "quick": false,
     "rounds": 5, "machine": {…},
     "parts": {"store": {"sizes": {…}, "measures": {"appended": {
         "unit": "messages/s", "better": "higher", "target": null,
         "values": […], "median": …, "low": …, "high": …,
         "quartile_1": …, "quartile_3": …, "missing": null, "failed": false}}}}}

A measure that could not be taken has no values and a reason in `missing`; `failed` says
that it should have been there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rmqlab.classroom.bench.machine import Machine
from rmqlab.classroom.bench.part import BenchError, Measure, Part, Probe, Sizes
from rmqlab.classroom.bench.summary import Summary
from rmqlab.errors import ConfigError

SCHEMA = 1
KIND = "bench"


@dataclass
class Series:
    """The values of one measure, a round each, or why there are none."""

    measure: Measure
    values: list[float] = field(default_factory=list)
    missing: str | None = None
    failed: bool = False
    """It should have been there: something broke."""

    @property
    def summary(self) -> Summary | None:
        """Middle and spread; None where there is no value."""
        return Summary.of(self.values) if self.values else None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        summary = self.summary
        told = summary._asdict() if summary else dict.fromkeys(Summary._fields)
        return {
            "unit": self.measure.unit,
            "better": self.measure.better.value,
            "target": self.measure.target,
            "values": self.values,
            **told,
            "missing": self.missing,
            "failed": self.failed,
        }


class PartResult:
    """What one part came to so far."""

    def __init__(self, part: Part, sizes: Sizes) -> None:
        self.part, self.sizes = part, sizes
        self.series = {one.name: Series(one) for one in part.measures()}

    def add(self, probe: Probe, values: Mapping[str, float]) -> None:
        """Note what a probe gave.

        Raises:
            BenchError: it did not give all that it promises, or something else.
        """
        promised = {one.name for one in probe.measures}
        if promised != values.keys():
            odd = ", ".join(sorted(promised ^ values.keys()))
            raise BenchError(f"{probe.name} promises other numbers than it gave: {odd}")
        for name, value in values.items():
            self.series[name].values.append(value)

    def give_up(self, probe: Probe, why: str, *, failed: bool = False) -> None:
        """Note that a probe gives no numbers here: half a series would mislead."""
        for one in probe.measures:
            self.series[one.name] = Series(one, missing=why, failed=failed)

    def has_given_up(self, probe: Probe) -> bool:
        """Whether a probe need not be asked again."""
        return any(self.series[one.name].missing for one in probe.measures)

    @property
    def is_whole(self) -> bool:
        """Whether sizes are those that the targets are for."""
        return self.sizes == self.part.sizes

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        measures = {name: one.to_json() for name, one in self.series.items()}
        return {"sizes": dict(self.sizes), "measures": measures}


def to_json(
    results: list[PartResult], machine: Machine, at: str, rounds: int, *, quick: bool
) -> dict[str, Any]:
    """Return all of a run as plain values; `at` is when it began, in ISO 8601."""
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "at": at,
        "quick": quick,
        "rounds": rounds,
        "machine": asdict(machine),
        "parts": {one.part.name: one.to_json() for one in results},
    }


def read(path: Path) -> dict[str, Any]:
    """Return an earlier run.

    Raises:
        ConfigError: the file is none, or one of another schema.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    strange = ConfigError(f"{path} was not written by `rmqlab bench --json {path}`")
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise strange
    if found.get("schema") != SCHEMA:
        raise ConfigError(
            f"{path} has schema {found.get('schema')}, this version reads {SCHEMA}: "
            "measure anew"
        )
    if not _is_whole(found):
        raise strange
    return found


def _is_whole(run: Mapping[str, Any]) -> bool:
    """Whether there is, in its place, all that a comparison looks at."""
    try:
        parts = list(run["parts"].values())
        measures = [one for part in parts for one in part["measures"].values()]
        _ = run["at"], run["machine"].items(), [part["sizes"] for part in parts]
        _ = [(one["unit"], sum(one["values"])) for one in measures]
    except (KeyError, TypeError, AttributeError):
        return False
    return True
