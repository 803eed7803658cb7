"""Where a cluster's hosts are on this machine."""

from __future__ import annotations

import pytest

from rmqlab.classroom import subnet
from rmqlab.classroom.subnet import moved


@pytest.fixture
def loopback(monkeypatch):
    monkeypatch.setattr(subnet, "HAS_LOOPBACK_NETWORK", True)


def test_a_host_keeps_its_last_number(loopback):
    found = moved(["192.168.157.128", "192.168.157.129"], 7)
    assert list(found.values()) == ["127.0.7.128", "127.0.7.129"]


def test_hosts_whose_addresses_end_alike_stay_apart(loopback):
    found = moved(["10.0.1.254", "10.0.2.254", "10.0.3.254", "10.0.4.1"], 1)
    assert list(found.values()) == [f"127.0.1.{last}" for last in (254, 1, 2, 3)]


def test_two_names_of_one_address_are_one_host(loopback):
    assert moved(["10.0.0.5", "10.0.0.5"], 1) == {"10.0.0.5": "127.0.1.5"}


def test_where_there_is_one_address_only_all_hosts_share_it(monkeypatch):
    monkeypatch.setattr(subnet, "HAS_LOOPBACK_NETWORK", False)
    assert set(moved(["10.0.0.1", "10.0.0.2"], 1).values()) == {"127.0.0.1"}
