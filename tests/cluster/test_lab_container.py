"""The container with the course: what is in its image, and what it is told."""

from __future__ import annotations

import pytest
import yaml

from rmqlab.classroom import compose, confinement, image, lab_image
from rmqlab.classroom.lab import attached, panel
from rmqlab.classroom.lab_image import Target
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import MODES, load
from rmqlab.client.sent import SendStatus
from rmqlab.testing import RocketMQ

DEBIAN = Target("3.11.2", "x86_64", "2.36")
NEWER = Target("3.13.1", "aarch64", "2.41")


@pytest.mark.parametrize("kind", compose.KINDS, ids=lambda kind: kind.name or "ours")
@pytest.mark.parametrize("mode", MODES)
def test_it_knows_the_hosts_and_keeps_to_what_a_node_may_do(mode, kind):
    topology = load(mode)
    lab = yaml.safe_load(compose.render(topology, kind))["services"]["lab"]
    told = dict(one.split("=", 1) for one in lab["environment"])
    named = [one.partition(":")[0] for one in told["RMQLAB_NAMESRV"].split(";")]
    assert set(named) <= topology.names.keys()
    assert lab["extra_hosts"] == [f"{n}:{at}" for n, at in topology.names.items()]
    assert all(one.startswith("127.0.0.1:") for one in lab["ports"])
    assert confinement.LAB.for_compose().items() <= lab.items()
    assert lab["image"] == lab_image.NAME


def pinned(target):
    """Return the versions that are installed in a container with this Python."""
    text = (image.ROOT / "constraints.txt").read_text("utf-8")
    return dict(one.split("==") for one in lab_image.pins(target, text))


def test_its_wheels_are_for_the_containers_python_not_for_this_one():
    debian, newer = pinned(DEBIAN), pinned(NEWER)
    assert {"overrides"} == debian.keys() - newer.keys()
    assert debian["numpy"] != newer["numpy"]
    assert DEBIAN.platforms[0] == "manylinux_2_36_x86_64"


def test_it_has_all_that_the_course_asks_for_and_nothing_of_its_development():
    there = pinned(DEBIAN)
    assert {one.name for one in lab_image.course_needs()} - {"PyYAML"} <= there.keys()
    assert {"pyyaml", "ptyprocess", "webcolors"} <= there.keys()
    assert not {"mypy", "playwright", "ruff", "appnope", "pywinpty"} & there.keys()


def test_elsewhere_an_attached_cluster_has_to_be_named(monkeypatch):
    monkeypatch.delenv("RMQLAB_NAMESRV", raising=False)
    with pytest.raises(ClusterError, match="name the name servers"):
        attached()


def test_a_cluster_of_which_nobody_answers_is_no_cluster():
    with pytest.raises(ClusterError, match=r"no name server of 127\.0\.0\.1:1 answers"):
        attached("127.0.0.1:1")


def test_an_attached_cluster_is_used_like_one_of_the_labs_own(tmp_path, monkeypatch):
    with RocketMQ(tmp_path) as node:
        monkeypatch.setenv("RMQLAB_NAMESRV", node.name_servers)
        cluster = attached()
        sent = cluster.producer().send("orders", "one coffee")
        assert sent.status is SendStatus.SEND_OK
        seen = cluster.status().nodes
        assert [one.role for one in seen] == ["NAMESRV", "MASTER"]
        assert seen[1].log_end
        with pytest.raises(ClusterError, match="`docker compose kill broker-a` in a"):
            cluster.kill("broker-a")
        with pytest.raises(ClusterError, match="no buttons here"):
            panel(cluster)
        assert attached()._clients == []
