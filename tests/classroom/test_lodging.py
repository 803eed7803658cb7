"""Where a node lives on this machine, and what its file says of that."""

from __future__ import annotations

from contextlib import closing

import pytest

from rmqlab.classroom.lodging import Lodging
from rmqlab.classroom.port_block import PortBlock
from rmqlab.classroom.runtime import Plan
from rmqlab.classroom.subnet import HAS_LOOPBACK_NETWORK
from rmqlab.classroom.topology import LOCAL_PART, load
from rmqlab.config import parse_properties


@pytest.fixture
def topology():
    return load("2m-2s-sync")


@pytest.fixture
def plan(tmp_path):
    return Plan("pair", str(tmp_path), "rocketmq", "2m-2s-sync", subnet=7)


@pytest.fixture
def shared(topology, plan):
    """Return the lodging of a cluster whose hosts share every address."""
    with closing(Lodging(topology, plan, PortBlock.claim())) as lodging:
        yield lodging


def named(topology, name):
    return next(node for node in topology.nodes if node.name == name)


def own_part(lodging, node):
    """Return what a node's file says that its topology does not."""
    text = lodging.localised(node)
    assert text.startswith(node.text)
    return {one.key: one.value for one in parse_properties(text.split(LOCAL_PART)[1])}


def test_a_file_says_the_ports_that_the_node_has_here(shared, topology):
    for node in topology.nodes:
        host, _, port = shared.address(node).rpartition(":")
        own = own_part(shared, node)
        assert own["listenPort"] == port
        assert own.get("brokerIP1") == (None if node.is_namesrv else host)
        assert own.get("brokerIP2") == own.get("brokerIP1")
    assert len({shared.address(node) for node in topology.nodes}) == 6


def test_the_name_servers_of_a_file_are_named_as_they_are_here(shared, topology):
    here = [shared.address(node) for node in topology.nodes if node.is_namesrv]
    found = own_part(shared, named(topology, "broker-b-s"))["namesrvAddr"]
    assert found.split(";") == here


def test_a_name_server_that_is_nobodys_stays_as_it_is(shared, topology):
    wrong = "nowhere:9876; rocketmq-nameserver1:9877;host2:9876"
    node = named(topology, "broker-a").with_settings({"namesrvAddr": wrong})
    one, other = (n for n in topology.nodes if n.is_namesrv)
    host, _, port = shared.address(one).rpartition(":")
    listed = ("nowhere:9876", f"{host}:{int(port) + 1}", shared.address(other))
    assert shared.name_servers_of(node) == listed


def test_paths_of_a_file_lie_below_its_host(shared, topology, tmp_path):
    own = own_part(shared, named(topology, "broker-b-s"))
    host = tmp_path / "host1"
    assert own["storePathRootDir"] == f"{host}/usr/local/rocketmq/store-broker-b-s"
    assert own["storePathCommitLog"] == f"{own['storePathRootDir']}/commitlog"
    kv = own_part(shared, named(topology, "namesrv1"))["kvConfigPath"]
    assert kv == f"{host}/root/namesrv/kvConfig.json"


@pytest.mark.skipif(not HAS_LOOPBACK_NETWORK, reason="hosts share one address here")
def test_with_an_address_for_each_host_ports_and_names_are_the_files(topology, plan):
    node, lodging = named(topology, "broker-a"), Lodging(topology, plan)
    assert lodging.address(node) == "127.0.7.128:10911"
    assert {"listenPort", "namesrvAddr"}.isdisjoint(own_part(lodging, node))
