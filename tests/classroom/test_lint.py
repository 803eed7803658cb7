"""Lint: what RocketMQ would ignore without a word, misread, or refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from rmqlab.classroom import lint as linting
from rmqlab.classroom import topology
from rmqlab.classroom.lint import lint
from rmqlab.classroom.topology import ARTICLE, MODES, SHIPPED
from rmqlab.errors import ConfigError

HOSTS = "10.0.0.1 host1 ns1\n10.0.0.2 host2 ns2\n"
BROKERS = ("broker-a", "broker-a-s", "broker-b", "broker-b-s")
MISTAKES_IN_EACH = (
    ("mapedFileSizeCommitLog is read up to release 4.5.1", "write mappedFileSizeC"),
    ("mapedFileSizeConsumeQueue is read up to release 4.5.1", "write mappedFileSiz"),
    ("storePathConsumeQueue is read by no release", "remove it: consumequeue lies"),
    ("storePathIndex is read by no release", "remove it: index lies below"),
    ("storeCheckpoint is read by no release", "remove it: checkpoint lies below"),
    ("abortFile is read by no release", "remove it: abort lies below"),
)


@pytest.fixture
def check(tmp_path):
    """Return a function that lints a topology of these files."""

    def run(**files):
        (tmp_path / "hosts").write_text(HOSTS)
        for name, text in files.items():
            host, _, node = name.partition("_")
            path = tmp_path / host / f"{node}.properties"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return lint([tmp_path])

    return run


def broker(*lines, name="a", **settings):
    settings = {"brokerName": name, "namesrvAddr": "ns1:9876"} | settings
    return "\n".join([*lines, *(f"{k}={v}" for k, v in settings.items())]) + "\n"


@pytest.mark.parametrize("mode", MODES)
def test_the_shipped_modes_have_no_mistakes(mode):
    assert lint([Path(mode)]) == []


@pytest.fixture(scope="module")
def article():
    return lint([SHIPPED / ARTICLE])


@pytest.mark.parametrize("name", BROKERS)
@pytest.mark.parametrize(("what", "next_step"), MISTAKES_IN_EACH)
def test_every_mistake_of_the_articles_files_is_found(article, name, what, next_step):
    (found,) = (
        one
        for one in article
        if one.file == f"{name}.properties" and one.what.startswith(what)
    )
    assert found.next_step.startswith(next_step)
    text = (SHIPPED / ARTICLE / found.file).read_text()
    assert text.splitlines()[found.line - 1].startswith(what.split()[0] + "=")


@pytest.mark.parametrize(
    ("file", "other", "host"),
    [("broker-b-s", "broker-a", "host1"), ("broker-a-s", "broker-b", "host2")],
)
def test_the_articles_shared_stores_are_found(article, file, other, host):
    (found,) = (
        one
        for one in article
        if one.what.startswith("shares") and one.file == f"{file}.properties"
    )
    root = "/usr/local/rocketmq/store"
    assert found.what == f"shares storePathRootDir={root} with {other} on {host}"
    assert "Lock failed,MQ already started" in found.next_step


def test_nothing_else_of_the_articles_files_is_found_fault_with(article):
    assert len(article) == len(BROKERS) * len(MISTAKES_IN_EACH) + 2


@pytest.mark.parametrize(
    ("line", "what", "next_step"),
    [
        ("brokerRoll=SLAVE", "brokerRoll is no key of", "did you mean brokerRole?"),
        ("colour=blue", "colour is no key of", "remove it"),
        ("brokerRole=MASTER", "brokerRole: 'MASTER' is none of ASYNC", "the default"),
        ("brokerId=one", "brokerId: 'one' is no whole number", "the default stays"),
        ("maxMessageSize=4k", "maxMessageSize: '4k' is no", "the default stays"),
        ("brokerRole=SLAVE ", "brokerRole: 'SLAVE ' is none", "blanks at the end coun"),
        ("listenPort=10911 ", "listenPort: '10911 ' is no", "blanks at the end count"),
        ("fileReservedTime=48h", "fileReservedTime: '48h'", "the default stays"),
        ("namesrvAddr=ns1", "namesrvAddr has 'ns1'", "write host:port;host:port"),
        ("namesrvAddr=:9876", "namesrvAddr has ':9876'", "write host:port;host:port"),
        ("namesrvAddr=ns1:98765", "namesrvAddr has 'ns1:98765'", "write host:port;h"),
        ("namesrvAddr=ns3:9876", "name server 'ns3' does not resolve", "add the name"),
        ("namesrvAddr=10.0.0.300:9876", "name server '10.0.0.300' does", "add the na"),
        ("autoCreateTopicEnable=yes", "autoCreateTopicEnable: 'yes' is", "write true"),
        (
            "slaveReadEnable=true ",
            "slaveReadEnable: 'true ' is read as",
            "write true o",
        ),
        ("aclEnable=1", "aclEnable: '1' is read as false", "write true or false"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_would_do(
    check, line, what, next_step
):
    (found,) = check(host1_a=broker("# a comment", line))
    assert (found.file, found.line) == ("a.properties", 2)
    assert found.what.startswith(what)
    assert found.next_step.startswith(next_step)


@pytest.mark.parametrize(
    "line",
    [
        "brokerRole=SYNC_MASTER",
        "fileReservedTime=48",
        "deleteWhen=04",
        "slaveReadEnable=true",
        "slaveReadEnable=TRUE",
        "aclEnable=no",  # anything but true is false
        "namesrvAddr=ns1:9876;ns2:9876",
        "namesrvAddr=192.168.157.128:9876",
        "#storePathIndex=/x",
    ],
)
def test_what_rocketmq_reads_is_no_mistake(check, line):
    assert check(host1_a=broker(line)) == []


def test_a_name_servers_file_is_read_as_one(check):
    found = check(host1_namesrv1="listenPort=9876\nkvConfigPath=/x\nbrokerRole=SLAVE\n")
    assert [(one.line, one.what) for one in found] == [
        (3, "brokerRole is no key of RocketMQ and ignored")
    ]


def test_a_slave_without_an_id_is_found(check):
    (found,) = check(host1_a=broker(brokerRole="SLAVE"))
    assert found.what == "a slave with brokerId=0 does not start"
    assert found.next_step == "give it brokerId=1 or more"


def test_a_store_that_two_brokers_of_a_host_share_is_found(check):
    one = broker(listenPort=10911, storePathRootDir="/data/store")
    two = broker(listenPort=10921, storePathRootDir="/data/store", name="b")
    (found,) = check(host1_a=one, host1_b=two)
    assert found.file == "b.properties"
    assert found.what == "shares storePathRootDir=/data/store with a on host1"


def test_a_store_is_the_same_however_its_path_is_written(check):
    one = broker(listenPort=10911, storePathRootDir="/data/store")
    two = broker(listenPort=10921, storePathRootDir="/data//store/", name="b")
    (found,) = check(host1_a=one, host1_b=two)
    assert found.what == "shares storePathRootDir=/data//store/ with a on host1"


def test_a_log_that_two_brokers_share_is_found_though_their_roots_differ(check):
    one = broker("storePathCommitLog=/log", listenPort=10911, storePathRootDir="/one")
    two = broker("storePathCommitLog=/log", storePathRootDir="/two", name="b")
    (found,) = check(host1_a=one, host1_b=two + "listenPort=10921\n")
    assert (found.file, found.line) == ("b.properties", 1)
    assert found.what == "shares storePathCommitLog=/log with a on host1"
    assert found.next_step.startswith("give it a log of its own")


def test_what_is_no_text_is_said_in_one_line(check):
    (found,) = check(host1_a="\x7fELF\0\0brokerName=a\n")
    assert str(found) == "a.properties: this is no text  → name a .properties file"


def test_a_default_store_that_two_brokers_share_is_found(check):
    (found,) = check(host1_a=broker(), host1_b=broker(listenPort=10921, name="b"))
    assert found.what.startswith("shares storePathRootDir=~/store with a")


def test_the_same_path_on_two_hosts_is_two_stores(check):
    assert check(host1_a=broker(), host2_b=broker(name="b")) == []


@pytest.mark.parametrize(
    ("port", "what"),
    [
        (10911, "port 10909 (VIP, listenPort-2) on host1 is a (VIP, listenPort-2)'s"),
        (10909, "port 10909 (listenPort) on host1 is a (VIP, listenPort-2)'s"),
        (10910, "port 10911 (HA, listenPort+1) on host1 is a (listenPort)'s"),
        (10912, "port 10912 (listenPort) on host1 is a (HA, listenPort+1)'s"),
        (10913, "port 10911 (VIP, listenPort-2) on host1 is a (listenPort)'s"),
        (10914, "port 10912 (VIP, listenPort-2) on host1 is a (HA, listenPort+1)'s"),
        (10908, "port 10909 (HA, listenPort+1) on host1 is a (VIP, listenPort-2)'s"),
    ],
)
def test_ports_that_collide_are_found(check, port, what):
    one = broker(listenPort=10911, storePathRootDir="/one")
    two = broker(listenPort=port, storePathRootDir="/two", name="b")
    found = check(host1_a=one, host1_b=two)
    assert found[0].what.startswith(what)
    assert found[0].next_step == "keep listenPorts at least 4 apart"


@pytest.mark.parametrize("port", [10907, 10915])
def test_ports_four_apart_do_not_collide(check, port):
    one = broker(listenPort=10911, storePathRootDir="/one")
    two = broker(listenPort=port, storePathRootDir="/two", name="b")
    assert check(host1_a=one, host1_b=two) == []


def test_a_broker_on_its_name_servers_port_is_found(check):
    (found,) = check(host1_namesrv1="", host1_a=broker(listenPort=9878))
    assert found.what == (
        "port 9876 (VIP, listenPort-2) on host1 is namesrv1 (listenPort)'s already"
    )


def test_loose_files_are_checked_as_if_they_ran_on_one_host(tmp_path, monkeypatch):
    monkeypatch.setattr(linting, "_system_resolves", lambda name: name == "ns1")
    for name in "ab":
        text = broker(name=name, storePathRootDir=f"/{name}")
        (tmp_path / f"{name}.properties").write_text(text)
    found = lint([tmp_path / "a.properties", tmp_path / "b.properties"])
    assert [one.file for one in found] == ["b.properties"] * 3
    assert all("on one host (if both run there)" in one.what for one in found)


def test_a_loose_files_name_server_is_asked_of_the_system(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(linting.socket, "getaddrinfo", lambda *what: asked.append(what))
    path = tmp_path / "a.properties"
    path.write_text(broker())
    assert lint([path]) == []
    assert asked == [("ns1", None)]


def test_a_finding_reads_as_file_line_what_and_what_to_do(check):
    (found,) = check(host1_a=broker("colour=blue"))
    assert str(found) == (
        "a.properties:1: colour is no key of RocketMQ and ignored  → remove it"
    )


def test_a_finding_without_a_line_names_the_file_only(check):
    (found,) = check(host1_a=broker(brokerRole="SLAVE"))
    assert str(found).startswith("a.properties: a slave with brokerId=0")


def test_a_folder_that_is_no_topology_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="hosts is missing"):
        lint([tmp_path])


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        lint([tmp_path / "nowhere.properties"])


@pytest.mark.parametrize("name", topology.NAMES)
def test_a_shipped_topology_is_linted_by_its_name(name):
    by_folder = [str(one) for one in lint([topology.load(name).folder])]
    assert [str(one) for one in lint([Path(name)])] == by_folder
    assert bool(by_folder) is (name == topology.ARTICLE)


def test_a_labs_own_key_is_named_for_whoever_takes_the_file_to_a_real_broker(check):
    (found,) = check(host1_a=broker("labSendMillis=50"))
    assert (found.line, found.what.split(" ")[0]) == (1, "labSendMillis")
    assert "RocketMQ does not know it" in found.what


def test_a_key_that_stands_in_both_spellings_is_right_for_every_release(tmp_path):
    path = tmp_path / "broker.properties"
    path.write_text("mapedFileSizeCommitLog=1024\nmappedFileSizeCommitLog=1024\n")
    assert lint([path]) == []
