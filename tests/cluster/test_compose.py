"""The Compose files, in step with their topologies and on a real Docker daemon."""

from __future__ import annotations

import subprocess

import pytest

from rmqlab.classroom import compose
from rmqlab.classroom.official import VERSION
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import MODES, SHIPPED, load
from rmqlab.client.sent import SendStatus
from rmqlab.testing import wait_for
from tests import daemon
from tests.cluster import standin
from tests.conftest import missing

HEALTH_S = 60.0


class Project:
    """A topology that `docker compose` brings up and takes down."""

    def __init__(self, client, mode, kind):
        self._client, self.topology = client, load(mode)
        self.label = f"com.docker.compose.project={compose.project_of(mode, kind)}"
        self._file = SHIPPED / mode / compose.compose_file(kind)

    def run(self, *words):
        command = ["docker", "compose", "-f", str(self._file), *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def container(self, service):
        labels = [self.label, f"com.docker.compose.service={service}"]
        (found,) = self._client.containers.list(all=True, filters={"label": labels})
        return found

    @property
    def masters(self):
        return [one.name for one in self.topology.nodes if one.role.endswith("MASTER")]

    @property
    def name_servers(self):
        count = sum(one.is_namesrv for one in self.topology.nodes)
        return ";".join(daemon.NAME_SERVERS.split(";")[:count])

    def send(self):
        return daemon.send_to(self.masters, self.name_servers)


def name_of(param):
    """Return how pytest calls a topology of a kind."""
    return compose.project_of(*param)


@pytest.fixture
def project(docker, request):
    there = subprocess.run(["docker", "compose", "version"], check=False)
    if there.returncode:
        missing("docker", "`docker compose` is not installed")
    mode, kind = request.param
    if kind is not compose.OURS:
        standin.find_or_build(docker, VERSION)
    project = Project(docker, mode, kind)
    try:
        yield project
    finally:
        project.run("down", "--volumes")
    assert daemon.left(docker, project.label) == []


EVERY = [(mode, compose.OURS) for mode in MODES]
REAL = ("2m-2s-sync", compose.OFFICIAL)


@pytest.mark.parametrize("project", EVERY, indirect=True, ids=name_of)
def test_the_first_send_succeeds_once_compose_says_that_it_is_up(project):
    project.run("up", "--detach", "--wait")
    assert project.send() == dict.fromkeys(project.masters, (SendStatus.SEND_OK, 0))

    project.run("kill", *(node.name for node in project.topology.nodes))
    project.run("up", "--detach", "--wait")
    # The offset tells that the first message outlived its broker.
    assert project.send() == dict.fromkeys(project.masters, (SendStatus.SEND_OK, 1))


@pytest.mark.parametrize("project", [REAL], indirect=True, ids=name_of)
def test_the_first_send_to_real_nodes_succeeds_as_well(project):
    project.run("up", "--detach", "--wait")
    assert project.send() == dict.fromkeys(project.masters, (SendStatus.SEND_OK, 0))


@pytest.mark.parametrize("project", [("2m-2s-sync", compose.OURS)], indirect=True)
def test_a_master_without_its_slave_is_unhealthy_and_says_why(docker, project):
    project.run("up", "--detach", "--wait")
    assert daemon.unconfined(docker, project.label) == []
    project.run("kill", "broker-a-s")

    def health(node):
        return project.container(node).attrs["State"]["Health"]

    wait_for(lambda: health("broker-a")["Status"] == "unhealthy", HEALTH_S)
    last = health("broker-a")["Log"][-1]["Output"]
    assert last == "no connection to its slave yet: 0 of 1 slaves\n"
    wait_for(lambda: health("broker-b")["Status"] == "healthy", HEALTH_S)


def test_no_compose_file_has_drifted_from_its_topology():
    assert compose.drift() == [], "run: python -m rmqlab.classroom.compose"


def test_a_store_where_nobody_could_write_is_refused():
    elsewhere = load("1m").with_settings({"storePathRootDir": "/data/store"})
    with pytest.raises(ClusterError, match=r"broker-a stores in /data/store: .* below"):
        compose.render(elsewhere)
