"""What users of a client do, with one outcome on RocketMQ's broker and on ours.

Users of the Java client, and of ours.  The pairs of RocketMQ's own are there to show
that the scenarios are right.
"""

from __future__ import annotations

import pytest

from tests.interop import scenarios
from tests.interop.jars import VERSIONS, release
from tests.interop.real import OURS

PAIRS = [
    ("4.9.7", "4.9.7"),
    ("4.4.0", "4.4.0"),
    *((OURS, client) for client in VERSIONS),
    *((server, OURS) for server in VERSIONS),
    (OURS, OURS),
]
"""Server, client."""
NAMES = """
sync created async oneway batch delayed transaction
clustering broadcasting ordered resumed tags sql retried pulled reset query
dashboard
""".split()
OK = "SEND_OK"


def named(pair):
    return "-".join(one or "ours" for one in pair)


of_java_clients = pytest.mark.parametrize(
    "pair",
    [pair for pair in PAIRS if pair[1] is not OURS],
    ids=named,
    indirect=True,
    scope="session",
)


@pytest.fixture(scope="session", params=PAIRS, ids=named)
def pair(request, once):
    """Return the releases of a pair, and what came to pass between them."""
    server, client = request.param
    releases = [one and release(one) for one in request.param]
    told = once(
        f"scenarios-{server}-{client}",
        lambda folder: scenarios.play(*releases, folder, NAMES),
    )
    return server, client, told


@pytest.fixture
def facts(pair):
    """Return what gives the facts of a scenario."""

    def of(name):
        told = pair[2][name]
        assert "facts" in told, told["error"]
        return told["facts"]

    return of


def numbered(word, count, start=0):
    return [f"{word}-{number}" for number in range(start, count)]


# Sending


def test_sends_that_wait_for_answers_take_the_queues_in_turn(facts):
    assert facts("sync") == {
        "statuses": [OK] * 8,
        "offsets": {str(queue): [0, 1] for queue in range(4)},
        "stored": numbered("sync", 8),
    }


def test_a_send_to_an_unknown_topic_makes_it_with_four_queues(facts):
    assert facts("created") == {"status": OK, "queues": 4, "stored": ["first"]}


def test_sends_that_are_called_back_are_all_stored(facts):
    assert facts("async") == {"statuses": [OK] * 8, "stored": numbered("async", 8)}


def test_sends_without_an_answer_are_all_stored(facts):
    assert facts("oneway") == numbered("oneway", 8)


def test_a_batch_is_stored_as_messages_of_their_own(facts):
    assert facts("batch") == {
        "status": OK,
        "offset": 1,
        "stored": numbered("batch", 3),
        "tags": numbered("tag", 3),
        "ids are the stored ones": True,
        "each is seen by its offset": True,
    }


def test_a_delayed_message_comes_when_its_level_is_over_and_not_before(facts):
    assert facts("delayed") == {
        "at first": 0,
        "stored": ["level-1", "level-2"],
        "tag": "tag",
        "not before its time": [True, True],
    }


def test_a_transaction_is_visible_once_it_is_committed_also_when_asked(facts):
    assert facts("transaction") == {
        "statuses": [OK] * 4,
        "asked": ["asked-commit of Transaction", "asked-rollback of Transaction"],
        "stored": ["commit", "asked-commit", "last"],
        "found by key": ["asked-commit"],
    }


# Consuming


def test_two_consumers_of_a_group_share_the_queues(facts):
    assert facts("clustering") == [
        {
            "queues": [first, first + 1],
            "heard": [f"Clustering-{first + add}" for add in (0, 1, 4, 5)],
        }
        for first in (0, 2)
    ]


def test_each_broadcasting_consumer_is_given_everything(facts):
    assert facts("broadcasting") == [numbered("Broadcasting", 4)] * 2


def test_orderly_consumers_are_given_each_queue_in_its_order(facts):
    """A step that fails comes again before the next."""
    steps = {"0": [0, 1, 2], "1": [0, 1, 1, 2], "2": [0, 1, 2]}
    assert facts("ordered") == {
        order: [f"order-{order} step-{step}" for step in of]
        for order, of in steps.items()
    }


def test_a_group_that_comes_back_is_given_only_what_is_new(facts):
    """The first time it is given what was there, though it asks for the newest."""
    assert facts("resumed") == [numbered("Resumed", 3), numbered("Resumed", 6, 3)]


def test_a_consumer_is_given_the_tags_it_asked_for(facts):
    assert facts("tags") == ["tag blue", "tag blue", "tag red", "tag red"]


def test_a_consumer_is_given_what_its_sql_chooses(facts):
    """NULL makes a comparison neither true nor false."""
    assert facts("sql") == {
        "compared": ["sql-2", "sql-3", "sql-4", "sql-5"],
        "among": ["sql-0", "sql-3", "sql-4", "sql-5"],
        "none": ["sql-2", "sql-5"],
        "not": ["sql-0", "sql-5"],
        "tag": ["sql-3", "sql-5"],
        "refused": 23,
    }


def test_what_fails_is_given_again_and_then_is_a_dead_letter(facts):
    """The message that is waiting a third time is that of the other's one retry."""
    assert facts("retried") == {
        "tries": [
            *(f"never {times} Retried" for times in range(3)),
            *(f"twice {times} Retried" for times in range(2)),
        ],
        "waiting for retries": 3,
        "dead": "never",
        "tags": "bad",
        "reconsumed": 3,
        "came from": "Retried",
        "origin is told": True,
    }


def test_pulls_say_at_every_place_what_is_there_and_where_to_go_on(pair, facts):
    beyond = 0 if pair[0] == "4.4.0" else 2
    assert facts("pulled") == {
        "pulls": [
            ["NO_NEW_MSG", 0, 0, 0, None],
            ["FOUND", 2, 0, 2, numbered("pulled", 2)],
            ["FOUND", 2, 0, 2, ["pulled-1"]],
            ["FOUND", 2, 0, 2, ["pulled-1"]],
            ["NO_MATCHED_MSG", 2, 0, 2, None],
            ["NO_NEW_MSG", 2, 0, 2, None],
            ["OFFSET_ILLEGAL", beyond, 0, 2, None],
            ["FOUND", 3, 0, 3, ["pulled-2"]],
        ],
        "committed": 2,
    }


# Asking


def test_a_running_consumer_is_sent_back_to_a_time(facts):
    assert facts("reset") == {
        "told": [2],
        "heard again": ["reset-2", "reset-3"],
        "heard": 6,
    }


def test_a_message_is_found_by_key_by_both_ids_and_by_time(pair, facts):
    assert facts("query") == {
        "by key": ["query-0"],
        "property": "grün ☕",
        "by offset": "query-0",
        "by unique id": "query-0",
        "keys": "red blue",
        "one id": True,
        "not there": [] if pair[1] is OURS else "MQClientException",
        "at the beginning of time": 0,
        "at its time": 0,
    }


@of_java_clients
def test_every_page_of_the_dashboard_finds_its_answers(facts):
    assert facts("dashboard") == {
        "cluster": {
            "rates are numbers": True,
            "something came and went today": True,
            "role": "ASYNC_MASTER",
            "clusters": {"interop": ["broker-a"]},
        },
        "topics": {
            "listed": True,
            "bounds": [0, 2],
            "by": ["watched-group"],
            "counted": True,
        },
        "consumers": {
            "retries": 16,
            "behind": 0,
            "offsets": [2, 2],
            "has consumed to the end": True,
            "in the broker's statistics": True,
        },
        "one consumer": {
            "is ours": True,
            "is at": 2,
            "has a stack": True,
            "says it is at": 2,
            "consumed directly": "CR_SUCCESS",
            "heard": ["watched-0", "watched-1", "watched-1"],
        },
        "upkeep": {
            "kept": "value",
            "listed": {"key": "value"},
            "expired queues": True,
            "unused topics": True,
        },
    }


def test_clients_of_44_use_the_port_for_the_important_and_those_of_49_do_not(pair):
    _, client, told = pair
    assert told[scenarios.CONNECTED] == ([-2, 0] if client == "4.4.0" else [0])
