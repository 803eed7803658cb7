"""What tests of `rmqlab dump` share."""

from __future__ import annotations

import json
from pathlib import Path

from rmqlab.classroom.dump import Look, Range
from rmqlab.classroom.looking import HostShelf
from rmqlab.store.layout import file_name
from tests.classroom.conftest import run
from tests.store.shelf import letters, stop

SHELF = HostShelf(Path("/"))
FILE = file_name(0)
KEYS = b"KEYS\x01k1 k2\x02TAGS\x01paid"
SMALL_LOG = 4096
LETTERS = bytes(range(27, 127))


def dumped(*arguments, exit_code=0):
    """Run `rmqlab dump … --json` and return the objects that it printed."""
    done = run("dump", *map(str, arguments), "--json")
    assert done.exit_code == exit_code, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_kind(rows, kind):
    return [row for row in rows if row["kind"] == kind]


def make_small_store(root):
    """Make a store of 100 messages, a byte each, in several files of its log."""
    some = letters(LETTERS, properties=KEYS)
    stop(root, *some, mapped_file_size_commit_log=SMALL_LOG)
    return root


def queue_of(root, queue_id=0):
    return root / "consumequeue" / "orders" / str(queue_id)


def rows(path, *chosen, **options):
    return list(Look(SHELF, str(path), Range(*chosen), **options).rows())


def offsets(found):
    return [row["physical_offset"] for row in of_kind(found, "record")]


def overwrite(path, at, data):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
