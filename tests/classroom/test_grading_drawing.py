"""Grading four broker files that were written from a drawing."""

from __future__ import annotations

import re

import pytest

from rmqlab.classroom.checks import ex12_write_four_files as drawing
from rmqlab.classroom.grading.trial import VISIBLE_SEED, Trial
from tests.classroom.graded import found, solution

ID = drawing.EXERCISE.id
FILES = Trial.of(ID, VISIBLE_SEED, solution(ID)).answers
CHECKS = list(drawing.EXERCISE.checks.values())


def trial(**files):
    return Trial(ID, VISIBLE_SEED, FILES | files)


def changed(name, **settings):
    """Return the solution, with some lines of one file changed."""
    text = FILES[name]
    for key, value in settings.items():
        text, count = re.subn(
            rf"^{key}=.*$", f"{key}={value}", text, flags=re.MULTILINE
        )
        assert count == 1
    return trial(**{name: text})


def test_the_drawn_files_are_what_is_wanted():
    assert [found(check.run, trial()) for check in CHECKS] == [""] * len(CHECKS)


@pytest.mark.parametrize(
    ("check", "wrong", "said"),
    [
        (
            drawing.all_four_start,
            changed("west_s", storePathRootDir="/data/east"),
            "west_s: Lock failed,MQ already started",
        ),
        (
            drawing.all_four_start,
            changed("west_s", listenPort="10911"),
            "address already in use",
        ),
        (
            drawing.all_four_start,
            changed("west", listenPort="10921"),
            "'west': '10.20.0.12:10921'",
        ),
        (
            drawing.both_name_servers_know_both_pairs,
            changed("east", brokerIP1="172.17.0.1"),
            "'east': {0: '172.17.0.1:10911'",
        ),
        (
            drawing.both_name_servers_know_both_pairs,
            changed("west", namesrvAddr="namesrv1:9876"),
            "namesrv2: coffee:",
        ),
        (
            drawing.both_name_servers_know_both_pairs,
            changed("west_s", brokerClusterName="tea"),
            "'west_s': ('tea', 'SLAVE')",
        ),
        (
            drawing.both_name_servers_know_both_pairs,
            changed("east", brokerRole="ASYNC_MASTER"),
            "'east': ('coffee', 'ASYNC_MASTER')",
        ),
        (
            drawing.each_store_is_where_it_was_drawn,
            changed("east_s", storePathCommitLog="/data/log"),
            "'east_s': ('/data/east-s', '/data/log')",
        ),
        (
            drawing.every_order_is_on_two_hosts,
            changed("east_s", brokerName="east-s"),
            "SLAVE_NOT_AVAILABLE; missing on east: 0, on east_s: 20",
        ),
        (
            drawing.a_dead_masters_orders_are_read,
            changed("west_s", brokerName="west-s"),
            "orders of west, after its death; 0 of them were read",
        ),
    ],
)
def test_files_that_are_not_as_drawn_are_told_so(check, wrong, said):
    assert said in found(check, wrong)


@pytest.mark.parametrize("text", ["\\u12", "listenPort=\x00", "☃" * 9, ""])
def test_a_file_that_is_rubbish_passes_no_check(text):
    rubbish = trial(**dict.fromkeys(FILES, text))
    assert all(found(check.run, rubbish) for check in CHECKS)
