"""What an event is in a few words, and how it is to be taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from rmqlab.classroom.trace import LOG, Event

Mood = Literal["plain", "faint", "good", "bad"]

FAILED = ("refused", "unanswered")
"""Outcomes of a send that no broker acknowledged."""
SENT = "SEND_OK"
DOWN = ("stopped", "killed", "failed")
"""States of a node whose process is gone."""


def words(event: Event) -> str:
    """Return what happened, without when and to whom."""
    write = _WORDS.get(event["kind"])
    return write(event) if write else str(event["kind"])


def mood(event: Event) -> Mood:
    """Return how an event is to be taken."""
    kind = event["kind"]
    if kind in ("fault", "lost"):
        return "bad"
    if kind == "told":
        return "good" if event.get("outcome") == SENT else "bad"
    if kind == "node":
        state = event.get("state")
        return "good" if state == "usable" else "bad" if state in DOWN else "plain"
    if kind in ("flush", "connected", "report"):
        return "faint"
    return "plain"


def place(event: Event) -> str:
    """``orders/0 at 26``: topic, queue and offset as far as an event has them."""
    topic, queue, offset = (event.get(key) for key in ("topic", "queue", "offset"))
    where = str(topic or "")
    if queue is not None:
        where += f"/{queue}" if where else f"queue {queue}"
    if offset is not None:
        where += f" at {offset}" if where else f"offset {offset}"
    return where


def _joined(*parts: Any) -> str:
    return " ".join(str(one) for one in parts if one not in (None, ""))


def _frame(event: Event) -> str:
    commit = event.get("commit")
    return _joined(
        event.get("code"),
        f"#{event.get('opaque')}",
        event.get("response"),
        place(event),
        None if commit is None else f"commits {commit}",
    )


def _flush(event: Event) -> str:
    what, end = event.get("what"), event.get("end")
    return f"{what} is on the disk" + (f" up to {end}" if end is not None else "")


def _piece(event: Event) -> str:
    offset, size = event.get("offset", 0), event.get("size", 0)
    return f"log {offset} to {offset + size}" if size else f"heartbeat at {offset}"


def _lost(event: Event) -> str:
    offset = event.get("offset")
    since = "" if offset is None else f" from {offset}"
    count = event.get("pages")
    pages = "1 page" if count == 1 else f"{count} pages"
    return f"lost: {pages} of {event.get('what')}{since}"


def _fault(event: Event) -> str:
    ways = [way for way in ("inward", "outward") if event.get(way)]
    only = ways[0] if len(ways) == 1 else ""
    return _joined(event.get("what"), only, event.get("host"))


def _consumed(event: Event) -> str:
    return _joined("given", event.get("key"), place(event))


_WORDS: dict[str, Callable[[Event], str]] = {
    "frame": _frame,
    "flush": _flush,
    "piece": _piece,
    "lost": _lost,
    "fault": _fault,
    "consumed": _consumed,
    "node": lambda one: _joined("is", one.get("state"), one.get("why")),
    "connected": lambda one: f"connects, port {one.get('port')}",
    "closed": lambda one: _joined("closes a connection", one.get("why")),
    "append": lambda one: f"{LOG} {one.get('offset')} + {one.get('size')} B",
    "report": lambda one: f"has {LOG} up to {one.get('offset')}",
    "client": lambda one: str(one.get("what", "")),
    "send": lambda one: _joined("sends", one.get("key"), one.get("topic")),
    "told": lambda one: _joined("told", one.get("outcome"), one.get("key"), place(one)),
    "log": lambda one: f"its store holds {len(one.get('messages', ()))} messages",
}
