"""Any file of a store as rows, and bytes as coloured maps.

    file or folder ──► sources ──► reader ──► rows ──► words, JSON
                       what is it?  │                   one line each
                                    ├─ log_rows      records, blanks
                                    ├─ queue_rows    entries, fillers
                                    ├─ index_rows    header, slots, entries
                                    └─ small_rows    checkpoint, abort, lock, config

Files are only read, piece by piece, while a broker runs or after; a simulated
machine's, too, through its `Shelf`.  A reader ends at the first byte that was never
written, and what is damaged is a row that says so.  `looks` chooses which rows,
`follow` waits for more, `overview` counts; `layouts` has the tables of `byte_map`.

Not here: whether files agree with each other.
"""

from __future__ import annotations

from rmqlab.classroom.dump.byte_map import ByteMap, byte_map
from rmqlab.classroom.dump.looks import Look
from rmqlab.classroom.dump.rows import Range, Row
from rmqlab.classroom.dump.shown import Dump, dump

__all__ = ["ByteMap", "Dump", "Look", "Range", "Row", "byte_map", "dump"]
