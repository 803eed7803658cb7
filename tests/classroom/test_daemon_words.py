"""What Docker refuses, and who has the addresses, in words that help."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network

import pytest
from docker.errors import APIError, ImageNotFound
from requests.exceptions import ConnectionError as ConnectionLost
from requests.exceptions import ReadTimeout

from rmqlab.classroom import docker_hosts, image
from rmqlab.classroom.daemon_words import explain
from rmqlab.classroom.runtime import ClusterError

SUBNET = IPv4Network("192.168.157.0/24")
HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n"


def refused(said):
    """Return the library's error for what the daemon answers a request with."""
    return APIError("500 Server Error for http+docker://x", explanation=said)


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (
            refused("mkdir /var/lib/docker/overlay2/1f-init: no space left on device"),
            "`docker system df`",
        ),
        (
            refused("Pool overlaps with other one on this address space"),
            "`docker network ls`",
        ),
        (refused("Address already in use"), "`docker network inspect`"),
        (
            refused(
                'Conflict. The container name "/rmqlab-1m-host1" is already in use by '
                'container "86b2". You have to remove (or rename) that container.'
            ),
            "`docker rm -f rmqlab-1m-host1`",
        ),
        (
            refused("OCI runtime create failed: fork: cannot allocate memory: unknown"),
            "a smaller topology",
        ),
        (
            ImageNotFound(
                "404 Client Error", explanation="No such image: rmqlab:0.1.0"
            ),
            "`make image`",
        ),
        (ReadTimeout("Read timed out. (read timeout=60)"), "try again later"),
        (ConnectionLost("('Connection aborted.', 2)"), "start it"),
    ],
)
def test_what_docker_refuses_is_said_with_what_would_help(error, step):
    words = explain(error)
    assert step in words
    assert str(getattr(error, "explanation", None) or error) in words


def test_what_nobody_foresaw_is_passed_on():
    assert explain(refused("a new thing")) == "Docker says: a new thing"


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (FileNotFoundError(2, "No such file or directory"), "install it"),
        (ConnectionRefusedError(111, "Connection refused"), "start it again"),
        (PermissionError(13, "Permission denied"), "the group docker"),
    ],
)
def test_why_no_daemon_answers_is_told_apart(monkeypatch, error, step):
    def connect(self, address):
        raise error

    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(ClusterError, match=step) as told:
        image.connect()
    assert "--runtime local" in str(told.value)


@pytest.mark.parametrize(
    ("target", "mask", "is_told"),
    [
        ("009DA8C0", "00FFFFFF", True),  # the very network
        ("809DA8C0", "80FFFFFF", True),  # its upper half
        ("0000A8C0", "0000FFFF", False),  # a wider one: ours is then the nearer
        ("00000000", "00000000", False),  # the default
    ],
)
def test_a_route_to_the_hosts_addresses_is_found(monkeypatch, target, mask, is_told):
    monkeypatch.setattr("sys.byteorder", "little")
    table = f"{HEAD}tun0\t{target}\t00000000\t0001\t0\t0\t0\t{mask}\t0\n"
    assert ("tun0" in docker_hosts._route_within(SUBNET, table)) == is_told
