"""Delay levels, as messageDelayLevel spells them."""

from __future__ import annotations

import pytest

from rmqlab.errors import ConfigError
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.delays import DelayLevels
from rmqlab.protocol.message import SCHEDULE_TOPIC
from rmqlab.settings import StoreConfig
from tests.store.shelf import record

STORED_MS = 1_795_423_707_306
DEFAULT = DelayLevels(StoreConfig().message_delay_level)
TAG_A = 2_598_919


@pytest.mark.parametrize(
    ("level", "seconds"), [(1, 1), (3, 10), (5, 60), (17, 3600), (18, 7200)]
)
def test_each_level_is_as_long_as_the_setting_says(level, seconds):
    assert DEFAULT.due_ms(level, STORED_MS) == STORED_MS + seconds * 1000


def test_a_level_above_the_highest_is_the_highest():
    assert DEFAULT.due_ms(99, 0) == DEFAULT.due_ms(18, 0) == 7_200_000


def test_every_unit_of_time_is_understood():
    levels = DelayLevels("1s 2m  3h 4d")
    due = [levels.due_ms(level, 0) for level in (1, 2, 3, 4)]
    assert due == [1000, 120_000, 10_800_000, 345_600_000]


@pytest.mark.parametrize("wrong", ["10", "s", "1w", "-1s", "1.5s", "1 s", "٣s"])
def test_what_is_no_delay_is_refused_and_shown(wrong):
    with pytest.raises(ConfigError, match=r"messageDelayLevel has '.*': write a numb"):
        DelayLevels(f"1s {wrong}")


def test_a_delayed_messages_entry_has_the_time_when_it_is_due():
    properties = {"DELAY": "3", "TAGS": "TagA"}
    found = DEFAULT.entry_code(SCHEDULE_TOPIC, properties, STORED_MS)
    assert found == 1_795_423_717_306


@pytest.mark.parametrize("level", ["0", "-1", "", "two", "٣", "9" * 5000])
def test_what_is_no_level_leaves_the_tags_hash(level):
    properties = {"DELAY": level, "TAGS": "TagA"}
    assert DEFAULT.entry_code(SCHEDULE_TOPIC, properties, STORED_MS) == TAG_A


def test_a_message_of_any_other_topic_has_its_tags_hash():
    properties = {"DELAY": "3", "TAGS": "TagA"}
    assert DEFAULT.entry_code("orders", properties, STORED_MS) == TAG_A


def test_without_levels_there_are_only_tags():
    none = DelayLevels("")
    assert none.entry_code(SCHEDULE_TOPIC, {"DELAY": "3"}, STORED_MS) == 0


@pytest.mark.parametrize(
    ("due_in_ms", "wait_ms"), [(-5, 0), (0, 0), (1, 1), (10_000, 10_000), (10_001, 0)]
)
def test_a_message_waits_until_it_is_due_but_never_longer_than_its_level(
    due_in_ms, wait_ms
):
    found = DEFAULT.wait_ms(3, STORED_MS + due_in_ms, STORED_MS)
    assert found == wait_ms


@pytest.mark.parametrize(
    ("sys_flag", "topic"),
    [
        (0, SCHEDULE_TOPIC),
        (SysFlag.TRANSACTION_COMMIT, SCHEDULE_TOPIC),
        (SysFlag.TRANSACTION_COMMIT | SysFlag.COMPRESSED, SCHEDULE_TOPIC),
        (SysFlag.TRANSACTION_PREPARED, "orders"),
        (SysFlag.TRANSACTION_ROLLBACK, "orders"),
    ],
)
def test_a_committed_transaction_may_be_delayed_and_an_open_one_not(sys_flag, topic):
    message = record(b"coffee", sys_flag=sys_flag, properties=b"DELAY\x013")
    DEFAULT.postpone(message)
    assert message.topic == topic
