"""Rows as they come, while a broker writes.

The files are looked at again and again, as `tail -f` does where nobody tells it of a
change: RocketMQ writes into mapped memory, of which no file system tells its watchers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rmqlab.classroom.dump.rows import Reader, Row


def follow(
    reader: Reader, wait: Callable[[], bool], refresh: Callable[[], None] | None = None
) -> Iterator[Row]:
    """Yield rows until `wait`, called where there are no more, says that it is enough.

    `refresh` looks for files that came to the reader's; without it the rows end with
    the last file.  What looks damaged may just be being written: only what looks the
    same after a while is damage, and the end.
    """
    doubtful: Row | None = None
    while True:
        found: Row | None = None
        for row in reader.rows():
            if row.is_damage:
                found = row
                break
            yield row
        if found is not None and found == doubtful:
            yield found
            return
        doubtful = found
        if (refresh is None and reader.is_complete) or not wait():
            return
        if refresh is not None:
            refresh()
