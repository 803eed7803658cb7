"""The lanes of a time line → SVG text; nothing in it comes from the network."""

from __future__ import annotations

from collections.abc import Iterator

from rmqlab.classroom.trace.draw.ink import COLOURS, DARK, box, line, page, text
from rmqlab.classroom.trace.draw.states import Lanes

STATES = {
    "starting": "#54aeff",
    "usable": "#2da44e",
    "waiting": "#d4a72c",
    "paused": "#bf8700",
    "stopped": "#afb8c1",
    "killed": "#cf222e",
    "failed": "#82071e",
}
TOP, LANE, BARS, WIDTH = 30, 26, 70, 760
BAR = 6
LETTER = 7


def lanes_svg(lanes: Lanes) -> str:
    """Return a time line."""
    return _Drawing(lanes).svg()


class _Drawing:
    """Where everything is."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.left = max([110, *(LETTER * len(name) + 24 for name in lanes.spans)])
        self.bottom = TOP + LANE * len(lanes.spans)
        self.floor = self.bottom + BARS
        self.long_s = max(lanes.to_s - lanes.from_s, 1e-6)

    def x(self, at_s: float) -> float:
        return round(self.left + (at_s - self.lanes.from_s) / self.long_s * WIDTH, 1)

    def svg(self) -> str:
        parts = (self.spans(), self.bars(), self.marks(), self.legend(), self.scale())
        body = [one for part in parts for one in part]
        return page(self.left + WIDTH + 60, self.floor + 44, body)

    def spans(self) -> Iterator[str]:
        for index, (name, spans) in enumerate(self.lanes.spans.items()):
            y = TOP + LANE * index
            yield text(self.left - 10, y + 13, name, "b", "end")
            for span in spans:
                x, colour = self.x(span.from_s), STATES.get(span.state, "#d0d7de")
                said = f"{span.state} {span.from_s:g} to {span.to_s:g} s"
                yield box(x, y, self.x(span.to_s) - x, 18, colour, said)

    def bars(self) -> Iterator[str]:
        count = WIDTH // BAR
        told = self.lanes.rates(count, self.lanes.acknowledged)
        failed = self.lanes.rates(count, self.lanes.failed)
        highest = max(a + b for a, b in zip(told, failed, strict=True))
        if not highest:
            return
        scale = (BARS - 14) / highest
        for index in range(count):
            x, tall = self.left + BAR * index, told[index] * scale
            more = failed[index] * scale
            if tall:
                yield box(x, self.floor - tall, BAR - 1, tall, COLOURS["good"])
            if more:
                yield box(x, self.floor - tall - more, BAR - 1, more, COLOURS["bad"])
        yield text(self.left - 10, self.bottom + 24, f"{highest:.3g}/s", "f", "end")
        yield text(self.left - 10, self.floor, "acknowledged", "b", "end")

    def marks(self) -> Iterator[str]:
        """Yield faults, and what they are called as far as there is room."""
        free = 0.0
        for mark in self.lanes.marks:
            x = self.x(mark.at_s)
            yield line((x, 24), (x, self.floor), DARK, "2 3")
            is_named = mark.where in mark.what
            words = mark.what if is_named else f"{mark.what} {mark.where}"
            if x >= free:
                yield text(x + 3, 18, words, "w")
                free = x + LETTER * len(words) + 10

    def legend(self) -> Iterator[str]:
        seen = {span.state for spans in self.lanes.spans.values() for span in spans}
        x, y = self.left, self.floor + 34
        for state in (one for one in STATES if one in seen):
            yield box(x, y - 9, 10, 10, STATES[state])
            yield text(x + 14, y, state, "f")
            x += 80

    def scale(self) -> Iterator[str]:
        begin_s, end_s = self.lanes.from_s, self.lanes.to_s
        for at_s in (begin_s, begin_s + self.long_s / 2, end_s):
            yield text(self.x(at_s), self.floor + 16, f"{at_s:.6g} s", "f", "middle")
