"""Takes from an observation what differs from run to run: times, ids, addresses."""

from __future__ import annotations

import re
from typing import Any

Json = Any
"""What JSON can hold."""

MARKS = (
    (re.compile(r"\d{1,3}(\.\d{1,3}){3}:\d+"), "ADDRESS"),
    (re.compile(r"\d{1,3}(\.\d{1,3}){3}@[\w-]+(#\d+)?"), "CLIENT"),
    (re.compile(r"\b[0-9A-F]{32}\b"), "ID"),
    (re.compile(r"\b1\d{12}\b"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d#[\d:]{12}"), "TIME"),
    (re.compile(r"\b0\.\d\d\b"), "SHARE"),
    (re.compile(r"(?<=offset, )\d+|(?<=offset failed, )\d+"), "PLACE"),
)
A_TIME = range(10**12, 10**13)
"""Milliseconds since 1970, from 2001 to 2286."""


def normal(found: Any) -> Json:
    """Return an observation that can be compared, with its keys sorted."""
    if isinstance(found, dict):
        pairs = ((normal(str(key)), normal(value)) for key, value in found.items())
        return dict(sorted(pairs))
    if isinstance(found, list | tuple):
        return [normal(one) for one in found]
    if isinstance(found, int) and found in A_TIME:
        return "TIME"
    if isinstance(found, str):
        for pattern, mark in MARKS:
            found = pattern.sub(mark, found)
    return found
