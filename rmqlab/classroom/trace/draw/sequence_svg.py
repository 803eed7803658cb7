"""The rows of a sequence diagram → SVG text; nothing in it comes from the network."""

from __future__ import annotations

from collections.abc import Iterator

from rmqlab.classroom.trace.draw.ink import COLOURS, GREY, line, page, text
from rmqlab.classroom.trace.draw.sequence import Fold, Row, Sequence
from rmqlab.classroom.trace.draw.words import DOWN

LEFT, TOP, ROW = 96, 40, 22
RIGHT = 260
"""Room for what happened, beside the last lifeline."""
LETTER = 7


def sequence_svg(sequence: Sequence) -> str:
    """Return a sequence diagram."""
    names = sequence.lifelines
    column = max([96, *(LETTER * len(name) + 20 for name in names)])
    at = {name: LEFT + column // 2 + index * column for index, name in enumerate(names)}
    width = LEFT + column * len(names) + RIGHT
    height = TOP + ROW * (len(sequence.rows) + 1)
    body = [*_lifelines(sequence, at, height)]
    for index, row in enumerate(sequence.rows, 1):
        y = TOP + ROW * index
        if isinstance(row, Fold):
            body.append(text(LEFT, y + 4, f"… {row.count} more: {row.text}", "f w"))
        else:
            body += _row(row, at, y, width)
    body += [text(x, 18, name, "b", "middle") for name, x in at.items()]
    return page(width, height, body)


def _lifelines(sequence: Sequence, at: dict[str, int], height: int) -> Iterator[str]:
    """Yield each lifeline, broken where its process is paused or gone."""
    for name, x in at.items():
        top, state = TOP - 14, ""
        for index, row in enumerate(sequence.rows, 1):
            if isinstance(row, Row) and row.state and row.source == name:
                y = TOP + ROW * index
                yield _thread(x, top, y, state)
                top, state = y, row.state
        yield _thread(x, top, height - 4, state)


def _thread(x: int, top: int, bottom: int, state: str) -> str:
    dash = "1 7" if state in DOWN else "5 5" if state == "paused" else ""
    return line((x, top), (x, bottom), GREY, dash)


def _row(row: Row, at: dict[str, int], y: int, width: int) -> Iterator[str]:
    colour = COLOURS[row.mood]
    yield text(LEFT - 14, y + 4, f"{row.at_s:.6f}", "f", "end")
    start, end = at.get(row.source), at.get(row.target)
    if start is None:
        yield line((LEFT, y), (width - 10, y), colour)
        yield text(LEFT + 6, y + 4, row.text, "b w")
    elif end is None or end == start:
        yield f'<circle cx="{start}" cy="{y}" r="4" fill="{colour}"/>'
        yield text(start + 9, y + 4, row.text, "w")
    else:
        tip = end - 7 if end > start else end + 7
        yield line((start, y), (tip, y), colour, "4 3" if row.is_answer else "")
        yield f'<path d="M{end} {y}L{tip} {y - 4}L{tip} {y + 4}z" fill="{colour}"/>'
        yield text(max(start, end) + 9, y + 4, row.text, "w")
