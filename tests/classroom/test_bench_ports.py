"""Runs of `bench` beside each other keep off each other's ports."""

import socket

import pytest

from rmqlab.classroom.bench.part import BenchError
from rmqlab.classroom.bench.ports import HOST, PORTS, Ports


def test_two_runs_share_no_port():
    one, other = Ports(5), Ports(5)
    assert len({*one.numbers, *other.numbers}) == 10
    one.close()
    other.close()


def test_a_port_that_is_given_is_free_and_so_are_those_beside_it():
    claimed = Ports(1)
    (port,) = claimed.numbers
    for one in (port - 2, port, port + 1):
        socket.create_server((HOST, one)).close()
    claimed.close()


def test_a_port_beside_which_somebody_listens_is_passed_over():
    held = Ports(1)
    (port,) = held.numbers
    with socket.create_server((HOST, port + 1)):
        held.close()
        other = Ports(1)
        assert port not in other.numbers
        other.close()


def test_ports_that_are_too_many_are_refused_and_none_stays_claimed():
    with pytest.raises(BenchError, match="800 free ports"):
        Ports(800)
    one = Ports(1)
    assert one.numbers[0] in PORTS
    one.close()
