"""The course's plots, and what a notebook shows as text."""

from __future__ import annotations

import pytest

from rmqlab.classroom.lab import Table, wait_until
from rmqlab.classroom.plots import bars, lines, shares, timeline
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.traffic import Report, Sent

PNG = b"\x89PNG"


def test_bars_stand_side_by_side_for_each_unit():
    figures = {"messages/s": {"async": [1, 2], "sync": [3, 4]}, "ms": {"async": [5, 6]}}
    plot = bars(figures, ["1 sender", "16 senders"])
    left, right = plot.figure.axes
    assert [bar.get_height() for bar in left.patches] == [1, 2, 3, 4]
    assert [bar.get_height() for bar in right.patches] == [5, 6]
    assert plot._repr_png_().startswith(PNG)


def test_a_bar_says_its_value_in_three_digits_or_all_before_the_point():
    plot = bars({"ms": {"sync": [35816.2, 72.64, 0.7261]}}, ["1", "4", "16"])
    [axes] = plot.figure.axes
    assert [text.get_text() for text in axes.texts] == ["35,816", "72.6", "0.726"]


def test_lines_have_a_point_for_each_place():
    plot = lines({"async": [1, 2, 4], "sync": [2, 4, 8]}, [0.5, 1, 5], "trip", "ms")
    [axes] = plot.figure.axes
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert drawn == {"async": [1, 2, 4], "sync": [2, 4, 8]}
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0.5", "1", "5"]
    assert plot._repr_png_().startswith(PNG)


def test_a_timeline_counts_every_send_under_its_outcome():
    sent = [Sent(f"{n}", n / 100, 0.001, "SEND_OK") for n in range(100)]
    sent += [Sent(f"late-{n}", 1 + n / 100, 0.5, "refused") for n in range(20)]
    plot = timeline(Report(sent), {"killed": 1.0})
    counts, times = plot.figure.axes
    assert sum(bar.get_height() for bar in counts.patches) == len(sent)
    assert [text.get_text() for text in counts.get_legend().get_texts()] == [
        "SEND_OK",
        "refused",
    ]
    assert sum(len(dots.get_offsets()) for dots in times.collections) == len(sent)
    assert plot._repr_png_().startswith(PNG)


def test_a_timeline_of_nothing_is_empty():
    assert timeline(Report(), {})._repr_png_().startswith(PNG)


def test_shares_stand_from_the_top_down_with_their_part_of_the_whole():
    (axes,) = shares({"first": 30, "second": 10}, "µs").figure.axes
    assert [bar.get_width() for bar in axes.patches] == [30, 10]
    assert [one.get_text() for one in axes.texts] == ["30 (75%)", "10 (25%)"]
    assert axes.yaxis_inverted()
    assert axes.get_xlabel() == "µs, of 40 in all"


def test_a_plots_text_is_the_same_on_every_machine():
    assert repr(bars({"ms": {"sync": [1]}}, [""])) == "a plot"


def test_a_tables_text_is_aligned_and_its_html_is_escaped():
    table = Table(("node", "why"), [("broker-a", "<no> & why"), ("b", "")])
    assert repr(table) == "node      why\nbroker-a  <no> & why\nb"
    assert "&lt;no&gt; &amp; why" in table._repr_html_()


def test_waiting_in_vain_is_an_error_that_says_how_long():
    with pytest.raises(ClusterError, match=r"waited 0\.01 s in vain"):
        wait_until(lambda: False, within_s=0.01)
