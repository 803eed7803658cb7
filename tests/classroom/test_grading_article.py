"""Grading the article's files, as published and half mended."""

from __future__ import annotations

import pytest

from rmqlab.classroom.checks import ex12_fix_the_article as article
from rmqlab.classroom.grading.trial import VISIBLE_SEED, Trial
from rmqlab.errors import ConfigError
from tests.classroom.graded import found, solution

[MENDED] = solution(article.EXERCISE.id)
NAMES = 'files["hosts"] = files["hosts"].replace("128rocketmq", "128 rocketmq")'
EACH = "for name in {'broker-a-s', 'broker-b-s'}: files[name] = files[name]"
ROOT = "storePathRootDir=/usr/local/rocketmq/store"


def trial(*lines, old="", new=""):
    """Return a trial of a function of these lines, or of the solution's, changed."""
    assert old in MENDED
    own = "\n    ".join(["def mended(files):", *lines, "return files"])
    text = own if lines else MENDED.replace(old, new)
    return Trial.of(article.EXERCISE.id, VISIBLE_SEED, [text])


def test_the_files_as_published_are_no_topology():
    with pytest.raises(ConfigError, match=r"^hosts:2: .* is a space missing\?"):
        article.started(article.as_found())


@pytest.mark.parametrize(
    "check", article.EXERCISE.checks.values(), ids=lambda c: c.name
)
def test_the_files_as_published_pass_no_check(check):
    assert "is a space missing?" in found(check.run, trial("pass"))


def test_a_name_is_not_all_that_is_wrong():
    said = found(article.all_six_nodes_work, trial(NAMES))
    assert "broker-b-s failed: Lock failed,MQ already started" in said
    said = found(article.every_order_is_on_its_own_pair, trial(NAMES))
    assert "SEND_OK for every order to broker-a; SLAVE_NOT_AVAILABLE" in said


def test_a_root_of_ones_own_and_a_shared_log_lose_orders_that_were_send_ok():
    half = trial(NAMES, f'{EACH}.replace("{ROOT}", "{ROOT}-s")')
    assert found(article.all_six_nodes_work, half) == ""
    said = found(article.every_order_is_on_its_own_pair, half)
    assert "20 of 20 not in the log of broker-a" in said


def test_what_works_may_still_have_lines_without_effect():
    working = trial(NAMES, f'{EACH}.replace("rocketmq/store", "rocketmq/store-s")')
    assert found(article.every_order_is_on_its_own_pair, working) == ""
    said = found(article.every_line_does_what_the_article_says, working)
    assert "broker-a.properties:11: mapedFileSizeCommitLog" in said


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"storePathIndex", ', "", "storePathIndex is read by no release"),
        ("=6000000", "=300000", "entries in a file of broker-a's consume queues; 15,0"),
        ('replace("ConsumeQueue=300000", "ConsumeQueue=6000000")', "strip()", ""),
        ("found[name] = text", "found[name] = text * 2", ""),
    ],
)
def test_each_line_is_looked_at(old, new, complaint):
    asked = trial(old=old, new=new)
    said = found(article.every_line_does_what_the_article_says, asked)
    assert complaint in said
    assert bool(said) == bool(complaint)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("return found", "return 7", "mended: a function"),
        ("return found", "return {}", "mended: a function"),
        ("return found", "return found | {'broker-a': None}", "mended: a function"),
        ("return found", "return found | {'broker-c': ''}", "mended: a function"),
        ("return found", "return found | {'hosts': ''}", "hosts names no host"),
        ('"128 rocketmq"', '"128 rocketmq").replace("host2", "x"', "no host of brok"),
        (
            "found[name] = text",
            'found[name] = text + "brokerRole=ASYNC_MASTER"',
            "as SY",
        ),
    ],
)
def test_what_is_not_the_articles_cluster_passes_no_check(old, new, complaint):
    asked = trial(old=old, new=new)
    for check in (article.all_six_nodes_work, article.every_order_is_on_its_own_pair):
        assert complaint in found(check, asked)


def test_no_answer_is_no_pass_and_each_check_says_what_is_next():
    nothing = trial(old="return found", new="return None")
    for check in article.EXERCISE.checks.values():
        assert "None" in found(check.run, nothing)
