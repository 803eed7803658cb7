"""Who a client is, by where it runs and what it is called."""

from __future__ import annotations

from itertools import count

import pytest

from rmqlab.client.place import Place


@pytest.fixture
def place():
    """Return a process of which everything is known."""
    return Place(host="10.0.0.7", pid=42, numbers=count(1))


def test_clients_without_a_name_are_told_apart_by_process_and_number(place):
    assert [place.client_id(), place.client_id("DEFAULT")] == [
        "10.0.0.7@42#1",
        "10.0.0.7@42#2",
    ]


def test_clients_of_one_name_on_one_host_are_not_told_apart(place):
    assert [place.client_id("shop"), place.client_id("shop")] == ["10.0.0.7@shop"] * 2
