"""What docs/production.md says: its commands, its table, its sum."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click import Context

from rmqlab.classroom import topology
from rmqlab.classroom.commands import HOME_OF, rmqlab
from rmqlab.classroom.render import firewall
from rmqlab.settings import StoreConfig
from tests.classroom.conftest import run
from tests.testing.page import shown

PAGE = Path(__file__).parents[2] / "docs" / "production.md"
TEXT = PAGE.read_text("utf-8")
LINES = [
    shlex.split(line, comments=True)
    for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]
COMMANDS = [words[1:] for words in LINES if words[0] == "rmqlab"]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_of_the_page_is_one_with_these_options(words):
    name, *rest = words
    command = rmqlab.get_command(Context(rmqlab), name)
    assert command is not None
    command.make_context(name, rest)


def test_every_command_that_the_page_speaks_of_is_there():
    assert set(re.findall(r"`rmqlab ([a-z]+)", TEXT)) <= set(HOME_OF)


def test_the_pages_topology_is_sound_and_written_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copied = next(words for words in LINES if words[0] == "cp")
    shutil.copytree(topology.SHIPPED.parent / copied[2], copied[3])
    for words in COMMANDS:
        if words[0] in ("lint", "render"):
            done = run(*words)
            assert done.exit_code == 0, done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "shop",
        *("shop-compose", "shop-kubernetes", "shop-systemd"),
    ]


def test_the_firewalls_table_is_that_of_the_topology():
    drawn = re.search(r"test_production_page\.py -->\n\n(.*?)\n\n<!--", TEXT, re.DOTALL)
    assert drawn is not None
    assert drawn[1] == firewall.table(topology.load("2m-2s-sync"))


def test_the_sum_on_the_page_is_what_its_program_prints(tmp_path):
    assert shown(".py", tmp_path, PAGE) == ["disk.py"]
    command = [sys.executable, "-W", "error", "disk.py"]
    done = subprocess.run(
        command, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert f"`{done.stdout.strip()}`" in " ".join(TEXT.split())


def test_the_defaults_on_the_page_are_rocketmqs():
    config = StoreConfig()
    assert f"KEPT_H, MORE_H = {config.file_reserved_time}, 24" in TEXT
    assert f"FULL = {config.disk_max_used_space_ratio / 100}" in TEXT
