"""What both drawings are made of: colours, text, the page."""

from __future__ import annotations

from html import escape

from rmqlab.classroom.trace.draw.words import Mood

COLOURS: dict[Mood, str] = {
    "plain": "#0969da",
    "faint": "#6e7781",
    "good": "#1a7f37",
    "bad": "#cf222e",
}
DARK, GREY = "#1f2328", "#8c959f"
STYLE = (
    ".rmqlab text{font:11px system-ui,sans-serif;fill:#1f2328}"
    ".rmqlab .w{paint-order:stroke;stroke:#fff;stroke-width:4px}"
    ".rmqlab .b{font-weight:600}.rmqlab .f{fill:#6e7781}"
)
"""Of text: w with a white rim, b bold, f faint."""


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "") -> str:
    """Return words at a place."""
    where = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x}" y="{y}" class="{kind}"{where}>{escape(words)}</text>'


def line(
    from_xy: tuple[float, float],
    to_xy: tuple[float, float],
    colour: str,
    dash: str = "",
) -> str:
    """Return a line; `dash` is how it is broken, such as ``4 3``."""
    (x1, y1), (x2, y2) = from_xy, to_xy
    broken = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"{broken}/>'


def box(
    x: float, y: float, wide: float, tall: float, colour: str, said: str = ""
) -> str:
    """Return a filled box that says something where the mouse rests on it."""
    title = f"<title>{escape(said)}</title>" if said else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}" '
        f'fill="{colour}">{title}</rect>'
    )


def page(width: int, height: int, body: list[str]) -> str:
    """Return the whole SVG."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rmqlab" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}"><style>{STYLE}</style>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(body)}</svg>'
    )
