"""A store verified in a notebook, and its messages asked for by key."""

from __future__ import annotations

import pytest

from rmqlab.classroom.lab import dump, start, verify
from rmqlab.classroom.looking import HostShelf, StoreFiles
from rmqlab.classroom.verify import NotAStore
from rmqlab.store import reading
from rmqlab.store.layout import StorePaths
from tests.classroom.verified import flip, log_places, make_sound


@pytest.fixture(scope="module")
def cluster():
    """Return a simulated cluster whose broker has two messages of one key's hash."""
    with start("1m", lab="97", runtime="sim") as cluster:
        with cluster.producer() as producer:
            for key in ("Aa", "BB"):
                producer.send("orders", f"of {key}", keys=key)
        cluster.run(seconds=2)
        yield cluster


def of_folder(root):
    return StoreFiles(HostShelf(root.parent), StorePaths(f"/{root.name}"))


def test_a_simulated_broker_has_a_sound_store(cluster):
    found = verify(cluster.store("broker-a"))
    assert (found.is_sound, found.damage) == (True, [])
    assert found.log_end_after == cluster.node("broker-a").log_end
    assert repr(found) == "verify: sound"


def test_its_text_is_what_the_command_prints_and_its_html_has_colours(tmp_path):
    root = make_sound(tmp_path)
    path, at, _ = log_places(root)[9]
    flip(path, at + 88)
    found = verify(of_folder(root))
    assert f"commitlog/{path.name} byte {at}: " in str(found)
    assert repr(found).startswith("verify: unreadable record")
    assert found.damage[0].offset == at
    shown = found._repr_html_()
    assert shown.startswith("<pre")
    assert "<span style=" in shown


def test_a_start_that_is_refused_has_no_end_of_the_log(tmp_path):
    root = make_sound(tmp_path)
    [*_, last] = sorted((root / "commitlog").iterdir())
    last.write_bytes(last.read_bytes()[:-1])
    assert verify(of_folder(root)).log_end_after is None


def test_a_folder_that_is_no_store_is_said_to_be_none(tmp_path):
    with pytest.raises(NotAStore):
        verify(of_folder(tmp_path / "nothing"))


def test_messages_are_found_by_their_key_and_not_by_its_hash(cluster):
    entries = dump(cluster.store("broker-a"), "index", rows=True)
    hashes = [row.facts["key_hash"] for row in entries if row.kind == "index_entry"]
    assert len(hashes) - len(set(hashes)) == 1
    with cluster.admin() as admin:
        found = {key: admin.messages_by_key("orders", key) for key in ("Aa", "BB")}
        assert [one.body for one in found["Aa"]] == [b"of Aa"]
        assert [one.body for one in found["BB"]] == [b"of BB"]


def test_a_broker_that_compares_hashes_only_gives_no_message_of_another_key(
    cluster, monkeypatch
):
    monkeypatch.setattr(reading, "_has_key", lambda *message: True)
    with cluster.admin() as admin:
        [found] = admin.messages_by_key("orders", "Aa")
    assert found.body == b"of Aa"


def test_a_message_is_found_by_its_unique_id(cluster):
    with cluster.producer() as producer:
        sent = producer.send("orders", "one more")
    cluster.run(seconds=1)
    with cluster.admin() as admin:
        [found] = admin.messages_by_key("orders", sent.msg_id)
    assert found.body == b"one more"


def test_a_key_or_topic_that_nothing_has_gives_nothing(cluster):
    with cluster.admin() as admin:
        assert admin.messages_by_key("orders", "no such key") == []
        assert admin.messages_by_key("no-such-topic", "Aa") == []
