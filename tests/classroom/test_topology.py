"""Topologies: the article's four modes, its own files, and folders that are none."""

from __future__ import annotations

import re
import shutil

import pytest

from rmqlab.classroom.topology import ARTICLE, MODES, SHIPPED, load
from rmqlab.config import parse_properties
from rmqlab.errors import ConfigError
from rmqlab.settings import BrokerRole

MENDED = "2m-2s-sync"
BROKERS = ("broker-a", "broker-a-s", "broker-b", "broker-b-s")
WAS = "# was "
MASTERS = {"1m": 1, "2m-noslave": 2, "2m-2s-async": 2, "2m-2s-sync": 2}
SLAVES = {"1m": 0, "2m-noslave": 0, "2m-2s-async": 2, "2m-2s-sync": 2}


def roles(plan):
    return [node.role for node in plan.nodes]


def mended_file(name):
    return next((SHIPPED / MENDED).glob(f"*/{name}.properties"))


def undone(text):
    """Return a mended file as it was: what replaced a `# was` line goes, and why."""
    lines, result = text.splitlines(), []
    known = {line.removeprefix(WAS) for line in lines if line.startswith(WAS)}
    for line in lines:
        if line.startswith(WAS):
            result.append(line.removeprefix(WAS))
        elif not line.startswith("# ") and not replaces(line, known):
            result.append(line)
    return "\n".join(result) + "\n"


def replaces(line, known):
    """Whether a line stands in for one of those that were there before."""
    key = line.partition("=")[0]
    olds = {old.partition("=")[0].replace("maped", "mapped") for old in known}
    return not line.startswith("#") and key in olds


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_has_its_masters_and_slaves(mode):
    plan = load(mode)
    masters = [role for role in roles(plan) if role.endswith("MASTER")]
    assert plan.name == mode
    assert (len(masters), roles(plan).count("SLAVE")) == (MASTERS[mode], SLAVES[mode])


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_has_a_name_server_on_every_host(mode):
    plan = load(mode)
    hosts = [node.host for node in plan.nodes if node.is_namesrv]
    assert sorted(host.name for host in hosts) == sorted(h.name for h in plan.hosts)


def test_name_servers_start_first_and_slaves_last():
    assert roles(load("2m-2s-async")) == [
        *["NAMESRV"] * 2,
        *["ASYNC_MASTER"] * 2,
        *["SLAVE"] * 2,
    ]


@pytest.mark.parametrize("mode", MODES)
def test_brokers_know_every_name_server_of_the_mode(mode):
    plan = load(mode)
    wanted = {f"{node.host.address}:9876" for node in plan.nodes if node.is_namesrv}
    for node in (one for one in plan.nodes if not one.is_namesrv):
        names = (one.rpartition(":") for one in node.broker.namesrv_addr.split(";"))
        assert {f"{plan.names[host]}:{port}" for host, _, port in names} == wanted


@pytest.mark.parametrize("mode", ["2m-2s-async", "2m-2s-sync"])
def test_a_slave_runs_on_another_host_than_its_master(mode):
    plan = load(mode)
    hosts = {
        (node.broker.broker_name, node.broker.broker_id): node.host.name
        for node in plan.nodes
        if not node.is_namesrv
    }
    assert len(hosts) == 4
    for name in ("broker-a", "broker-b"):
        assert hosts[name, 0] != hosts[name, 1]


@pytest.mark.parametrize(
    ("mode", "role"),
    [("2m-2s-async", BrokerRole.ASYNC_MASTER), ("2m-2s-sync", BrokerRole.SYNC_MASTER)],
)
def test_a_modes_name_says_how_its_masters_replicate(mode, role):
    masters = {
        node.store.broker_role
        for node in load(mode).nodes
        if node.role.endswith("MASTER")
    }
    assert masters == {role}


def test_the_articles_flat_files_are_laid_out_on_its_two_hosts():
    placed = {(node.host.name, node.name) for node in load(ARTICLE).nodes}
    assert placed == {
        ("host1", "namesrv1"),
        ("host1", "broker-a"),
        ("host1", "broker-b-s"),
        ("host2", "namesrv2"),
        ("host2", "broker-b"),
        ("host2", "broker-a-s"),
    }


def test_a_copy_of_the_articles_files_needs_no_hosts_file(tmp_path):
    for name in BROKERS:
        shutil.copy(SHIPPED / ARTICLE / f"{name}.properties", tmp_path)
    own = tmp_path / "broker-a.properties"
    own.write_text(own.read_text().replace("SYNC_MASTER", "ASYNC_MASTER"))
    plan = load(tmp_path)
    found = {node.name: node.role for node in plan.nodes}
    assert found["broker-a"] == "ASYNC_MASTER"
    assert plan.names["rocketmq-nameserver1"] == "192.168.157.128"


@pytest.mark.parametrize("name", BROKERS)
def test_the_mended_files_undone_are_the_articles(name):
    article = (SHIPPED / ARTICLE / f"{name}.properties").read_text()
    assert undone(mended_file(name).read_text()) == article


@pytest.mark.parametrize("name", BROKERS)
def test_every_mended_place_gives_a_reason(name):
    lines = mended_file(name).read_text().splitlines()[1:]
    places = [at for at, line in enumerate(lines) if line.startswith(WAS)]
    excused = 0
    for at in places:
        reason = lines[at + 1]
        if excused:  # 'this key or the next three'
            excused -= 1
            continue
        assert re.match(r"# [A-Z]", reason), lines[at]
        excused = 3 if "the next three" in reason else 0


@pytest.mark.parametrize("name", BROKERS)
def test_a_mended_file_says_nothing_that_has_no_effect(name):
    properties = parse_properties(mended_file(name).read_text())
    article = (SHIPPED / ARTICLE / f"{name}.properties").read_text()
    gone = {one.key for one in parse_properties(article)} - {p.key for p in properties}
    assert gone == {
        "mapedFileSizeCommitLog",
        "mapedFileSizeConsumeQueue",
        "storePathConsumeQueue",
        "storePathIndex",
        "storeCheckpoint",
        "abortFile",
    }


def folder(root, files, hosts="10.0.0.1 host1\n10.0.0.2 host2\n"):
    """Lay a topology's files out and return its folder."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    if hosts is not None:
        (root / "hosts").write_text(hosts)
    return root


def test_a_folder_of_ones_own_is_a_topology(tmp_path):
    files = {"host1/namesrv1.properties": "", "host2/a.properties": "brokerName=a\n"}
    plan = load(folder(tmp_path, files))
    assert [(one.name, one.host.name) for one in plan.nodes] == [
        ("namesrv1", "host1"),
        ("a", "host2"),
    ]


def test_a_hosts_file_may_have_comments_and_blank_lines(tmp_path):
    hosts = "# mine\n\n10.0.0.1 host1 ns # the first\n"
    plan = load(folder(tmp_path, {"host1/a.properties": ""}, hosts))
    assert plan.names == {"host1": "10.0.0.1", "ns": "10.0.0.1"}


def test_a_later_line_of_an_address_adds_names_to_its_host(tmp_path):
    hosts = "10.0.0.1 host1 ns\n10.0.0.2 host2\n10.0.0.1 broker\n"
    plan = load(folder(tmp_path, {"host1/a.properties": ""}, hosts))
    assert [host.name for host in plan.hosts] == ["host1", "host2"]
    assert plan.hosts[0].aliases == ("ns", "broker")


def test_a_masters_id_is_0_whatever_its_file_says(tmp_path):
    files = {"host1/a.properties": "brokerId=7\n"}
    (node,) = load(folder(tmp_path, files)).nodes
    assert node.broker.broker_id == 0


def test_changed_settings_win_and_name_servers_are_left_alone(tmp_path):
    files = {"host1/namesrv1.properties": "", "host1/a.properties": "listenPort=1\n"}
    plan = load(folder(tmp_path, files)).with_settings({"listenPort": "25010"})
    assert [node.listen_port for node in plan.nodes] == [9876, 25010]


def test_paths_below_the_home_are_roots(tmp_path):
    (node,) = load(folder(tmp_path, {"host1/a.properties": ""})).nodes
    assert node.store_folder == "/root/store"
    assert node.log_folder == "/root/store/commitlog"


@pytest.mark.parametrize(
    ("files", "hosts", "why"),
    [
        ({}, "10.0.0.1 host1\n", r"has no HOST/\*\.properties: nothing to start"),
        ({"host1/a.properties": ""}, None, "hosts is missing: it names the hosts"),
        ({"host1/a.properties": ""}, "# none\n", "hosts names no host"),
        (
            {"host1/a.properties": ""},
            "10.0.0.1host1\n",
            "hosts:1: '10.0.0.1host1' has no name: is a space missing",
        ),
        (
            {"host1/a.properties": "", "host2/a.properties": ""},
            "10.0.0.1 host1\n10.0.0.2 host2\n",
            "two nodes named a: rename a file",
        ),
        (
            {"a.properties": "", "layout": "host9 a\n"},
            "10.0.0.1 host1\n",
            "layout: no host 'host9' in hosts",
        ),
        (
            {"a.properties": "", "layout": "host1 namesrv1 b\n"},
            "10.0.0.1 host1\n",
            r"layout: there is no .*b\.properties for 'b'",
        ),
        (
            {"host1/a.properties": ""},
            "10.0.0.1 host0\n10.0.0.256 host1\n",
            "hosts:2: '10.0.0.256' is no IPv4 address: write one",
        ),
    ],
)
def test_a_folder_that_is_no_topology_is_told_with_what_to_do(
    tmp_path, files, hosts, why
):
    with pytest.raises(ConfigError, match=why):
        load(folder(tmp_path, files, hosts))


def test_a_hosts_file_that_is_no_text_is_told(tmp_path):
    folder(tmp_path, {"host1/a.properties": ""})
    (tmp_path / "hosts").write_bytes(b"10.0.0.1 \xff\n")
    with pytest.raises(ConfigError, match="hosts cannot be read: 'utf-8' codec"):
        load(tmp_path)


def test_a_nodes_file_that_cannot_be_read_is_told(tmp_path):
    (folder(tmp_path, {}) / "host1" / "a.properties").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"a\.properties cannot be read: .*directory"):
        load(tmp_path)


def test_a_name_that_there_is_not_is_told_with_those_that_there_are(tmp_path):
    with pytest.raises(ConfigError, match="there are 1m, 2m-noslave, 2m-2s-async"):
        load(tmp_path / "3m")
