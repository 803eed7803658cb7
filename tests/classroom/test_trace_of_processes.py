"""A local cluster's trace: read off its nodes' sockets and disks, put together."""

from __future__ import annotations

import pytest

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.trace import header
from rmqlab.classroom.trace.parts import merge
from rmqlab.classroom.trace.reader import Trace
from rmqlab.classroom.trace.writer import Writer
from rmqlab.classroom.traffic import Traffic
from tests.classroom.conftest import run


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """Return the trace of a pair whose master is killed, and what clients were told."""
    home = tmp_path_factory.mktemp("home")
    path = home / "run.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMQLAB_HOME", str(home))
        with Cluster.up("2m-2s-sync", name="traced", trace=path) as cluster:
            servers = cluster.name_servers
            with Traffic(servers, "orders", record=cluster.tell) as traffic:
                traffic.wait_for(acknowledged=10)
                cluster.kill("broker-a")
                assert run("trace", "--out", str(home / "early.jsonl")).exit_code == 0
        assert len(list(Trace(home / "early.jsonl"))) < len(list(Trace(path)))
        yield Trace(path), traffic.stop()


def only(trace, **facts):
    return [one for one in trace if facts.items() <= one.items()]


def test_states_and_faults_are_told_by_the_clusters_owner(traced):
    trace, _ = traced
    states = [one["state"] for one in only(trace, kind="node", node="broker-a")]
    assert states[:2] == ["starting", "usable"]
    assert states[-1] == "killed"
    assert only(trace, kind="fault", node="broker-a", what="kill")


def test_what_went_over_the_sockets_is_there_under_the_nodes_names(traced):
    trace, report = traced
    sends = only(trace, kind="frame", code="SEND_MESSAGE_V2", topic="orders")
    answers = [one for one in sends if one.get("response") == "SUCCESS"]
    assert len(answers) >= len(report.acknowledged) > 0
    assert {one["peer"] for one in answers} == {"client"}
    registered = only(trace, kind="frame", code="REGISTER_BROKER")
    names = {one["name"] for one in trace.nodes}
    assert {one["node"] for one in registered} == names


def test_what_was_copied_and_appended_is_there_on_both_sides(traced):
    trace, _ = traced
    pieces = [one for one in only(trace, kind="piece", node="broker-b") if one["size"]]
    assert {one["peer"] for one in pieces} == {"broker-b-s"}
    ends = [
        max(
            one["offset"] + one["size"] for one in only(trace, kind="append", node=node)
        )
        for node in ("broker-b", "broker-b-s")
    ]
    assert ends[0] == ends[1]
    assert only(trace, kind="report", node="broker-b-s", offset=ends[0])
    flushes = only(trace, kind="flush", node="broker-b", what="log")
    assert max(one["end"] for one in flushes) == ends[0]


def test_clients_are_told_and_everything_is_in_the_order_of_time(traced):
    trace, report = traced
    told = only(trace, kind="told", outcome="SEND_OK")
    assert report.acknowledged <= {one["key"] for one in trace if "key" in one}
    assert told
    times = [one["at"] for one in trace]
    assert times == sorted(times)


def test_a_connections_number_is_its_own_in_all_of_the_trace(traced):
    trace, _ = traced
    numbers = [one["connection"] for one in only(trace, kind="connected")]
    assert len(numbers) == len(set(numbers)) > 6


def test_a_cluster_that_is_not_traced_has_no_trace(one_master):
    assert not one_master.is_traced
    one_master.tell("client", client="lab", what="started")
    with pytest.raises(ClusterError, match="begins a trace"):
        one_master.collect_trace()
    assert not list(one_master.folder.rglob("trace*"))


def test_a_part_that_was_cut_off_counts_as_far_as_it_goes(tmp_path):
    whole, torn = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path, times in ((whole, (1.0, 3.0)), (torn, (2.0, 4.0))):
        with Writer(path, header("local", path.stem, [])) as writer:
            for at_s in times:
                writer.write({"at": at_s, "kind": "client", "client": path.stem})
    torn.write_bytes(torn.read_bytes()[:-5])
    assert [one["at"] for one in merge([whole, torn])] == [1.0, 2.0, 3.0]


def test_who_called_is_the_node_that_had_the_address_at_that_time(tmp_path):
    accepting, calling = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    at = "10.0.0.2:4000"
    with Writer(accepting, header("local", "a", [])) as writer:
        for at_s, number in ((1.0, 1), (9.0, 2)):
            facts = {"connection": number, "node": at, "peer": "a", "port": 1}
            writer.write({"at": at_s, "kind": "connected", **facts})
            said = {"connection": number, "node": "a", "peer": at, "code": "X"}
            writer.write({"at": at_s, "kind": "frame", **said})
    with Writer(calling, header("local", "b", [])) as writer:
        for at_s, name in ((1.1, "b"), (9.1, "c")):
            writer.write({"at": at_s, "kind": "socket", "node": name, "own": at})
    found = [(one["node"], one["peer"]) for one in merge([accepting, calling])]
    assert found == [("b", "a"), ("a", "b"), ("c", "a"), ("a", "c")]
