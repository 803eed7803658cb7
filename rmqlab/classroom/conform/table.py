"""A run's verdicts as text, and as the table that README has."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator

from rmqlab.classroom.conform.verdict import Conformance, Difference, Verdict
from rmqlab.classroom.page import Place

IN_PAGE = Place(
    "<!-- conform: rmqlab conform --into README.md -->", "<!-- end of conform -->"
)
SHOWN = 120
"""Characters of a value; `--json` has all of it."""


def sums(found: Conformance) -> str:
    """Return how many claims are the same, in one sentence."""
    counts = Counter(one.word for one in found.verdicts)
    same = counts["same"] + counts["settled"]
    parts = [f"{same} of {len(found.verdicts)} are the same"]
    words = {
        "known": "{} differ as is explained",
        "unknown": "{} differ, and nobody knows why",
        "unplayed": "{} could not be played",
    }
    parts += [text.format(counts[one]) for one, text in words.items() if counts[one]]  # type: ignore[index]
    return f"Claims on RocketMQ {found.theirs.release}: {', '.join(parts)}."


def report(found: Conformance) -> str:
    """Return what a terminal shows: what differs, what is settled, and sums."""
    lines = [line for one in found.verdicts for line in _lines(one)]
    return "\n".join([*lines, sums(found)])


def _lines(verdict: Verdict) -> Iterator[str]:
    """Yield what there is to say of a claim; nothing where all is the same."""
    if verdict.word == "same":
        return
    claim = verdict.claim
    yield f"{verdict.word}: {claim.text}  (lab {claim.lab}, {claim.name})"
    if verdict.word == "settled":
        yield "  it does not differ any more: take it out of known.py"
    if verdict.why:
        yield f"  {verdict.why}"
    for one in verdict.differences:
        yield f"  at {one.at or 'all of it'}"
        yield f"    ours   {_short(one.ours)}"
        yield f"    theirs {_short(one.theirs)}"
        yield from textwrap.wrap(
            one.why, 84, initial_indent="    ", subsequent_indent="    "
        )
    yield ""


def _short(value: object) -> str:
    return textwrap.shorten(json.dumps(value, ensure_ascii=False), SHOWN)


def markdown(found: Conformance) -> str:
    """Return the table for a page: sums by lab, then each difference explained."""
    by_lab = sorted(found.verdicts, key=lambda one: one.claim.lab)
    labs = dict.fromkeys(one.claim.lab for one in by_lab)
    differing = [one for one in by_lab if one.differences]
    lines = ["| lab | claims | the same |", "| --- | --: | --: |"]
    for lab in labs:
        here = [one for one in found.verdicts if one.claim.lab == lab]
        same = sum(not one.differences for one in here)
        lines.append(f"| {lab} | {len(here)} | {same} |")
    lines += ["", "| lab | what differs | why |", "| --- | --- | --- |"]
    for one in differing:
        whys = " ".join(dict.fromkeys(map(_why, one.differences)))
        lines.append(f"| {one.claim.lab} | {one.claim.text} | {whys} |")
    return "\n".join([sums(found), "", *lines])


def _why(difference: Difference) -> str:
    return difference.why or "unknown"
