"""`rmqlab verify`: every file of a store checked against the others.

    record ◄──── consume queue entry      place, size, tag hash or due time
       ▲  └────► … and back: every record that should have an entry has it
       ├──────── index entry              hash of one of its keys, time, chain
       ├──────── checkpoint               nothing younger than what is there
       └──────── consumer offset          within its queue

It only reads.  What a broker's next start would do to the files is not predicted but
done, by the broker's own code, on a disk that keeps it in memory.

Read in this order: `look`, `folder`, `log_scan`, `log_check`, `queue_check`,
`index_check`, `rehearsal`, `overlay`, `findings`.
"""

from rmqlab.classroom.verify.files import Files, HostFiles, ShelfFiles
from rmqlab.classroom.verify.findings import DAMAGE, NOTE, Finding
from rmqlab.classroom.verify.folder import NotAStore
from rmqlab.classroom.verify.look import verify
from rmqlab.classroom.verify.report import Report

__all__ = [
    "DAMAGE",
    "NOTE",
    "Files",
    "Finding",
    "HostFiles",
    "NotAStore",
    "Report",
    "ShelfFiles",
    "verify",
]
