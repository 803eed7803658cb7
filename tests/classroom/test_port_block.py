"""A cluster's ports where its hosts share every address."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from rmqlab.classroom import port_block
from rmqlab.classroom.port_block import FIRSTS, SIZE, PortBlock
from rmqlab.classroom.runtime import ClusterError


@pytest.fixture
def block():
    with closing(PortBlock.claim()) as claimed:
        yield claimed


def test_the_same_port_of_two_hosts_is_two_ports_far_enough_apart(block):
    one, other = block.of("host1", 10911), block.of("host2", 10911)
    assert abs(one - other) > port_block.NEAR
    assert block.of("host1", 10911) == one


def test_what_is_beside_a_port_is_beside_it_here(block):
    here = block.of("host1", 10911)
    assert [block.of("host1", 10911 + by) for by in (-2, 1, 2)] == [
        here + by for by in (-2, 1, 2)
    ]


def test_two_clusters_have_no_port_in_common(block):
    with closing(PortBlock.claim()) as other:
        assert abs(block.of("host1", 9876) - other.of("host1", 9876)) >= SIZE


def test_a_block_in_which_somebody_listens_is_passed_over(monkeypatch):
    second = FIRSTS[1]
    monkeypatch.setattr(port_block, "_is_free", lambda port: port >= second)
    with closing(PortBlock.claim()) as claimed:
        assert claimed.of("host1", 9876) > second


def test_where_all_blocks_are_somebodys_it_is_said_what_frees_them(block, monkeypatch):
    monkeypatch.setattr(port_block, "FIRSTS", [block.first])
    with pytest.raises(ClusterError, match="rmqlab down --all"):
        PortBlock.claim()


def test_more_nodes_than_a_block_has_room_for_are_refused(block):
    room = SIZE // port_block.SLOT - 1
    ports = [block.of(f"host{number}", 9876) for number in range(room)]
    assert max(ports) + port_block.NEAR < min(ports) + SIZE
    with pytest.raises(ClusterError, match=f"{room} nodes are all"):
        block.of("another", 9876)


def test_somebody_who_listens_is_seen():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not port_block._is_free(server.getsockname()[1])
