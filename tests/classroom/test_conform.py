"""`rmqlab conform`: what is compared, what is told of it, and when it fails."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from click.testing import CliRunner

from rmqlab.classroom.commands import EX_USAGE, conform, rmqlab
from rmqlab.classroom.conform import known
from rmqlab.classroom.conform.catalogue import CLAIMS
from rmqlab.classroom.conform.exercises import of_exercises
from rmqlab.classroom.conform.normal import normal
from rmqlab.classroom.conform.play import Played
from rmqlab.classroom.conform.table import IN_PAGE
from rmqlab.classroom.conform.verdict import Difference, differences

RELEASE = "4.9.7"
CLAIM, OTHER = (one.name for one in CLAIMS[:2])
WHY = "Ours are a little greener."


@pytest.fixture
def observed(monkeypatch):
    """Have our nodes and the real ones show what a test says; one thing is known."""
    shown = {"local": {CLAIM: {"colour": "green", "size": [1, 2]}}}
    shown["rocketmq"] = json.loads(json.dumps(shown["local"]))

    async def play(claims, runtime, tell):
        return Played(runtime, RELEASE, shown[runtime])

    monkeypatch.setattr(conform, "play", play)
    monkeypatch.setattr(known, "KNOWN", {})
    return shown


def call(*arguments):
    return CliRunner().invoke(rmqlab, ["conform", *map(str, arguments)])


def test_what_is_the_same_is_no_more_than_counted(observed):
    told = call("--only", CLAIM)
    assert told.exit_code == 0
    assert told.stdout == "Claims on RocketMQ 4.9.7: 1 of 1 are the same.\n"


def test_an_unknown_difference_is_told_and_a_failure(observed):
    observed["rocketmq"][CLAIM]["colour"] = "red"
    told = call("--only", CLAIM)
    assert told.exit_code == 1
    assert told.stdout.startswith(f"unknown: {CLAIMS[0].text}")
    assert 'at colour\n    ours   "green"\n    theirs "red"' in told.stdout
    assert "1 differ, and nobody knows why" in told.stdout


def test_a_known_difference_is_explained_and_no_failure(observed, monkeypatch):
    monkeypatch.setattr(known, "KNOWN", {"": {CLAIM: {"colour": WHY}}})
    observed["rocketmq"][CLAIM]["colour"] = "red"
    told = call("--only", CLAIM)
    assert told.exit_code == 0
    assert told.stdout.startswith("known:")
    assert WHY in told.stdout


def test_what_is_known_of_one_place_explains_no_other(observed, monkeypatch):
    monkeypatch.setattr(known, "KNOWN", {"": {CLAIM: {"colour": WHY}}})
    observed["rocketmq"][CLAIM] = {"colour": "red", "size": [1, 3]}
    assert call("--only", CLAIM).exit_code == 1


def test_a_known_difference_that_is_none_any_more_is_told(observed, monkeypatch):
    monkeypatch.setattr(known, "KNOWN", {"": {CLAIM: {"colour": WHY}}})
    told = call("--only", CLAIM)
    assert told.exit_code == 0
    assert told.stdout.startswith("settled:")


def test_what_differs_in_another_release_is_known_only_there(observed, monkeypatch):
    monkeypatch.setattr(known, "KNOWN", {"4.4": {CLAIM: {"colour": WHY}}})
    assert known.known_of(CLAIM, "4.4.0") == {"colour": WHY}
    assert known.known_of(CLAIM, RELEASE) == {}


def test_a_claim_that_was_not_played_is_a_failure(observed):
    told = call("--only", OTHER)
    assert told.exit_code == 1
    assert "rocketmq: it was not played" in told.stdout


def test_json_says_all_and_can_be_compared_with_later(observed, tmp_path):
    observed["rocketmq"][CLAIM]["colour"] = "red"
    earlier = tmp_path / "earlier.json"
    earlier.write_text(call("--only", CLAIM, "--json").stdout, "utf-8")
    told = json.loads(earlier.read_text("utf-8"))
    (found,) = told["claims"]
    assert told["schema"] == 1
    assert (told["release"], told["runtime"]) == (RELEASE, "rocketmq")
    assert (found["name"], found["verdict"]) == (CLAIM, "unknown")
    assert found["differences"] == [
        {"at": "colour", "ours": "green", "theirs": "red", "why": ""}
    ]
    del observed["rocketmq"]
    assert json.loads(
        call("--only", CLAIM, "--json", "--against", earlier).stdout
    ) == told  # fmt: skip


def test_a_file_that_is_something_else_is_refused(observed, tmp_path):
    for text in ("no json", "{}", "[]", '{"schema": 99}'):
        path = tmp_path / "other.json"
        path.write_text(text, "utf-8")
        told = call("--against", path)
        assert told.exit_code == 1
        assert str(path) in told.stderr


def test_a_lab_that_claims_nothing_is_a_usage_error():
    told = call("--only", "99")
    assert told.exit_code == EX_USAGE
    assert "--list" in told.stderr


def test_every_claim_is_listed():
    told = call("--list").stdout
    assert all(f"{one.lab}  {one.name}\n    {one.text}\n" in told for one in CLAIMS)


def test_a_page_gets_the_table_between_its_markers(observed, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"{IN_PAGE.begin}\nold\n{IN_PAGE.end}\n", "utf-8")
    assert call("--only", CLAIM, "--into", page).exit_code == 0
    assert "\nold\n" not in page.read_text("utf-8")
    assert f"| {CLAIMS[0].lab} | 1 | 1 |" in page.read_text("utf-8")


def test_claims_have_names_of_their_own_and_say_something():
    assert set(Counter(one.name for one in CLAIMS).values()) == {1}
    assert all(one.text.endswith(".") for one in CLAIMS)


def test_what_is_known_is_of_claims_that_there_are():
    names = {one.name for one in [*CLAIMS, *of_exercises()]}
    assert all(found.keys() <= names for found in known.KNOWN.values())


def test_lists_differ_item_by_item_or_by_what_one_alone_has():
    assert list(differences([1, {"a": 2}], [1, {"a": 3}])) == [Difference("1/a", 2, 3)]
    assert list(differences([1, 2], [2, 3, 4])) == [Difference("", [1], [3, 4])]


def test_times_ids_and_addresses_are_taken_out():
    found = {"at": 1_764_000_000_000, "who": ["127.0.0.1:10911", "0" * 32], 7: 2}
    assert normal(found) == {"7": 2, "at": "TIME", "who": ["ADDRESS", "ID"]}
