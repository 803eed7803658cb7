"""Which faults are between whom, and the table of them."""

from __future__ import annotations

import json

import pytest

from rmqlab.classroom.faults import Faults
from rmqlab.classroom.links import CLEAR, OWNER, Place, Way

HERE, THERE, CLIENT = "127.0.1.1", "127.0.1.2", "127.0.0.1"
HOSTS = {HERE: "host1", THERE: "host2"}
NODE = Place("a", "host1", HERE, HOSTS)
OTHER = Place("b", "host2", THERE, HOSTS)
NO_WAY = Way(True, 0.0)


def ways(faults, peer, place=NODE):
    return place.inward(faults, peer), place.outward(faults, peer)


def cut(host, *, inward=True, outward=True):
    return Faults().with_cut(host, inward=inward, outward=outward)


def test_where_nothing_is_wrong_every_way_is_clear():
    for peer in (HERE, THERE, CLIENT):
        assert ways(Faults(), peer) == (CLEAR, CLEAR)


def test_a_cut_host_is_cut_off_from_hosts_and_clients_but_not_from_itself():
    faults = cut("host1")
    assert ways(faults, THERE) == ways(faults, CLIENT) == (NO_WAY, NO_WAY)
    assert ways(faults, HERE) == ways(faults, OWNER) == (CLEAR, CLEAR)


@pytest.mark.parametrize("inward", [True, False])
def test_both_ends_of_a_one_way_cut_hold_the_same_direction(inward):
    faults = cut("host1", inward=inward, outward=not inward)
    into, out = ways(faults, THERE)
    assert (into.is_cut, out.is_cut) == (inward, not inward)
    into, out = ways(faults, HERE, OTHER)
    assert (into.is_cut, out.is_cut) == (not inward, inward)


def test_two_cuts_of_one_way_are_a_cut_of_both_until_the_heal():
    first = cut("host1", inward=False)
    both = first.with_cut("host1", inward=True, outward=False)
    assert both.words == {"host1": "cut off"}
    assert both.healed("host1").words == {}


def test_between_hosts_what_is_slow_is_so_once_and_with_a_client_each_way():
    faults = Faults().with_slow("host1", 200, is_disk=False)
    assert ways(faults, THERE) == (Way(False, 0.2), CLEAR)
    assert ways(faults, HERE, OTHER) == (Way(False, 0.2), CLEAR)
    assert ways(faults, CLIENT) == (Way(False, 0.2), Way(False, 0.2))
    assert ways(faults, CLIENT, OTHER) == (CLEAR, CLEAR)


def test_of_a_hosts_and_a_nodes_slow_disk_the_slower_counts():
    faults = Faults().with_slow("host1", 200, is_disk=True)
    faults = faults.with_slow("a", 300, is_disk=True)
    assert NODE.flush_s(faults) == 0.3
    assert NODE.flush_s(faults.without("a")) == 0.2
    assert OTHER.flush_s(faults) == 0.0


def test_healing_does_not_make_a_slow_link_fast():
    faults = cut("host1").with_slow("host1", 5, is_disk=False)
    assert faults.words == {"host1": "cut off, links take 5 ms"}
    assert faults.healed("host1").words == {"host1": "links take 5 ms"}
    assert faults.healed("host1").with_slow("host1", 0, is_disk=False).words == {}


def test_a_table_comes_back_from_json_as_it_was():
    faults = cut("host1", inward=False).with_slow("a", 5, is_disk=True)
    back = Faults.from_json(json.loads(json.dumps(faults.to_json())))
    assert (
        back.words
        == faults.words
        == {
            "host1": "cut off outward",
            "a": "a flush takes 5 ms",
        }
    )
