"""Stores that are looked at: made, damaged and compared by tests of `rmqlab verify`."""

from __future__ import annotations

import struct
from pathlib import Path

from rmqlab.classroom.verify import Report, verify
from rmqlab.config import Property
from rmqlab.protocol.message import SCHEDULE_TOPIC
from rmqlab.store.layout import StorePaths
from tests.store.shelf import NOW_MS, record, stop

LOG_BYTES, ENTRIES, SLOTS, MOST_INDEXED = 1000, 8, 4, 16
SETTINGS = {
    "mapped_file_size_commit_log": LOG_BYTES,
    "mapped_file_size_consume_queue": ENTRIES * 20,
    "max_hash_slot_num": SLOTS,
    "max_index_num": MOST_INDEXED,
}
ORDERS = Path("consumequeue/orders/0")
FIRST = "00000000000000000000"
PREPARED, ROLLBACK = 4, 12


def messages(count=24):
    """Return messages of all kinds, a second apart."""
    return [_message(number) for number in range(count)]


def _message(number):
    at = {"store_timestamp": NOW_MS + 1000 * number}
    body = b"coffee %02d" % number
    if number % 8 == 3:
        delay = b"DELAY\x013\x02UNIQ_KEY\x01D%d" % number
        return record(body, SCHEDULE_TOPIC, 2, properties=delay, **at)
    if number % 8 == 5:
        half = b"UNIQ_KEY\x01H%d" % number
        sys_flag = PREPARED if number % 16 == 5 else ROLLBACK
        return record(body, "halves", properties=half, sys_flag=sys_flag, **at)
    text = b"UNIQ_KEY\x01U%d\x02KEYS\x01k%d even\x02TAGS\x01paid" % (number, number)
    return record(body, properties=text, **at)


def make_sound(root, count=24):
    """Make a store, by itself of several files a kind, stopped in good order."""
    stop(root, *messages(count), **SETTINGS)
    return root


def look(root, **settings) -> Report:
    """Look at a store; settings by RocketMQ's keys."""
    given = [Property(key, str(value), 0) for key, value in settings.items()]
    return verify(StorePaths(str(root)), given)


def found(report, severity=None):
    """Return what was found, as (kind, file, byte)."""
    return [
        (one.kind, one.path, one.offset)
        for one in report.findings
        if severity in (None, one.severity)
    ]


def kinds(report):
    """Return the kinds of what was found."""
    return {one.kind for one in report.findings}


def change(path, at, data):
    """Write bytes into a file."""
    content = bytearray(path.read_bytes())
    assert content[at : at + len(data)] != data
    content[at : at + len(data)] = data
    path.write_bytes(content)


def flip(path, at):
    """Turn a bit of a byte over."""
    change(path, at, bytes([path.read_bytes()[at] ^ 4]))


def log_places(root):
    """Return (file, byte, size) of every record, by reading sizes and magics alone."""
    places = []
    for path in sorted((root / "commitlog").iterdir()):
        data, at = path.read_bytes(), 0
        while at + 8 <= len(data):
            size, magic = struct.unpack_from(">iI", data, at)
            if magic != 0xDAA320A7:
                break
            places.append((path, at, size))
            at += size
    return places


def tree(root):
    """Return every file below a folder: its bytes and when they were changed."""
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
