"""A trace as pictures: who said what to whom, and how everyone fared over time.

    sequence   events → rows of a sequence diagram ┐   text    → lines for a terminal
    states     events → lanes of a time line       ┴─► …_svg   → SVG text
                                                       picture → shown in a notebook

All of it is pure: equal events give equal rows, equal lines and equal SVG.
"""

from rmqlab.classroom.trace.draw.picture import Picture, sequence, timeline
from rmqlab.classroom.trace.draw.sequence import Choice, Fold, Row, Sequence, rows
from rmqlab.classroom.trace.draw.states import Lanes, Mark, Span, states

__all__ = [
    "Choice",
    "Fold",
    "Lanes",
    "Mark",
    "Picture",
    "Row",
    "Sequence",
    "Span",
    "rows",
    "sequence",
    "states",
    "timeline",
]
