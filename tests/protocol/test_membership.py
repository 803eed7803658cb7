"""Subscriptions: what an expression wants, by hash at the broker and by tag after."""

from __future__ import annotations

import pytest

from rmqlab.errors import WireError
from rmqlab.protocol.membership import ConsumerData, Heartbeat, Subscription
from rmqlab.protocol.message import java_hash


@pytest.mark.parametrize("expression", ["*", "", None])
def test_no_expression_wants_everything(expression):
    subscription = Subscription.of("T0", expression)
    assert subscription.sub_string == "*"
    assert subscription.wants("paid")
    assert subscription.wants(None)
    assert subscription.wants_code(0)


@pytest.mark.parametrize(
    ("expression", "tags"),
    [
        ("paid", ["paid"]),
        ("paid||sent", ["paid", "sent"]),
        (" paid || sent ", ["paid", "sent"]),
        ("paid ||  || sent||", ["paid", "sent"]),
    ],
)
def test_an_expression_is_a_list_of_tags(expression, tags):
    subscription = Subscription.of("T0", expression, version=9)
    assert subscription.tags_set == tags
    assert subscription.code_set == [java_hash(tag) for tag in tags]
    assert (subscription.sub_string, subscription.sub_version) == (expression, 9)


def test_a_subscription_may_spell_its_hashes_as_text_as_the_go_client_does():
    told = Subscription.of("T0", "paid||sent").to_json()
    as_text = told | {"codeSet": [str(code) for code in told["codeSet"]]}
    assert Subscription.from_json(as_text) == Subscription.from_json(told)
    with pytest.raises(WireError, match="codeSet is 'paid', expected int"):
        Subscription.from_json(told | {"codeSet": ["paid"]})


def test_a_broker_filters_by_hash_and_a_client_by_tag():
    subscription = Subscription.of("T0", "AaAa")
    twin = "BBBB"  # another text, the same hash in Java
    assert subscription.wants_code(java_hash(twin))
    assert not subscription.wants(twin)
    assert not subscription.wants_code(java_hash("other"))


def test_a_message_without_a_tag_is_not_wanted_by_a_tag_filter():
    subscription = Subscription.of("T0", "paid")
    assert not subscription.wants(None)
    assert not subscription.wants_code(0)


@pytest.mark.parametrize(
    ("kind", "is_tag"), [("TAG", True), ("", True), (None, True), ("SQL92", False)]
)
def test_only_tag_expressions_are_filtered_by_tag(kind, is_tag):
    subscription = Subscription("T0", "a > 1", expression_type=kind)
    assert subscription.is_tag_filter is is_tag


def test_a_heartbeat_written_and_read_is_the_same():
    wanted = [Subscription.of("T0", "paid || sent", 7), Subscription.of("T1", None)]
    groups = [ConsumerData("kitchen", subscriptions=wanted), ConsumerData("bar")]
    beat = Heartbeat("10.0.0.9@77", ["shop"], groups)
    assert Heartbeat.from_json(beat.to_json()) == beat


@pytest.mark.parametrize(
    "found", [None, [], 7, {}, {"clientID": "c", "consumerDataSet": [7]}]
)
def test_what_is_no_heartbeat_is_refused_and_shown(found):
    with pytest.raises(WireError, match="no "):
        Heartbeat.from_json(found)


def test_a_group_without_a_name_is_refused():
    with pytest.raises(WireError, match="no ConsumerData"):
        ConsumerData.from_json({"consumeType": "CONSUME_ACTIVELY"})


def test_absent_parts_of_a_group_have_javas_defaults():
    assert ConsumerData.from_json({"groupName": "g"}) == ConsumerData("g")


def test_a_version_spelled_as_text_is_a_number_as_the_cpp_client_sends_it():
    found = Subscription.from_json({"topic": "T0", "subVersion": "1764000000000"})
    assert found.sub_version == 1764000000000


def test_a_version_that_is_no_number_is_refused():
    with pytest.raises(WireError, match="subVersion"):
        Subscription.from_json({"topic": "T0", "subVersion": "soon"})
