"""Where a broker listens, and where it says that it does."""

from __future__ import annotations

import pytest

from rmqlab.broker.settle import Site, settle
from rmqlab.settings import BrokerConfig, StoreConfig

ANY, LOOPBACK, OWN = "0.0.0.0", "127.0.0.1", "10.0.0.9"
NAMES = {"master1": "10.0.0.1", "here": "127.0.0.2"}
SITE = Site("box", "/home/x", lambda: OWN, lambda name: NAMES.get(name, name))


@pytest.mark.parametrize(
    ("said", "listens", "tells"),
    [
        ({}, LOOPBACK, LOOPBACK),
        ({"broker_i_p1": "10.0.0.1"}, ANY, "10.0.0.1"),
        ({"broker_i_p1": "master1"}, ANY, "10.0.0.1"),
        ({"broker_i_p1": "127.0.0.2"}, "127.0.0.2", "127.0.0.2"),
        ({"broker_i_p1": "here"}, "127.0.0.2", "127.0.0.2"),
        ({"broker_i_p2": "10.0.0.2"}, ANY, OWN),
        ({"broker_i_p2": "127.0.0.1"}, LOOPBACK, LOOPBACK),
        ({"bind_address": ANY}, ANY, OWN),
        ({"bind_address": "10.0.0.7"}, "10.0.0.7", "10.0.0.7"),
        ({"bind_address": ANY, "broker_i_p1": LOOPBACK}, ANY, LOOPBACK),
        ({"bind_address": LOOPBACK, "broker_i_p1": "10.0.0.1"}, LOOPBACK, "10.0.0.1"),
    ],
    ids=str,
)
def test_a_broker_is_reached_from_afar_only_where_its_file_says_so(
    said, listens, tells
):
    config = BrokerConfig(**said)
    settle(config, StoreConfig(), SITE)
    assert (config.bind_address, config.broker_i_p1) == (listens, tells)
    assert config.broker_i_p2 == said.get("broker_i_p2", tells)
