"""What README.md and the package's tour name is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click import Context

import rmqlab
from rmqlab.broker.requests import HANDLERS
from rmqlab.classroom.bench.sides.report import digest, read_rows
from rmqlab.classroom.commands import rmqlab as command_line
from rmqlab.namesrv.server import NameServer
from rmqlab.settings import NamesrvConfig

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
LINKS = sorted(set(re.findall(r"\]\(([^):]+)\)", README)))
COMMANDS = sorted(set(re.findall(r"\brmqlab ([a-z]+)\b(?! kit)", README)))


@pytest.mark.parametrize("link", LINKS)
def test_every_link_of_the_readme_leads_somewhere(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_exists(command):
    assert command in command_line.list_commands(Context(command_line))


def test_every_module_of_the_tour_exists():
    """A name without a folder is in the folder of the name before it."""
    folder, missing = Path(), []
    for step in rmqlab.__doc__.split("\n    ")[1:]:
        for word in re.findall(r"[a-z_/]+\.py", step):
            is_new = (ROOT / "rmqlab" / word).exists()
            folder = Path(word).parts[0] if is_new else folder
            if not is_new and not (ROOT / "rmqlab" / folder / word).exists():
                missing.append(word)
    assert missing == []


def drawn(name: str) -> str:
    """Return what README has between the marks of this name."""
    after = README.partition(f"<!-- {name}: ")[2].partition("-->")[2]
    return after.partition("<!-- end")[0].strip()


def served() -> str:
    """Return what nodes can be asked, as README has it, drawn from their tables."""
    name_server = NameServer(NamesrvConfig()).requests.table()
    asked = {
        "a broker answers": [header.CODE for header in HANDLERS],
        "a name server answers": [header.CODE for header, _ in name_server],
    }
    lines = ["| | |", "| --- | --- |"]
    for who, codes in asked.items():
        names = ", ".join(f"{code.value} {code.name}" for code in sorted(codes))
        lines.append(f"| {who} | {names} |")
    return "\n".join(lines)


def test_the_readme_has_the_numbers_of_the_report():
    run = json.loads((ROOT / "docs" / "speed.json").read_text("utf-8"))
    assert drawn("speed") == digest(read_rows(run))


def test_the_readme_lists_every_request_that_is_served():
    assert drawn("served") == served()
