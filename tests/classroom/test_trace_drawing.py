"""A trace as rows, lanes, text and SVG: equal events give equal drawings."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise

from rmqlab.classroom.trace import draw
from rmqlab.classroom.trace.draw import Choice, Fold, Row, rows, states
from rmqlab.classroom.trace.draw.lanes_svg import lanes_svg
from rmqlab.classroom.trace.draw.sequence_svg import sequence_svg
from rmqlab.classroom.trace.draw.text import lanes_lines, sequence_lines

NODES = ["broker-a", "broker-a-s"]


def frame(at_s, node, peer, code="SEND_MESSAGE_V2", **facts):
    common = {"connection": 1, "code": code, "opaque": 1, "size": 99}
    return {"at": at_s, "kind": "frame", "node": node, "peer": peer} | common | facts


def state(at_s, node, what):
    return {"at": at_s, "kind": "node", "node": node, "state": what, "why": ""}


def told(at_s, outcome="SEND_OK"):
    return {"at": at_s, "kind": "told", "client": "shop", "outcome": outcome}


STORY = [
    state(0.0, "broker-a", "usable"),
    state(0.0, "broker-a-s", "usable"),
    frame(0.5, "broker-a", "broker-a-s", "HEART_BEAT"),
    frame(1.0, "shop", "broker-a", topic="tea", queue=2),
    {"at": 1.1, "kind": "append", "node": "broker-a", "offset": 0, "size": 189},
    {"at": 1.2, "kind": "piece", "connection": 2, "node": "broker-a", "offset": 0,
     "peer": "broker-a-s", "size": 189},
    {"at": 1.3, "kind": "report", "connection": 2, "node": "broker-a-s",
     "peer": "broker-a", "offset": 189},
    frame(1.4, "broker-a", "shop", topic="tea", queue=2, offset=0,
          response="SUCCESS"),
    told(1.5),
    {"at": 2.0, "kind": "fault", "node": "broker-a", "what": "kill"},
    state(2.0, "broker-a", "killed"),
    told(5.0, "unanswered"),
    {"at": 6.0, "kind": "fault", "host": "host2", "what": "cut", "inward": True,
     "outward": False},
]  # fmt: skip

DIAGRAM = """\
                 shop      broker-a   broker-a-s
   0.000000       │           ◆           │        is usable
   0.000000       │           │           ◆        is usable
   1.000000       ├──────────▶│           │        SEND_MESSAGE_V2 #1 tea/2
   1.100000       │           ●           │        log 0 + 189 B
   1.200000       │           ├──────────▶│        log 0 to 189
   1.300000       │           │◀╌╌╌╌╌╌╌╌╌╌┤        has log up to 189
   1.400000       │◀╌╌╌╌╌╌╌╌╌╌┤           │        SEND_MESSAGE_V2 #1 SUCCESS tea/2 at 0
   1.500000       ●           │           │        told SEND_OK
   2.000000       │           ✖           │        kill
   2.000000       │           ◆           │        is killed
   5.000000       ●                       │        told unanswered
   6.000000  ····································  cut inward host2
"""


def steady(count):
    """Return much traffic with a kill in its middle."""
    for number in range(count):
        if number == count // 2:
            yield {"at": number, "kind": "fault", "node": "broker-a", "what": "kill"}
        yield frame(float(number), "shop", "broker-a")


def test_a_story_becomes_a_diagram_for_a_terminal():
    lines = sequence_lines(rows(STORY, nodes=NODES), width=100)
    assert [line.text.rstrip() for line in lines] == DIAGRAM.splitlines()


def test_names_that_are_too_long_for_the_terminal_become_letters():
    lines = [one.text for one in sequence_lines(rows(STORY, nodes=NODES), width=70)]
    assert lines[:3] == ["  A  shop", "  B  broker-a", "  C  broker-a-s"]
    assert max(map(len, lines)) < 70


def test_polls_and_heartbeats_are_drawn_on_request_only():
    texts = [[row.text for row in rows(STORY, Choice(murmur=is_so)).rows]
             for is_so in (False, True)]  # fmt: skip
    assert set(texts[1]) - set(texts[0]) == {"HEART_BEAT #1"}


def test_one_node_is_drawn_with_its_peers_and_several_among_themselves():
    one = rows(STORY, Choice(nodes=["broker-a-s"]), NODES)
    two = rows(STORY, Choice(nodes=NODES), NODES)
    assert one.lifelines == two.lifelines == NODES
    assert [row.kind for row in one.rows] == ["node", "piece", "report", "fault"]
    assert "frame" not in {row.kind for row in two.rows}


def test_kinds_and_moments_can_be_chosen():
    chosen = Choice(kinds=["frame"], from_s=0.4, to_s=1.0)
    assert [row.at_s for row in rows(STORY, chosen).rows] == [0.5, 1.0]


def test_a_long_trace_is_folded_but_for_what_one_looks_for():
    found = rows(steady(1000), Choice(most=30), NODES).rows
    shown = [row for row in found if isinstance(row, Row)]
    folds = [row for row in found if isinstance(row, Fold)]
    assert len(found) <= 30
    assert "fault" in {row.kind for row in shown}
    assert len(shown) + sum(fold.count for fold in folds) == 1001
    assert folds[0].text == f"{folds[0].count} SEND_MESSAGE_V2"
    times = [row.at_s if isinstance(row, Row) else row.from_s for row in found]
    assert all(a <= b for a, b in pairwise(times))


def test_a_trace_that_has_nothing_but_landmarks_is_folded_at_its_end():
    faults = (
        {"at": n, "kind": "fault", "host": "h", "what": "cut"} for n in range(500)
    )
    found = rows(faults, Choice(most=20)).rows
    assert len(found) == 20
    assert found[-1].text == "481 fault"


def test_a_short_trace_is_not_folded():
    assert len(rows(steady(29), Choice(most=30)).rows) == 30


def test_lanes_have_states_faults_and_sends_by_the_second():
    lanes = states(STORY, NODES)
    assert [(one.state, one.from_s, one.to_s) for one in lanes.spans["broker-a"]] == [
        ("usable", 0.0, 2.0),
        ("killed", 2.0, 6.0),
    ]
    assert [(one.where, one.what) for one in lanes.marks] == [
        ("broker-a", "kill"),
        ("host2", "cut inward host2"),
    ]
    assert (lanes.acknowledged, lanes.failed) == ({1: 1}, {5: 1})


def test_where_nobody_told_what_producers_were_told_answers_are_counted():
    answers = [frame(n / 2, "broker-a", "shop", response="SUCCESS") for n in range(4)]
    assert states(answers).acknowledged == {0: 2, 1: 2}


def test_rates_are_sends_a_second_however_wide_a_column_is():
    lanes = states([told(n / 10) for n in range(100)] + [state(10.0, "b", "usable")])
    for count in (1, 3, 10, 70):
        found = lanes.rates(count, lanes.acknowledged)
        assert all(abs(rate - 10) < 1e-6 for rate in found)


def test_a_time_line_for_a_terminal_shows_a_short_death():
    lanes = states([*STORY[:2], state(2.0, "broker-a", "killed"),
                    state(2.001, "broker-a", "usable"), told(9.0)], NODES)  # fmt: skip
    lines = {one.text[:10].strip(): one.text for one in lanes_lines(lanes, 60)}
    assert lines["broker-a"].count("x") == 1
    assert "x" not in lines["broker-a-s"]


def test_an_empty_trace_can_be_drawn():
    assert list(sequence_lines(rows([])))
    assert list(lanes_lines(states([])))
    ET.fromstring(sequence_svg(rows([])))
    ET.fromstring(lanes_svg(states([])))


def test_svg_is_well_formed_and_asks_nothing_of_the_network():
    hostile = frame(3.0, "<b>&", "broker-a", topic='"><script>')
    for picture in (draw.sequence([*STORY, hostile]), draw.timeline([*STORY, hostile])):
        ET.fromstring(picture.svg)
        assert picture.svg.count("http") == 1  # the name of SVG itself
        assert "<script" not in picture.svg


def test_a_picture_shows_itself_in_a_notebook_and_has_a_fixed_repr():
    picture = draw.sequence(STORY)
    assert picture._repr_svg_().startswith("<svg ")
    assert repr(picture) == (
        "sequence diagram: open this notebook in JupyterLab to see it"
    )
