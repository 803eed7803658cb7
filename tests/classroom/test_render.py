"""Topologies written out for Compose, systemd and Kubernetes."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from rmqlab.classroom import compose, kinds, topology
from rmqlab.classroom.commands import EX_USAGE
from rmqlab.classroom.render import OURS_UNLESS_TOLD, firewall, kubernetes, render
from rmqlab.classroom.render import compose as rendered_compose
from rmqlab.classroom.render.program import OWN, RELEASE
from rmqlab.config import parse_properties
from tests.classroom.conftest import run
from tests.support import free_port

OF_TWO_HOSTS = topology.load("2m-2s-sync")
BROKERS = [node for node in OF_TWO_HOSTS.nodes if not node.is_namesrv]
BOUND_S = 60
NAMES = [node.name for node in OF_TWO_HOSTS.nodes]


def settings(text):
    """Return what a node reads in a file: of a key the last line counts."""
    return {one.key: one.value for one in parse_properties(text)}


def unit(text):
    """Return a unit's sections; a key may be there many times."""
    parser = ConfigParser(strict=False, interpolation=None, delimiters="=")
    parser.optionxform = str
    parser.read_string(text)
    return parser


@pytest.mark.parametrize("wanted", topology.NAMES)
@pytest.mark.parametrize("target", OURS_UNLESS_TOLD)
@pytest.mark.parametrize("is_ours", [True, False])
def test_every_node_of_every_topology_is_rendered_once(wanted, target, is_ours):
    chosen = topology.load(wanted)
    whole = "\n".join(render(chosen, target, is_ours=is_ours).values())
    begins = {
        "compose": "\n  {}:\n    image: ",
        "systemd": "Description=RocketMQ {} (",
        "kubernetes": "kind: Service\nmetadata:\n  name: {}\n",
    }
    for node in chosen.nodes:
        assert whole.count(begins[target].format(node.name)) == 1
        assert all(store in whole for store in compose.stores_of(node))


# Files


def test_what_is_written_is_named_and_a_full_folder_is_left_alone(tmp_path):
    folder = tmp_path / "new" / "folder"
    wanted = ("render", "1m", "--for", "systemd", "-o", str(folder))
    done = run(*wanted)
    written = {Path(line) for line in done.stdout.splitlines()}
    assert written == {path for path in folder.rglob("*") if path.is_file()}

    (folder / "host1" / "hosts").write_text("mine")
    refused = run(*wanted)
    assert refused.exit_code == 1
    assert "is not empty: name another folder by -o" in refused.stderr
    assert (folder / "host1" / "hosts").read_text() == "mine"
    assert run(*wanted, "--force").exit_code == 0
    assert (folder / "host1" / "hosts").read_text() != "mine"


def test_a_file_in_the_way_of_the_folder_is_told(tmp_path):
    (tmp_path / "file").touch()
    refused = run("render", "1m", "--for", "compose", "-o", str(tmp_path / "file"))
    assert (refused.exit_code, "cannot be written to" in refused.stderr) == (1, True)


def test_what_is_no_target_and_no_topology_is_told():
    assert run("render", "1m", "--for", "nomad").exit_code == EX_USAGE
    assert run("render", "1m").exit_code == EX_USAGE
    assert "no topology '9m'" in run("render", "9m", "--for", "systemd").stderr


# Compose


@pytest.mark.parametrize("mode", topology.MODES)
def test_compose_is_the_shipped_file_without_its_build_and_the_course(mode):
    shipped = yaml.safe_load(
        (topology.SHIPPED / mode / compose.COMPOSE_FILE).read_text()
    )
    files = render(topology.load(mode), "compose")
    whole = yaml.safe_load(files[compose.COMPOSE_FILE])
    del shipped["services"]["lab"], shipped["volumes"]["learner"]
    for name, service in shipped["services"].items():
        service.pop("build", None)
        assert whole["services"][name] == service
    assert whole["networks"] == shipped["networks"]
    assert whole["volumes"] == shipped["volumes"]


def test_a_folder_for_compose_is_a_topology_itself(tmp_path):
    done = run("render", "2m-2s-sync", "--for", "compose", "-o", str(tmp_path))
    assert done.exit_code == 0, done.output
    again = topology.load(tmp_path)
    assert (again.hosts, again.nodes) == (OF_TWO_HOSTS.hosts, OF_TWO_HOSTS.nodes)


def test_compose_runs_the_release_as_it_runs_our_nodes():
    both = [rendered_compose.render(OF_TWO_HOSTS, one) for one in (OWN, RELEASE)]
    ours, theirs = (yaml.safe_load(one[compose.COMPOSE_FILE]) for one in both)
    assert ours["services"].keys() == theirs["services"].keys()
    assert ours["services"]["dashboard"] == theirs["services"].pop("dashboard")
    for name, service in theirs["services"].items():
        assert service["image"] == "apache/rocketmq:4.9.7"
        both_say = rendered_compose.OF_A_HOST + rendered_compose.OF_A_NODE
        same = set(both_say) - {"healthcheck"}
        own = ours["services"][name]
        assert {key: own.get(key) for key in same} == {
            key: service.get(key) for key in same
        }
    broker = theirs["services"]["broker-a"]
    assert broker["entrypoint"][-2:] == ["-c", f"{kinds.CONF}/broker-a.properties"]
    assert broker["healthcheck"]["test"][-1] == "</dev/tcp/192.168.157.128/10911"


# systemd


@pytest.mark.parametrize("node", OF_TWO_HOSTS.nodes, ids=NAMES)
def test_a_unit_starts_its_node_and_lets_it_end(node):
    files = render(OF_TWO_HOSTS, "systemd")
    text = files[f"{node.host.name}/rocketmq-{node.name}.service"]
    service = unit(text)["Service"]
    words = shlex.split(service["ExecStart"])
    assert words[:2] == ["/usr/bin/env", "java"]
    assert words[-2:] == ["-c", f"/etc/rocketmq/{node.name}.properties"]
    assert "Startup" in words[-3]
    assert (service["User"], service["SuccessExitStatus"]) == ("rocketmq", "143")
    assert int(service["TimeoutStopSec"]) > 60
    for store in compose.stores_of(node):
        assert f"RequiresMountsFor={store}\n" in text
        assert f"-o rocketmq -g rocketmq {store}\n" in text


def test_brokers_are_told_their_own_address_unless_their_file_says_one():
    files = render(OF_TWO_HOSTS, "systemd")
    for node in BROKERS:
        found = settings(files[f"{node.host.name}/{node.name}.properties"])
        assert found["brokerIP1"] == node.host.address
    chosen = OF_TWO_HOSTS.with_settings({"brokerIP1": "10.0.0.7"}, "broker-a")
    told = render(chosen, "systemd")["host1/broker-a.properties"]
    assert settings(told)["brokerIP1"] == "10.0.0.7"


def test_our_own_nodes_are_started_by_their_own_programs():
    files = render(OF_TWO_HOSTS, "systemd", is_ours=True)
    text = files["host1/rocketmq-namesrv1.service"]
    assert "ExecStart=/usr/bin/env /opt/rmqlab/bin/mqnamesrv -c /etc/" in text
    assert "java" not in text


# The firewall


def test_every_port_is_let_in_by_whom_it_is_needed():
    found = {(one.host, one.port): one.who for one in firewall.openings(OF_TWO_HOSTS)}
    assert found == {
        **{(host, 9876): "clients, every broker" for host in ("host1", "host2")},
        ("host1", 10909): "clients of 4.4 and older, broker-a-s",
        ("host1", 10911): "clients, broker-a-s",
        ("host1", 10912): "broker-a-s",
        ("host1", 11009): "clients of 4.4 and older",
        ("host1", 11011): "clients",
        ("host2", 10909): "clients of 4.4 and older, broker-b-s",
        ("host2", 10911): "clients, broker-b-s",
        ("host2", 10912): "broker-b-s",
        ("host2", 11009): "clients of 4.4 and older",
        ("host2", 11011): "clients",
    }


# Kubernetes


def objects(node_name, chosen=OF_TWO_HOSTS, **options):
    """Return the objects of a node by their kind."""
    text = render(chosen, "kubernetes", **options)[f"{node_name}.yaml"]
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


@pytest.mark.parametrize("node", BROKERS, ids=lambda node: node.name)
def test_a_broker_is_a_set_of_one_with_a_volume_for_its_store(node):
    found = objects(node.name)
    spec = found["StatefulSet"]["spec"]
    pod = spec["template"]["spec"]
    [container] = pod["containers"]
    assert (spec["replicas"], spec["serviceName"]) == (1, node.name)
    assert spec["selector"]["matchLabels"].items() <= (
        spec["template"]["metadata"]["labels"].items()
    )
    assert found["Service"]["spec"]["selector"] == spec["selector"]["matchLabels"]
    port = node.listen_port
    assert [one["containerPort"] for one in container["ports"]] == [
        *(port, port - 2),
        port + 1,
    ]
    mounted = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    claims = [one["metadata"]["name"] for one in spec["volumeClaimTemplates"]]
    assert [mounted[name] for name in claims] == compose.stores_of(node)
    volumes = {one["name"] for one in pod["volumes"]} | set(claims)
    assert volumes == set(mounted)


def test_brokers_find_the_name_servers_by_the_names_of_their_services():
    there = settings(
        objects("broker-b-s")["ConfigMap"]["data"]["broker-b-s.properties"]
    )
    assert there["namesrvAddr"] == "namesrv1:9876;namesrv2:9876"
    service = objects("namesrv2")["Service"]
    assert service["metadata"]["name"] == "namesrv2"
    assert service["spec"]["ports"] == [{"name": "remoting", "port": 9876}]


def test_pods_of_two_hosts_do_not_share_a_machine():
    for name in NAMES:
        found = objects(name)
        kind = "Deployment" if name.startswith("namesrv") else "StatefulSet"
        template = found[kind]["spec"]["template"]
        labels = template["metadata"]["labels"]
        [term] = template["spec"]["affinity"]["podAntiAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        same, apart = term["labelSelector"]["matchExpressions"]
        assert same["values"] == [labels[same["key"]]]
        assert (apart["operator"], apart["values"]) == (
            "NotIn",
            [labels[apart["key"]]],
        )


def test_the_kustomization_names_every_file():
    files = render(OF_TWO_HOSTS, "kubernetes")
    named = yaml.safe_load(files.pop("kustomization.yaml"))["resources"]
    assert sorted(named) == sorted(files)


@pytest.mark.parametrize("name", ["caffè", "-", "a" * 64])
def test_a_name_that_kubernetes_does_not_take_is_told(name, tmp_path):
    (tmp_path / "hosts").write_text("10.0.0.1 host1\n")
    (tmp_path / "host1").mkdir()
    (tmp_path / "host1" / f"{name}.properties").write_text("")
    refused = run("render", str(tmp_path), "--for", "kubernetes", "-o", "unused")
    assert (refused.exit_code, "takes no name such as" in refused.stderr) == (1, True)


def test_two_names_that_kubernetes_takes_for_one_are_told(tmp_path):
    (tmp_path / "hosts").write_text("10.0.0.1 host1\n")
    (tmp_path / "host1").mkdir()
    for name in ("a_b", "a-b"):
        (tmp_path / "host1" / f"{name}.properties").write_text("")
    with pytest.raises(kubernetes.ClusterError, match="takes for one"):
        render(topology.load(tmp_path), "kubernetes")


def test_a_pods_command_becomes_the_broker_and_tells_the_pods_address(tmp_path):
    """It is run as it stands, but for its paths and its port."""
    port = free_port()
    chosen = topology.load("1m").with_settings(
        {
            "listenPort": f"{port}",
            "storePathRootDir": f"{tmp_path}/store",
            "storePathCommitLog": "",
        }
    )
    found = objects("broker-a", chosen, is_ours=True)
    given = found["ConfigMap"]["data"]["broker-a.properties"]
    given += "namesrvAddr=\n"  # there is none here
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "broker-a.properties").write_text(given)
    [container] = found["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    script = container["command"][-1]
    for path, here in (
        (f"{kubernetes.OWN_CONF}/", f"{tmp_path}/"),
        (kubernetes.CONF, tmp_path / "conf"),
        (OWN.image_home, Path(sys.executable).parents[1]),
    ):
        script = script.replace(path, str(here))
    pod = {"POD_IP": "127.0.0.1", "RMQLAB_LOG_DIR": str(tmp_path)}
    broker = subprocess.Popen(
        [*container["command"][:-1], script],
        env=os.environ | pod,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with broker:
        try:
            assert broker.stdout is not None
            assert f"127.0.0.1:{port}" in broker.stdout.readline()
            socket.create_connection(("127.0.0.1", port)).close()
            broker.send_signal(signal.SIGTERM)
            assert broker.wait(BOUND_S) == 0
        finally:
            broker.kill()
