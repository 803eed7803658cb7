"""A name server's settings while it runs."""

from __future__ import annotations

import pytest

from rmqlab.config import parse_properties
from rmqlab.errors import Refused
from rmqlab.namesrv.configuration import Configuration
from rmqlab.settings import NamesrvConfig
from rmqlab.store.real_disk import RealDisk


def lines(text):
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_settings_are_shown_and_what_else_the_file_says():
    found = parse_properties("listenPort=1\nserverWorkerThreads=8\nmine=yes\n")
    text = Configuration(NamesrvConfig(listen_port=1), found).text()
    assert text.count("listenPort=") == 1
    assert (
        lines(text).items()
        >= {
            "listenPort": "1",
            "orderMessageEnable": "false",
            "kvConfigPath": "~/namesrv/kvConfig.json",
            "serverChannelMaxIdleTimeSeconds": "120",
            "serverWorkerThreads": "8",
            "mine": "yes",
        }.items()
    )


def test_a_change_takes_effect_and_is_written_to_the_file(tmp_path):
    path, disk = tmp_path / "namesrv.properties", RealDisk()
    path.write_text("# mine\nmine=yes\n")
    config = NamesrvConfig(config_store_path=str(path))
    found = parse_properties(path.read_text())
    configuration = Configuration(config, found, disk)
    configuration.update(b"orderMessageEnable=true\nmine=no\nserverWorkerThreads=9\n")
    disk.close()
    assert config.order_message_enable
    assert path.read_text() == configuration.text()
    assert (
        lines(path.read_text()).items()
        >= {
            "orderMessageEnable": "true",
            "mine": "no",
            "serverWorkerThreads": "9",
        }.items()
    )
    assert (tmp_path / "namesrv.properties.bak").read_text() == "# mine\nmine=yes\n"


def test_a_key_that_nobody_knows_and_a_value_that_is_none_change_nothing(caplog):
    config = NamesrvConfig()
    configuration = Configuration(config)
    before = configuration.text()
    configuration.update(b"colour=red\nlistenPort=many\n")
    configuration.update(b"")
    assert configuration.text() == before
    assert "not changed colour=red" in caplog.text
    assert "not changed listenPort=many" in caplog.text


@pytest.mark.parametrize("key", ["kvConfigPath", "configStorePath"])
def test_nobody_moves_a_name_servers_files(key):
    configuration = Configuration(NamesrvConfig())
    with pytest.raises(Refused, match=r"^Can not update config path$") as refused:
        configuration.update(f"orderMessageEnable=true\n{key}=/etc/x\n".encode())
    assert refused.value.code == 16
    assert lines(configuration.text())["orderMessageEnable"] == "false"


@pytest.mark.parametrize("body", [b"a=\\u12", b"\xff=1"])
def test_a_text_that_is_no_properties_is_refused_with_rocketmqs_words(body):
    with pytest.raises(Refused, match=r"^string2Properties error$") as refused:
        Configuration(NamesrvConfig()).update(body)
    assert refused.value.code == 1


def test_a_disk_that_refuses_is_logged_and_the_change_holds(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    path, disk = tmp_path / "file" / "namesrv.properties", RealDisk()
    config = NamesrvConfig(config_store_path=str(path))
    Configuration(config, (), disk).update(b"orderMessageEnable=true")
    disk.close()
    assert config.order_message_enable
    assert "settings not saved" in caplog.text
