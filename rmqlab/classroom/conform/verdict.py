"""Compares what was observed on our nodes with what was on RocketMQ's.

same       nothing differs
known      something differs, and all of it is explained
unknown    something differs that is not explained
settled    what is explained as a difference is none any more
unplayed   one of the two could not be played
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from rmqlab.classroom.conform.claim import Claim
from rmqlab.classroom.conform.known import known_of
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.play import Played

Word = Literal["same", "known", "unknown", "settled", "unplayed"]
SCHEMA = 1
NOTHING = "nothing"


class Difference(NamedTuple):
    """A place in two observations, what stands there, and why it may differ."""

    at: str
    ours: Json
    theirs: Json
    why: str = ""


@dataclass(frozen=True)
class Verdict:
    """What became of one claim."""

    claim: Claim
    word: Word
    differences: tuple[Difference, ...] = ()
    why: str = ""
    """Of one that could not be played: what was in the way."""

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        claim = self.claim
        return {
            "name": claim.name,
            "claim": claim.text,
            "lab": claim.lab,
            "topology": claim.ground.topology,
            "verdict": self.word,
            "why": self.why,
            "differences": [one._asdict() for one in self.differences],
        }


@dataclass(frozen=True)
class Conformance:
    """All verdicts of one run."""

    theirs: Played
    verdicts: tuple[Verdict, ...] = field(default=())

    def of(self, word: Word) -> list[Verdict]:
        """Return those of one kind."""
        return [one for one in self.verdicts if one.word == word]

    @property
    def is_good(self) -> bool:
        """Whether all was played, and nothing differs without an explanation."""
        return not self.of("unknown") and not self.of("unplayed")

    def to_json(self) -> dict[str, Any]:
        """Return all of it; the schema is numbered, and `read` takes it again."""
        return {
            "schema": SCHEMA,
            "release": self.theirs.release,
            "runtime": self.theirs.runtime,
            "observed": self.theirs.observed,
            "claims": [one.to_json() for one in self.verdicts],
        }


def conformance(claims: Iterable[Claim], ours: Played, theirs: Played) -> Conformance:
    """Compare two runtimes, claim by claim."""
    return Conformance(theirs, tuple(_verdict(one, ours, theirs) for one in claims))


def _verdict(claim: Claim, ours: Played, theirs: Played) -> Verdict:
    why = [f"{one.runtime}: {one.why_not(claim.name)}" for one in (ours, theirs)
           if claim.name not in one.observed]  # fmt: skip
    if why:
        return Verdict(claim, "unplayed", why="; ".join(why))
    known = known_of(claim.name, theirs.release)
    pair = ours.observed[claim.name], theirs.observed[claim.name]
    found = tuple(
        one._replace(why=_explanation(known, one.at)) for one in differences(*pair)
    )
    if not found:
        return Verdict(claim, "settled" if known else "same")
    word: Word = "known" if all(one.why for one in found) else "unknown"
    return Verdict(claim, word, found)


def _explanation(known: dict[str, str], at: str) -> str:
    """Return why a place, or one that it lies in, may differ."""
    inside = (why for where, why in known.items() if f"{at}/".startswith(f"{where}/"))
    return next(inside, known.get("", ""))


def differences(ours: Json, theirs: Json, at: str = "") -> Iterator[Difference]:
    """Yield where two observations differ, as deep as their shapes are the same."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            pair = ours.get(key, NOTHING), theirs.get(key, NOTHING)
            yield from differences(*pair, f"{at}/{key}".lstrip("/"))
    elif isinstance(ours, list) and isinstance(theirs, list):
        yield from _of_lists(ours, theirs, at)
    elif ours != theirs:
        yield Difference(at, ours, theirs)


def _of_lists(ours: list[Any], theirs: list[Any], at: str) -> Iterator[Difference]:
    """Item by item, or, of lists that are not equally long, what one alone has."""
    if len(ours) == len(theirs):
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(*pair, f"{at}/{number}".lstrip("/"))
    else:
        yield Difference(at, _without(ours, theirs), _without(theirs, ours))


def _without(some: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    return [one for one in some if one not in others]
