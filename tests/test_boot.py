"""mqnamesrv and mqbroker as processes: what they print, how they end, what stays."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from rmqlab.broker import __main__ as mqbroker
from rmqlab.broker.settle import settle
from rmqlab.client import Admin, Producer, SendStatus
from rmqlab.config import parse_properties
from rmqlab.errors import DiskFull
from rmqlab.namesrv import __main__ as mqnamesrv
from rmqlab.protocol.message import Message, MessageQueue
from rmqlab.protocol.routing import (
    GetKvConfig,
    GetNamesrvConfig,
    PutKvConfig,
    UpdateNamesrvConfig,
)
from rmqlab.remoting import RemotingClient
from rmqlab.settings import BrokerConfig, StoreConfig
from tests.support import HOST, free_port, make_broker, name_server, until

BOUND_S = 60.0
NAMESRV, BROKER = "rmqlab.namesrv", "rmqlab.broker"
ORDERS = MessageQueue("orders", "broker-a", 0)


class Program:
    """A running mqnamesrv or mqbroker."""

    def __init__(self, process) -> None:
        self.process = process

    async def line(self):
        async with asyncio.timeout(BOUND_S):
            return (await self.process.stdout.readline()).decode().rstrip("\n")

    async def ended(self):
        """Return exit code, output that was not read yet, and errors."""
        async with asyncio.timeout(BOUND_S):
            out, err = await self.process.communicate()
        return self.process.returncode, out.decode(), err.decode()

    async def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return await self.ended()


@asynccontextmanager
async def program(home, module, *arguments):
    """Start one; whatever happens, it does not outlive the test."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "-m",
        module,
        *arguments,
        env={**os.environ, "RMQLAB_LOG_DIR": str(home / "logs"), "HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def written(folder, **settings):
    """Write a broker's file and return its path."""
    settings = {
        "brokerName": "broker-a",
        "brokerIP1": HOST,
        "listenPort": free_port(),
        "storePathRootDir": folder / "store",
        "mappedFileSizeCommitLog": 1 << 20,
        "mappedFileSizeConsumeQueue": 6000,
    } | settings
    path = folder / "broker.properties"
    path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return path


def said(folder, name):
    return (folder / "logs" / f"{name}.log").read_text()


async def test_a_name_server_prints_rocketmqs_boot_line(tmp_path):
    path = tmp_path / "namesrv.properties"
    path.write_text(f"listenPort={free_port()}\n")
    async with program(tmp_path, NAMESRV, "-c", str(path)) as running:
        assert await running.line() == f"load config properties file OK, {path}"
        assert await running.line() == (
            "The Name Server boot success. serializeType=JSON"
        )


async def test_a_broker_prints_rocketmqs_boot_line(tmp_path):
    port = free_port()
    path = written(tmp_path, listenPort=port)
    async with program(tmp_path, BROKER, "-c", str(path)) as running:
        assert await running.line() == (
            f"The broker[broker-a, {HOST}:{port}] boot success. serializeType=JSON"
        )


async def test_a_broker_with_a_name_server_names_it_and_is_registered(tmp_path):
    async with name_server() as server:
        path = written(tmp_path, namesrvAddr="127.0.0.1:1")
        arguments = "-c", str(path), "-n", server.address
        async with program(tmp_path, BROKER, *arguments) as running:
            line = await running.line()
            assert line.endswith(f"and name server is {server.address}")
            assert list(server.routes.cluster().brokers) == ["broker-a"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_name_server_that_is_told_to_stop_exits_with_0(tmp_path, number):
    path = tmp_path / "namesrv.properties"
    path.write_text(f"listenPort={free_port()}\n")
    async with program(tmp_path, NAMESRV, "-c", str(path)) as running:
        await running.line()
        await running.line()
        assert await running.stop(number) == (0, "", "")


async def test_a_killed_name_server_keeps_its_values_and_its_changed_settings(tmp_path):
    port, client = free_port(), RemotingClient()
    path, at = tmp_path / "namesrv.properties", f"{HOST}:{port}"
    path.write_text(f"listenPort={port}\nmine=yes\n")
    async with program(tmp_path, NAMESRV, "-c", str(path)) as running:
        await running.line()
        await running.line()
        await client.ask(at, PutKvConfig("n", "k", "v"))
        await client.ask(at, UpdateNamesrvConfig(), b"orderMessageEnable=true")
        await running.stop(signal.SIGKILL)
    await client.close()
    assert (tmp_path / "namesrv/kvConfig.json").read_text() == (
        '{"configTable":{"n":{"k":"v"}}}'
    )
    client = RemotingClient()
    async with program(tmp_path, NAMESRV, "-c", str(path)) as running:
        await running.line()
        await running.line()
        assert (await client.ask(at, GetKvConfig("n", "k"))).fields == {"value": "v"}
        text = (await client.ask(at, GetNamesrvConfig())).body.decode()
    await client.close()
    assert "orderMessageEnable=true\n" in text
    assert "mine=yes\n" in text


async def test_a_name_server_does_not_start_with_a_file_that_is_no_table(tmp_path):
    (tmp_path / "namesrv").mkdir()
    (tmp_path / "namesrv/kvConfig.json").write_text("[]")
    async with program(tmp_path, NAMESRV) as running:
        code, _, error = await running.ended()
    assert (code, error.startswith("cannot use ")) == (255, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_broker_that_is_told_to_stop_exits_with_0_and_without_abort_file(
    tmp_path, number
):
    abort = tmp_path / "store/abort"
    async with program(tmp_path, BROKER, "-c", str(written(tmp_path))) as running:
        await running.line()
        assert abort.exists()
        assert await running.stop(number) == (0, "", "")
    assert not abort.exists()


async def test_a_broker_that_stops_is_gone_from_the_name_server(tmp_path):
    async with name_server() as server:
        path = written(tmp_path, namesrvAddr=server.address)
        async with program(tmp_path, BROKER, "-c", str(path)) as running:
            await running.line()
            await running.stop()
        assert server.routes.cluster().brokers == {}


async def test_after_kill_9_everything_acknowledged_is_there(tmp_path):
    bodies = [b"%d" % number for number in range(20)]
    async with name_server() as server:
        path = written(tmp_path, namesrvAddr=server.address)
        arguments = BROKER, "-c", str(path)
        async with (
            program(tmp_path, *arguments) as running,
            Producer("shop", server.address) as producer,
        ):
            await running.line()
            for body in bodies:
                result = await producer.send(Message("orders", body), ORDERS)
                assert result.status is SendStatus.SEND_OK
            code, _, _ = await running.stop(signal.SIGKILL)
            assert code == -signal.SIGKILL
        assert (tmp_path / "store/abort").exists()
        await until(lambda: server.routes.cluster().brokers == {})
        async with (
            program(tmp_path, *arguments) as running,
            Admin(server.address) as admin,
        ):
            await running.line()
            found = [one.body async for one in admin.messages(ORDERS)]
            assert (await running.stop())[0] == 0
    assert found == bodies
    assert not (tmp_path / "store/abort").exists()
    assert "crash=True" in said(tmp_path, "broker")


async def test_a_second_broker_on_the_same_store_exits_with_rocketmqs_text(tmp_path):
    store = tmp_path / "broker-a-0"
    async with make_broker(tmp_path):
        path = written(tmp_path, storePathRootDir=store)
        async with program(tmp_path, BROKER, "-c", str(path)) as second:
            code, _, err = await second.ended()
    assert code == 255
    assert err == f"Lock failed,MQ already started (storePathRootDir={store})\n"


@pytest.mark.parametrize("offset", [-2, 0, 1])
async def test_a_broker_whose_port_is_taken_names_its_three_ports(tmp_path, offset):
    port = free_port()
    path = written(tmp_path, listenPort=port)
    with socket.create_server((HOST, port + offset)):
        async with program(tmp_path, BROKER, "-c", str(path)) as running:
            code, _, err = await running.ended()
    assert code == 255
    assert err.startswith(f"cannot listen on {port}, {port - 2} and {port + 1}: ")
    assert f"{port + offset}): " in err
    assert "address already in use" in err


async def test_a_name_server_whose_port_is_taken_names_it(tmp_path):
    path = tmp_path / "namesrv.properties"
    async with name_server() as server:
        path.write_text(f"listenPort={server.port}\n")
        async with program(tmp_path, NAMESRV, "-c", str(path)) as running:
            code, _, err = await running.ended()
    assert code == 255
    assert err.startswith(f"cannot listen on port {server.port}: ")
    assert "address already in use" in err


async def test_lines_without_effect_are_in_the_log(tmp_path):
    path = written(tmp_path, storePathIndex="x", maxMessageSize="64k", deleteWhen="04")
    async with program(tmp_path, BROKER, "-c", str(path)) as running:
        await running.line()
        await running.stop()
    ignored = re.findall(r"ignored line=\d+ (\S+): (.*)", said(tmp_path, "broker"))
    assert ignored == [
        ("storePathIndex=x", "no such key"),
        ("maxMessageSize=64k", "'64k' is no whole number"),
    ]


@pytest.fixture
def built(monkeypatch, tmp_path, capsys):
    """Return a function that has a main read its flags: exit code, output, errors."""
    monkeypatch.setenv("RMQLAB_LOG_DIR", str(tmp_path / "logs"))

    def build(main, *arguments):
        with pytest.raises(SystemExit) as told:
            main.build(list(arguments))
        printed = capsys.readouterr()
        return told.value.code, printed.out, printed.err

    return build


@pytest.mark.parametrize("flag", ["-p", "-m"])
def test_a_broker_prints_its_settings_as_properties(built, tmp_path, flag):
    path = written(tmp_path, brokerRole="SYNC_MASTER", brokerId=7)
    code, out, _ = built(mqbroker, "-c", str(path), flag)
    found = {one.key: one.value for one in parse_properties(out)}
    assert code == 0
    assert found["brokerRole"] == "SYNC_MASTER"
    assert found["brokerId"] == "0"  # a master's always is
    assert found["brokerIP2"] == HOST


def test_a_name_server_prints_its_settings_as_properties(built):
    code, out, err = built(mqnamesrv, "-p")
    assert (code, err) == (0, "")
    assert out.startswith("listenPort=9876\nbindAddress=127.0.0.1\nkvConfigPath=")
    assert out.endswith("serverChannelMaxIdleTimeSeconds=120\n")


@pytest.mark.parametrize("main", [mqbroker, mqnamesrv])
def test_help_prints_the_flags_and_exits_as_rocketmqs_does(built, main):
    code, out, _ = built(main, "-h")
    assert code == 255
    assert all(flag in out for flag in ("-c", "-h", "-n", "-p"))


@pytest.mark.parametrize("main", [mqbroker, mqnamesrv])
def test_an_unknown_flag_is_named(built, main):
    code, _, err = built(main, "--colour")
    assert code == 255
    assert err.endswith("unrecognized arguments: --colour\n")


@pytest.mark.parametrize("main", [mqbroker, mqnamesrv])
def test_a_file_that_is_not_there_is_named(built, main, tmp_path):
    path = tmp_path / "nowhere.properties"
    code, _, err = built(main, "-c", str(path))
    assert (code, err) == (255, f"cannot read {path}: No such file or directory\n")


def test_a_slave_without_an_id_does_not_start(built, tmp_path):
    path = written(tmp_path, brokerRole="SLAVE", brokerId=0)
    code, _, err = built(mqbroker, "-c", str(path))
    assert (code, err) == (253, "Slave's brokerId must be > 0\n")


def test_an_option_for_java_that_is_no_number_does_not_start(
    built, tmp_path, monkeypatch
):
    option = "-Drocketmq.broker.diskSpaceWarningLevelRatio=much"
    monkeypatch.setenv("JAVA_OPT_EXT", f"-Xmx1g {option}")
    code, _, err = built(mqbroker, "-c", str(written(tmp_path)))
    assert (code, err.partition(":")[0]) == (253, f"{option} cannot be used")


@pytest.mark.parametrize("address", ["nameserver1", "a:1;b", "a:port"])
def test_a_name_server_address_that_is_none_does_not_start(built, tmp_path, address):
    path = written(tmp_path, namesrvAddr=address)
    code, _, err = built(mqbroker, "-c", str(path))
    assert code == 253
    assert err.startswith(f"The Name Server Address[{address}] illegal, please set it")


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("listenPort", 1, "with listenPort-2 and listenPort+1: allowed 3 to 65534"),
        ("listenPort", 65_535, "with listenPort-2 and listenPort+1: allowed 3 to"),
        ("listenPort", -5, "with listenPort-2 and listenPort+1: allowed 3 to 65534"),
        ("mappedFileSizeCommitLog", 0, "write its bytes, such as 1073741824"),
        ("mappedFileSizeConsumeQueue", -20, "write its bytes, such as 6000000"),
    ],
)
def test_a_number_that_cannot_be_used_is_told_with_what_can(
    built, tmp_path, key, value, why
):
    code, _, err = built(mqbroker, "-c", str(written(tmp_path, **{key: value})))
    assert code == 253
    assert err.startswith(f"{key}={value} cannot be used")
    assert why in err


async def test_a_port_that_there_is_not_is_told_by_a_name_server(tmp_path):
    path = tmp_path / "namesrv.properties"
    path.write_text("listenPort=70000\n")
    async with program(tmp_path, NAMESRV, "-c", str(path)) as running:
        code, _, err = await running.ended()
    assert code == 255
    assert err.startswith("cannot listen on port 70000: ")


def test_a_brokers_name_is_looked_up_for_its_address(built, tmp_path):
    path = written(tmp_path, brokerIP1="localhost")
    _, out, _ = built(mqbroker, "-c", str(path), "-p")
    assert "brokerIP1=127.0.0.1\n" in out


def test_a_brokers_name_that_does_not_resolve_is_told_with_what_to_do(
    built, tmp_path, monkeypatch
):
    def unknown(name):
        raise OSError

    monkeypatch.setattr(socket, "gethostbyname", unknown)
    code, _, err = built(mqbroker, "-c", str(written(tmp_path, brokerIP1="master1")))
    assert code == 253
    assert err.startswith("brokerIP1=master1 is no IPv4 address and does not resolve")


@pytest.mark.parametrize("main", [mqbroker, mqnamesrv])
def test_a_file_of_rubbish_sets_nothing(built, main, tmp_path):
    path = tmp_path / "rubbish.properties"
    path.write_bytes(bytes(range(256)) * 4)
    code, out, _ = built(main, "-c", str(path), "-p")
    found = {one.key: one.value for one in parse_properties(out)}
    assert code == 0
    assert found["listenPort"] == ("10911" if main is mqbroker else "9876")


def test_the_homes_sign_is_the_users_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/learner")
    config, store = BrokerConfig(broker_i_p1=HOST), StoreConfig()
    settle(config, store, mqbroker.site())
    assert store.store_path_root_dir == "/home/learner/store"


def test_a_broker_without_a_name_has_its_hosts():
    config = BrokerConfig(broker_i_p1=HOST)
    settle(config, StoreConfig(), mqbroker.site())
    assert config.broker_name == socket.gethostname()


def test_a_store_that_cannot_be_used_is_told_with_its_folder(tmp_path):
    broker = make_broker(tmp_path)
    error = DiskFull("cannot write: No space left on device")
    text, code = mqbroker.explain(error, broker)
    assert code == 253
    assert text.startswith("cannot write: No space left on device (storePathRootDir=")
