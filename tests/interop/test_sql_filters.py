"""Each SQL92 filter is worth here what it is worth to the real broker's filter."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from rmqlab.protocol.sql92 import SqlError, parse
from rmqlab.protocol.sql92.terms import Incomparable
from tests.interop import jars

SOURCE = Path(__file__).parent / "java" / "FilterLines.java"
CASES = 20_000
CONSTANTS = (
    "5 7 0 -3 1.5 5.0 3000000000 'x' '5' 'true' TRUE FALSE NULL 'it''s' 5l "
    "9223372036854775807 1e3 .5"
).split()
VALUES = ["5", "7", "x", "true", "TRUE", "", "5.0", "-3", "3000000000", " 5 ", "it's"]
VALUES += ["1e3", "0.5d", "false", "+5", "5L"]
ORDERS = " > | >= | < |<=".split("|")
NAMES = "abc"


class Writer:
    """Writes filters as they come, most of them senseless."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def filter(self, depth: int = 2) -> str:
        text = self._equality(depth)
        while self._is(0.35):
            text += self._one([" AND ", " OR "]) + self._equality(depth)
        return text

    def _is(self, chance: float) -> bool:
        return self._random.random() < chance

    def _one(self, of):
        return self._random.choice(of)

    def _equality(self, depth: int) -> str:
        text = self._comparison(depth)
        while self._is(0.4):
            right = self._one([" = ", " <> "]) + self._comparison(depth)
            text += self._one([right, right, " IS NULL", " IS NOT NULL"])
        return text

    def _comparison(self, depth: int) -> str:
        text = self._unary(depth)
        while self._is(0.45):
            order = self._one(ORDERS) + self._unary(depth)
            ends = f"BETWEEN {self._unary(depth)} AND {self._unary(depth)}"
            among = "IN (" + self._one(["'x'", "'5', 'true'"]) + ")"
            text += self._one(
                [order, order, f" {ends}", f" NOT {ends}", f" {among}", f" NOT {among}"]
            )
        return text

    def _unary(self, depth: int) -> str:
        if self._is(0.1):
            return self._one(["NOT ", "-", "+", "not "]) + self._unary(depth)
        if depth and self._is(0.15):
            return f"({self.filter(depth - 1)})"
        return self._one(NAMES if self._is(0.55) else CONSTANTS)


def ours(text: str, properties: dict[str, str]) -> str:
    try:
        value = parse(text).value(properties)
    except SqlError:
        return "refused"
    except Incomparable:
        return "throws"
    return "null" if value is None else str(value).lower()


def test_every_filter_is_worth_what_the_real_one_says():
    real = jars.release("4.9.7")
    random = Random(92)
    writer = Writer(random)
    cases = [
        (
            writer.filter(),
            {name: random.choice(VALUES) for name in NAMES if random.random() < 0.7},
        )
        for _ in range(CASES)
    ]
    lines = (
        "\t".join([text, *(word for pair in properties.items() for word in pair)])
        for text, properties in cases
    )
    done = subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-cp", real.class_path, str(SOURCE)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    answers = done.stdout.splitlines()
    others = [
        (*case, answer)
        for case, answer in zip(cases, answers, strict=True)
        if ours(*case) != answer
    ]
    assert others == []
    assert {"true", "false", "null", "throws", "refused"} == set(answers)
