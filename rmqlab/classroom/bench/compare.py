"""A run beside an earlier one: ratios, and whether they mean anything."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from rmqlab.classroom.bench.part import Better
from rmqlab.classroom.bench.result import PartResult, Series
from rmqlab.classroom.bench.summary import Summary

MUST_MATCH = ("cpu", "cores", "memory_bytes", "kernel", "python", "file_system")
"""Of the machine: where one differs, ratios tell of more than of the code."""


class Change(Enum):
    """What a ratio says."""

    BETTER = "better"
    WORSE = "worse"
    WITHIN_SPREAD = "within the spread"


class Comparison(NamedTuple):
    """Now by before, of the medians."""

    ratio: float
    change: Change


def compare(result: PartResult, before: Mapping[str, Any]) -> dict[str, Comparison]:
    """Return the comparisons that can be made, by measure.

    Only what was measured both times, with the same sizes and in the same unit.
    """
    part = before["parts"].get(result.part.name)
    if part is None or part["sizes"] != dict(result.sizes):
        return {}
    found = {}
    for name, series in result.series.items():
        old = part["measures"].get(name)
        one = _compare(series, old) if old else None
        if one is not None:
            found[name] = one
    return found


def _compare(series: Series, old: Mapping[str, Any]) -> Comparison | None:
    now, unit = series.summary, series.measure.unit
    if now is None or not old["values"] or old["unit"] != unit:
        return None
    then = Summary.of(old["values"])
    if not then.median:
        return None
    ratio = now.median / then.median
    if now.overlaps(then):
        return Comparison(ratio, Change.WITHIN_SPREAD)
    is_better = (ratio > 1) == (series.measure.better is Better.HIGHER)
    return Comparison(ratio, Change.BETTER if is_better else Change.WORSE)


def differences(run: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Return what else than the code differs between two runs, a line each."""
    found = [
        f"{name}: {before['machine'].get(name)} then, {run['machine'][name]} now"
        for name in MUST_MATCH
        if before["machine"].get(name) != run["machine"][name]
    ]
    for name, part in run["parts"].items():
        old = before["parts"].get(name)
        if old is None:
            found.append(f"{name}: not measured then")
        elif old["sizes"] != part["sizes"]:
            found.append(f"{name}: other sizes then (--quick?), so no ratios")
    return found
