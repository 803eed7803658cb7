"""A broker's settings, changed while it runs."""

from __future__ import annotations

from dataclasses import fields

import pytest

from rmqlab.broker.configuration import FIXED, Configuration, SettingsFile
from rmqlab.config import parse_properties
from rmqlab.errors import Refused
from rmqlab.protocol import fastjson
from rmqlab.protocol.admin import BrokerConfigReply, GetBrokerConfig, UpdateBrokerConfig
from rmqlab.protocol.codes import ResponseCode
from rmqlab.settings import BrokerConfig, BrokerRole, FlushDiskType, StoreConfig
from rmqlab.store.real_disk import RealDisk


def update(desk, text):
    return desk.ask(UpdateBrokerConfig(), text.encode())


def shown(desk):
    return keys_in(desk.ask(GetBrokerConfig()).body)


def keys_in(text):
    return {one.key: one.value for one in parse_properties(text)}


def test_a_change_takes_effect_at_once_and_is_shown(desk):
    assert update(desk, "autoCreateTopicEnable=false").code == ResponseCode.SUCCESS
    assert desk.send().code == ResponseCode.TOPIC_NOT_EXIST
    assert shown(desk)["autoCreateTopicEnable"] == "false"


def test_each_change_raises_the_settings_version_and_no_topics(desk):
    def version():
        reply = BrokerConfigReply.parse(desk.ask(GetBrokerConfig()).fields)
        return fastjson.loads(reply.version)["counter"]

    topics = desk.broker.memory.topics.version
    assert version() == 0
    update(desk, "fileReservedTime=48")
    assert version() == 1
    assert desk.broker.memory.topics.version == topics


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("fileReservedTime=soon", "fileReservedTime=soon: 'soon' is no whole number"),
        ("traceOn=maybe", "traceOn=maybe: write true or false"),
        ("deleteWhen=25", "deleteWhen=25 cannot be used"),
        ("brokerRole=KING", "brokerRole=KING: 'KING' is none of ASYNC_MASTER"),
        ("listenPort=99999", "listenPort=99999 cannot be used"),
    ],
)
def test_a_value_that_cannot_be_used_changes_nothing_at_all(desk, line, why):
    before = shown(desk)
    answer = update(desk, f"regionId=r\n{line}\nmaxMessageSize=1\n")
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark.startswith(f"nothing is changed, {why}")
    assert shown(desk) == before


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=\\u12"])
def test_what_is_no_properties_text_is_refused(desk, body):
    answer = desk.ask(UpdateBrokerConfig(), body)
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert answer.remark == "string2Properties error"


def test_nobody_moves_the_file_that_is_written_to(desk):
    answer = update(desk, "brokerConfigPath=elsewhere")
    assert answer.code == ResponseCode.NO_PERMISSION
    assert answer.remark == "Can not update config path"


def test_what_a_broker_is_made_of_waits_for_its_next_start(desk):
    answer = update(desk, "brokerRole=SLAVE\nbrokerName=other\nregionId=r")
    assert answer.code == ResponseCode.SUCCESS
    assert answer.remark == "taken at the next start: brokerRole, brokerName"
    assert desk.broker.store.config.broker_role is BrokerRole.ASYNC_MASTER
    assert desk.broker.config.broker_name == "broker-a"
    assert desk.broker.config.region_id == "r"
    found = shown(desk)
    assert (found["brokerRole"], found["brokerName"]) == ("SLAVE", "other")


def test_each_setting_that_waits_for_the_next_start_is_one():
    names = {one.name for kind in (BrokerConfig, StoreConfig) for one in fields(kind)}
    assert FIXED - names == set()


def test_a_permission_that_is_taken_away_is_told_to_the_name_servers(desk):
    topics = desk.broker.memory.topics
    before = topics.version
    update(desk, "brokerPermission=4")
    assert topics.version == before + 1
    assert {one.perm for one in topics.registered().topics.values()} == {4}


def configuration(folder, text):
    file = folder / "broker.properties"
    file.write_text(text)
    found = tuple(parse_properties(text))
    config, store_config = BrokerConfig(broker_name="broker-a"), StoreConfig()
    settings_file = SettingsFile(str(file), found)
    disk = RealDisk()
    return Configuration(config, store_config, disk, settings_file, 0), file


def test_the_file_has_every_setting_then_and_its_backup_what_it_was(tmp_path):
    text = "# mine\nmyKey=7\nsendMessageThreadPoolNums=2\n"
    changed, file = configuration(tmp_path, text)
    changed.update(b"fileReservedTime=48\nsendMessageThreadPoolNums=3\nnoSuch=1", 5)
    found = keys_in(file.read_text())
    assert found["fileReservedTime"] == "48"
    assert found["brokerName"] == "broker-a"
    assert (found["myKey"], found["sendMessageThreadPoolNums"]) == ("7", "3")
    assert "noSuch" not in found
    assert (tmp_path / "broker.properties.bak").read_text() == text


def test_what_is_refused_is_not_in_the_file(tmp_path):
    changed, file = configuration(tmp_path, "regionId=x\n")
    with pytest.raises(Refused):
        changed.update(b"regionId=y\nfileReservedTime=soon", 5)
    assert file.read_text() == "regionId=x\n"


def test_a_disk_that_refuses_the_file_lets_the_change_stand(tmp_path, caplog):
    changed, _ = configuration(tmp_path, "regionId=x\n")
    changed._path = str(tmp_path / "broker.properties/inside")
    changed.update(b"regionId=y", 5)
    assert keys_in(changed.text())["regionId"] == "y"
    assert "settings not saved" in caplog.text


async def test_intervals_and_limits_of_a_running_broker_follow_the_settings(desk):
    broker = desk.broker
    text = """
        flushIntervalCommitLog=50
        flushIntervalConsumeQueue=60
        longPollingEnable=false
        shortPollingTimeMills=70
        syncFlushTimeout=80
        regionId=there
    """
    update(desk, text)
    services = {type(one).__name__: one for one in broker._services()}
    for name in ("LogFlush", "QueueFlush", "HoldScan"):
        await services[name].step()
    found = {
        name: services[name].interval_s
        for name in ("LogFlush", "QueueFlush", "HoldScan")
    }
    assert found == {"LogFlush": 0.05, "QueueFlush": 0.06, "HoldScan": 0.07}
    assert desk.send().fields["MSG_REGION"] == "there"


async def test_the_time_that_a_flush_may_take_follows_the_settings(desk_with):
    desk = desk_with(flush_disk_type=FlushDiskType.SYNC_FLUSH)
    update(desk, "syncFlushTimeout=70")
    assert desk.send() is None
    assert desk.broker._dispatch.flushed.limit_s == 0.07
