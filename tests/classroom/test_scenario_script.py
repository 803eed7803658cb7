"""The text of a scenario: what is understood, and what is said where it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqlab.classroom.simulated import library, script
from rmqlab.classroom.simulated.scenario import Action, Flow, RandomFaults, Timed
from rmqlab.classroom.simulated.script import parse
from rmqlab.classroom.simulated.words import ScenarioError

HEAD = "topology 2m-2s-sync\ntraffic orders 5/s with 2 consumers\n"
TAIL = "until 60s\n"


def actions(*lines):
    return [one.action for one in parse(HEAD + "\n".join(lines) + "\n" + TAIL).timed]


def hold(text):
    (found,) = parse(f"{HEAD}{TAIL}hold {text}").holds
    return found


def test_a_scenario_says_everything_in_a_few_lines():
    found = parse(
        "# A kill,\n# and a crash.\n"
        "topology 2m-2s-sync\n"
        "set flushDiskType=SYNC_FLUSH\n"
        "set broker-a slaveTimeout=100   # of one\n"
        "\n"
        "traffic orders 2.5/s with 1 consumer\n"
        "traffic bills 1/s\n"
        "at 1min kill broker-a for 500ms\n"
        "every 2min crash a host\n"
        "random faults kill, cut,pause every 20s for 5s\n"
        "until 1h\n"
        "then heal and wait 30s\n"
        "hold nothing is lost\n",
        "mine",
    )
    assert (found.name, found.about) == ("mine", "A kill, and a crash.")
    assert found.settings == {"flushDiskType": "SYNC_FLUSH"}
    assert found.node_settings == {"broker-a": {"slaveTimeout": "100"}}
    assert found.flows == [Flow("orders", 2.5, 1), Flow("bills", 1.0, 2)]
    assert found.timed == [
        Timed(60.0, Action("kill", "node", "broker-a", 0.5)),
        Timed(120.0, Action("crash", "host", "a host"), 120.0),
    ]
    assert found.faults == [RandomFaults(("kill", "cut", "pause"), 20.0, 5.0)]
    assert (found.until_s, found.wait_s) == (3600.0, 30.0)


def test_consumers_may_be_busy_or_orderly():
    flows = "traffic orders 2/s with 1 busy consumer\n"
    flows += "traffic bills 2/s with 3 orderly consumers"
    found = parse(f"topology 1m\n{flows}\nuntil 1s")
    manners = [(one.consumers, one.manner) for one in found.flows]
    assert manners == [(1, "busy"), (3, "orderly")]


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("restart broker-a-s", Action("restart", "node", "broker-a-s")),
        ("promote a slave", Action("promote", "node", "a slave")),
        ("kill orders-producer", Action("kill", "client", "orders-producer")),
        ("pause a consumer for 9s", Action("pause", "client", "a consumer", 9.0)),
        ("cut host1", Action("cut", "host", "host1")),
        ("cut host1 inward", Action("cut", "host", "host1", way="inward")),
        (
            "cut host1 from host2 outward for 3s",
            Action("cut", "host", "host1", 3.0, "host2", "outward"),
        ),
        (
            "slow links of host2 to 50ms",
            Action("slow", "host", "host2", way="links", delay_s=0.05),
        ),
        (
            "slow disk of a host to 1s for 4s",
            Action("slow", "host", "a host", 4.0, way="disk", delay_s=1.0),
        ),
    ],
)
def test_what_is_done_to_nodes_clients_and_hosts_is_understood(line, action):
    assert actions(f"at 5s {line}") == [action]


def test_attentive_clients_are_settings_like_others():
    found = parse(
        f"{HEAD}clients attentive\nclients sendMsgTimeout=1000\n{TAIL}"
    ).client_settings
    assert found["pollNameServerInterval"] == "500"
    assert found["sendMsgTimeout"] == "1000"


def test_a_value_is_all_that_follows_the_equals_sign():
    found = parse(f"{HEAD}set messageDelayLevel=1s 5s, 10s  # levels\n{TAIL}")
    assert found.settings == {"messageDelayLevel": "1s 5s, 10s"}


@pytest.mark.parametrize(
    ("text", "count", "compare", "number"),
    [
        ("nothing promised is lost", "promised", "=", 0),
        ("every promise is kept", "broken", "=", 0),
        ("every node is usable", "unusable", "=", 0),
        ("something is doubled", "doubled", ">", 0),
        ("silence < 1min", "silence", "<", 60),
        ("SLAVE_NOT_AVAILABLE >= 3", "SLAVE_NOT_AVAILABLE", ">=", 3),
        ("only SEND_OK, refused", "SEND_OK refused", "only", 0),
    ],
)
def test_what_must_hold_is_understood(text, count, compare, number):
    found = hold(text)
    assert (found.count, found.compare, found.number) == (count, compare, number)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("topolgy 1m", "s:1: 'topolgy': expected .* did you mean 'topology'"),
        ("topology 5m", "s:1: no topology '5m': there are 1m"),
        ("topology 1m\ntopology 1m", "s:2: the topology is 1m already"),
        ("until 5s", "s:1: a line 'topology NAME' is missing"),
        ("topology 1m", "s:1: a line 'until TIME' is missing"),
        ("traffic a 1/s", "s:1: a line 'topology NAME' must come before"),
        (f"{HEAD}at 5 kill broker-a", "s:3: '5': expected a time, such as 60s"),
        (f"{HEAD}at 5s kil broker-a", "s:3: 'kil': .* did you mean 'kill'"),
        (f"{HEAD}at 5s kill broker-c", "s:3: 'broker-c': .*namesrv1"),
        (f"{HEAD}at 5s kill a host", "s:3: 'host': expected what to kill one of"),
        (f"{HEAD}at 5s crash broker-a", "s:3: 'broker-a': expected what to crash"),
        (f"{HEAD}at 5s cut host1 from host1", "s:3: 'host1': expected another host"),
        (f"{HEAD}at 5s slow host1", "s:3: 'host1': expected what is slow: links"),
        (f"{HEAD}at 5s kill", "s:3: the end of the line after 'kill': expected"),
        (f"{HEAD}at 5s kill broker-a now", "s:3: 'now': expected the end of the line"),
        (f"{HEAD}at 5s kill broker-a for 0s", "'0s': expected how long of more than"),
        (f"{HEAD}at 5s promote broker-a for 5s", "'for': expected the end of the line"),
        (f"{HEAD}every 0s kill broker-a", "s:3: '0s': expected a time of more than"),
        (f"{HEAD}random faults kil every 5s", "'kil': expected a fault: kill"),
        (f"{HEAD}traffic orders 1/s", "s:3: 'orders': expected another topic"),
        (f"{HEAD}traffic a 5", "s:3: '5': expected how many a second"),
        (f"{HEAD}traffic a 99999/s", "s:3: '99999/s': expected at most 10000/s"),
        (f"{HEAD}traffic a 1/s with 2", "after '2': expected what these are"),
        (f"{HEAD}set fooBar=1", "s:3: 'fooBar=1': no such key"),
        (f"{HEAD}set flushDiskType=SYNC", "'SYNC' is none of SYNC_FLUSH"),
        (f"{HEAD}set broker-a", "s:3: the end of .* expected KEY=VALUE"),
        (f"{HEAD}clients x=1", "'x=1': no such key; there are instanceName"),
        (f"{HEAD}until 5s\nuntil 6s", "s:4: it goes on until 5s already"),
        (f"{HEAD}until 9h9", "s:3: '9h9': expected a time"),
        (f"{HEAD}until 999999999s", "expected a time of at most"),
        (f"{HEAD}hold silense < 3s", "did you mean 'silence'"),
        (f"{HEAD}hold silence < 3", "s:3: '3': expected a time"),
        (f"{HEAD}hold lost ~ 3", "s:3: '~': expected a comparison: ="),
        (f"{HEAD}hold only", "expected an outcome"),
        ("", "s:1: a line 'topology NAME' is missing"),
    ],
)
def test_what_is_not_understood_is_said_by_line_and_word(text, said):
    with pytest.raises(ScenarioError, match=said):
        parse(text, "s")


VOCABULARY = (
    "topology 1m set flushDiskType=SYNC_FLUSH traffic orders 5/s with 2 consumers at "
    "every 60s kill a master broker-a for host1 from cut slow links of to 5ms random "
    "faults until then heal and wait hold nothing promised is lost silence < 35s = "
    "only SEND_OK # \n , clients attentive"
).split(" ")


def refusal_of(text):
    """Return what was wrong, or the name where nothing is."""
    try:
        return f"{parse(text).name}:"
    except ScenarioError as error:
        return str(error)


@given(st.one_of(st.text(), st.lists(st.sampled_from(VOCABULARY)).map(" ".join)))
def test_rubbish_is_refused_and_never_raises_anything_else(text):
    assert refusal_of(text).startswith("scenario:")


@given(st.data())
def test_a_scenario_with_one_word_changed_is_read_or_refused_by_its_line(data):
    words = (library.SHIPPED / "disagree.txt").read_text("utf-8").split(" ")
    at = data.draw(st.integers(0, len(words) - 1))
    words[at] = data.draw(st.one_of(st.sampled_from(VOCABULARY), st.text(max_size=8)))
    assert refusal_of(" ".join(words)).startswith("scenario:")


def test_the_sentences_of_the_module_are_those_that_are_read():
    summary = str(script.__doc__).split("\n\n")[1]
    for line in summary.splitlines():
        first = line.split()[0]
        with pytest.raises(ScenarioError) as refused:
            parse(f"{first} !\n")
        assert "a line's first word" not in str(refused.value)
