"""Rows as lines of text, one a row, for terminals and notebooks.

What a producer chose (topic, keys, body) may hold anything: what cannot be printed is
shown as a dot, so that no message moves a reader's cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from rmqlab.classroom.dump.rows import Row

STYLES = {
    "damage": "bold red",
    "blank": "dim",
    "unwritten": "yellow",
    "filler": "dim",
    "index_header": "cyan",
    "index_slot": "dim",
    "abort": "yellow",
}
"""Of the kinds that are not shown plainly, in rich's words."""

Facts = Mapping[str, Any]


def line(row: Row) -> str:
    """Return the row as one line."""
    return printable(LINES[row.kind](row.facts, row))


def printable(text: str) -> str:
    """Return a text whose every character can be seen."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else "·" for one in text)


def local_time(ms: int | None) -> str:
    """Return a time in ms as ISO 8601 in this machine's zone; 0 is never."""
    if not ms:
        return "unknown" if ms is None else "never"
    try:
        second = datetime.fromtimestamp(ms // 1000, UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"
    moment = second.replace(microsecond=ms % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds")


def _record(of: Facts, row: Row) -> str:
    body = f"body {of['body_length']} B {of['body_start']!r}"
    named = "".join(
        f"{name} {of[name]}  " for name in ("tags", "keys") if of[name] is not None
    )
    return (
        f"{of['physical_offset']:>12} +{of['size']:<6} "
        f"{of['topic']}:{of['queue_id']}#{of['queue_offset']}  {named}{body}  "
        f"{local_time(of['store_timestamp'])}"
    )


def _blank(of: Facts, row: Row) -> str:
    return f"{of['physical_offset']:>12} +{of['size']:<6} blank to the file's end"


def _unwritten(of: Facts, row: Row) -> str:
    return f"{of['physical_offset']:>12} +{of['size']:<6} never written"


def _entry(of: Facts, row: Row) -> str:
    due = of.get("deliver_timestamp")
    code = f"due {local_time(due)}" if due is not None else f"tag {of['tags_code']}"
    place = f"{of['physical_offset']} +{of['size']}"
    return f"{of['queue_offset']:>10} → {place:<20} {code}"


def _filler(of: Facts, row: Row) -> str:
    last = of["queue_offset"] + of["count"] - 1
    return f"{of['queue_offset']:>10} … {last} fillers: no message was here"


def _header(of: Facts, row: Row) -> str:
    shape = ""
    if of["slots"]:
        shape = f"; room for {of['slots']} slots, {of['entries']} entries"
    offsets = of["begin_physical_offset"], of["end_physical_offset"]
    times = of["begin_timestamp"], of["end_timestamp"]
    return (
        f"hash slot count {of['hash_slot_count']}, next entry {of['index_count']}, "
        f"offsets {_span(*offsets)}, {_span(*map(local_time, times))}{shape}"
    )


def _slot(of: Facts, row: Row) -> str:
    return f"slot {of['slot']:>8} → entry {of['newest_index']}"


def _index_entry(of: Facts, row: Row) -> str:
    before = f"before it {of['previous_index']}" if of["previous_index"] else "first"
    return (
        f"{of['index']:>10} → {of['physical_offset']:<12} hash 0x{of['key_hash']:08X} "
        f"slot {of['slot']}, {before}  {local_time(of['store_timestamp'])}"
    )


def _checkpoint(of: Facts, row: Row) -> str:
    return "  ".join(
        f"{name} {local_time(of[f'{key}_msg_timestamp'])}"
        for name, key in (
            ("commit log", "physic"), ("consume queues", "logics"), ("index", "index"),
        )
    )  # fmt: skip


def _note(of: Facts, row: Row) -> str:
    if row.kind == "abort":
        return f"a broker runs here, or was killed  {of['content']}".rstrip()
    return f"held by the broker that runs here  {of['content']}".rstrip()


def _config(of: Facts, row: Row) -> str:
    key = "" if of["key"] is None else f" {of['key']}"
    return f"{of['table']}{key}: {of['value']}"


def _damage(of: Facts, row: Row) -> str:
    number = "" if row.number is None else f"{row.number:>12} "
    return f"{number}DAMAGE at byte {row.position} of {row.file}: {of['problem']}"


def _file(of: Facts, row: Row) -> str:
    used = "" if of["used"] is None else f", {of['used']:,} used"
    told = (
        f"{row.file}  {of['what']}: {of['size']:,} B ({of['on_disk']:,} on disk{used})"
    )
    if of["count"] is not None:
        told += f"  {of['count']:,} in it"
    if of["first"] is not None:
        told += f", {_span(of['first'], of['last'])}"
    if of["first_timestamp"] is not None:
        times = of["first_timestamp"], of["last_timestamp"]
        told += f", {_span(*map(local_time, times))}"
    return f"{told}  DAMAGE: {of['problem']}" if of["problem"] else told


def _span(first: object, last: object) -> str:
    return f"{first} … {last}"


LINES: dict[str, Callable[[Facts, Row], str]] = {
    "record": _record,
    "blank": _blank,
    "unwritten": _unwritten,
    "queue_entry": _entry,
    "filler": _filler,
    "index_header": _header,
    "index_slot": _slot,
    "index_entry": _index_entry,
    "checkpoint": _checkpoint,
    "abort": _note,
    "lock": _note,
    "config": _config,
    "damage": _damage,
    "file": _file,
}
