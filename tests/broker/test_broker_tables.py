"""The tables that live in files: topics, groups and offsets."""

from __future__ import annotations

import json

import pytest

from rmqlab.broker.services.housekeeping import Persistence
from rmqlab.broker.tables.groups import Groups
from rmqlab.broker.tables.offsets import Offsets
from rmqlab.broker.tables.topics import Topics
from rmqlab.errors import WireError
from rmqlab.protocol import fastjson
from rmqlab.protocol.bodies import TopicConfig
from rmqlab.settings import BrokerConfig
from rmqlab.store.layout import StorePaths
from rmqlab.store.real_disk import RealDisk

BUILT_IN = {
    "SELF_TEST_TOPIC": (1, 6),
    "BenchmarkTest": (1024, 6),
    "DefaultCluster": (16, 7),
    "broker-a": (1, 7),
    "OFFSET_MOVED_EVENT": (1, 6),
    "SCHEDULE_TOPIC_XXXX": (18, 6),
    "DefaultCluster_REPLY_TOPIC": (1, 6),
    "TBW102": (8, 7),
}


def topics(**settings):
    return Topics(BrokerConfig(broker_name="broker-a", **settings), 0)


def settings_of(table):
    return {
        k: (one.write_queue_nums, one.perm) for k, one in table.table.topics.items()
    }


def test_a_broker_has_rocketmqs_topics_from_the_start():
    assert settings_of(topics()) == BUILT_IN


def test_without_auto_creation_there_is_no_default_topic():
    assert topics(auto_create_topic_enable=False).get("TBW102") is None


@pytest.mark.parametrize(
    ("setting", "topic"),
    [("cluster_topic_enable", "DefaultCluster"), ("broker_topic_enable", "broker-a")],
)
def test_clusters_and_brokers_own_topic_can_be_switched_off(setting, topic):
    assert topics(**{setting: False}).get(topic).perm == 1


def test_a_brokers_permission_is_what_name_servers_get():
    told = topics(broker_permission=4).registered()
    assert {one.perm for one in told.topics.values()} == {4}


def test_topics_come_back_from_their_file():
    before = topics()
    before.put(TopicConfig("orders", 3, 5), now_ms=9)
    after = topics()
    after.load(fastjson.loads(fastjson.dumps(before.to_json())))
    assert after.get("orders") == before.get("orders")
    assert after.version == before.version


def test_a_slaves_topics_become_the_masters():
    master, slave = topics(), topics()
    master.put(TopicConfig("orders"), 1)
    slave.put(TopicConfig("only here"), 2)
    assert slave.replace(master.to_json())
    assert slave.to_json() == master.to_json()
    assert not slave.replace(master.to_json())


def test_an_offset_that_was_never_committed_is_none():
    assert Offsets().get("kitchen", "orders", 0) is None


def test_committing_says_whether_the_group_went_back():
    offsets = Offsets()
    moves = [offsets.commit("kitchen", "orders", 0, at) for at in (0, 5, 5, 4)]
    assert moves == [False, False, False, True]


def test_offsets_are_saved_under_rocketmqs_keys():
    offsets = Offsets()
    offsets.commit("kitchen", "orders", 0, 5)
    offsets.commit("kitchen", "orders", 3, 6)
    text = fastjson.dumps(offsets.to_json())
    assert text == '{"offsetTable":{"orders@kitchen":{0:5,3:6}}}'


def test_offsets_come_back_from_their_file_and_those_it_lacks_stay():
    offsets = Offsets()
    offsets.commit("bar", "orders", 0, 1)
    offsets.load(fastjson.loads('{"offsetTable":{"orders@kitchen":{0:5,"3":6}}}'))
    assert offsets.get("kitchen", "orders", 3) == 6
    assert offsets.get("bar", "orders", 0) == 1


@pytest.mark.parametrize("table", [Offsets(), topics(), Groups(BrokerConfig(), 0)])
@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        {},
        {"offsetTable": 1, "topicConfigTable": 1, "subscriptionGroupTable": 1},
        {"offsetTable": {"a@b": {"x": 1}}},
    ],
)
def test_what_is_no_such_table_is_an_error_of_the_wire(table, found):
    with pytest.raises(WireError):
        table.load(found)


class Shelf:
    """Three tables and where they are saved."""

    def __init__(self, root) -> None:
        self.offsets = Offsets()
        self.folder = root / "config"
        tables = (topics(), Groups(BrokerConfig(), 0), self.offsets)
        paths = StorePaths(str(root))
        self.service = Persistence(RealDisk(), paths, tables, interval_s=5)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)


async def test_tables_are_saved_as_json_and_read_again(shelf, tmp_path):
    shelf.offsets.commit("kitchen", "orders", 0, 5)
    await shelf.service.step()
    assert json.loads((shelf.folder / "topics.json").read_text())["dataVersion"]
    again = Shelf(tmp_path)
    again.service.load()
    assert again.offsets.get("kitchen", "orders", 0) == 5


def test_a_table_that_did_not_change_is_not_written(shelf):
    shelf.service.save_changed()
    file = shelf.folder / "consumerOffset.json"
    file.unlink()
    shelf.service.save_changed()
    assert not file.exists()


@pytest.mark.parametrize("damage", ["", "{", '{"offsetTable":7}', None])
def test_a_damaged_file_gives_way_to_its_backup(shelf, tmp_path, damage):
    for offset in (5, 6):
        shelf.offsets.commit("kitchen", "orders", 0, offset)
        shelf.service.save_changed()
    file = shelf.folder / "consumerOffset.json"
    file.unlink() if damage is None else file.write_text(damage)
    again = Shelf(tmp_path)
    again.service.load()
    assert again.offsets.get("kitchen", "orders", 0) == 5


def test_without_file_and_backup_a_table_begins_empty(shelf):
    shelf.service.load()
    assert shelf.offsets.to_json() == {"offsetTable": {}}


def test_a_disk_that_refuses_leaves_the_old_file(shelf, caplog):
    shelf.offsets.commit("kitchen", "orders", 0, 5)
    shelf.service.save_changed()
    file = shelf.folder / "consumerOffset.json"
    (shelf.folder / "consumerOffset.json.tmp").mkdir()
    shelf.offsets.commit("kitchen", "orders", 0, 6)
    shelf.service.save_changed()
    assert ":5" in file.read_text()
    assert "cannot save consumerOffset.json" in caplog.text


def test_what_could_not_be_saved_is_saved_once_the_disk_takes_it(shelf, caplog):
    shelf.service.save_changed()
    in_the_way = shelf.folder / "consumerOffset.json.tmp"
    in_the_way.mkdir()
    shelf.offsets.commit("kitchen", "orders", 0, 5)
    for _ in range(3):
        shelf.service.save_changed()
    assert len(caplog.records) == 1  # said once
    in_the_way.rmdir()
    shelf.service.save_changed()
    assert "orders@kitchen" in (shelf.folder / "consumerOffset.json").read_text()
