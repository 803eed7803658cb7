"""Brokers that neither listen nor run their services."""

from __future__ import annotations

import pytest

from rmqlab.protocol.codes import ResponseCode
from tests.broker.desk import open_desk


@pytest.fixture
def desk(tmp_path):
    with open_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
def desk_with(tmp_path):
    """Return a function that opens a broker with other settings."""
    opened = []

    def make(**settings):
        opened.append(open_desk(tmp_path, **settings))
        return opened[-1].__enter__()

    yield make
    for one in opened:
        one.__exit__(None, None, None)


@pytest.fixture
def orders(desk):
    """A broker with the topic `orders`: one message a body letter in queue 0."""
    for letter in "abc":
        assert desk.send(letter.encode()).code == ResponseCode.SUCCESS
    desk.broker.store.dispatch()
    return desk
