"""What can be found in a store: each kind with what it means and what to do.

    damage   something that was stored cannot be read, or is not what it says it is
    note     worth knowing: what a crash leaves, what a recovery mends, what is odd

Of each kind the first few places are kept and all are counted: a store that is broken
everywhere needs no more memory than one that is broken once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

DAMAGE, NOTE = "damage", "note"
KEPT = 20
"""Places of one kind."""


class Kind(NamedTuple):
    """What a finding means, and the next step."""

    check: str
    means: str
    next_step: str


REMAKE_QUEUES = (
    "stop the broker and move consumequeue/ away: its next start makes it anew from "
    "the log"
)
REMAKE_INDEX = (
    "stop the broker and move index/ away: its next start makes it anew from the log"
)
RECOVERY = "nothing: the next start of the broker does what is said under recovery"
FROM_COPY = (
    "keep a copy of this folder before a broker opens it; take the file from a slave "
    "or a backup"
)

KINDS: dict[str, Kind] = {
    # Files
    "strange file": Kind(
        "files",
        "a broker does not start with it (before 4.9 it ignores what follows)",
        "move it out of the folder",
    ),
    "wrong size": Kind(
        "files",
        "all files of a folder have one size; a broker does not start with another",
        "put the whole file back",
    ),
    "file without size": Kind(
        "files",
        "a broker made it and had no time or room to give it its size",
        "nothing: a broker passes over it, or makes it anew",
    ),
    "missing file": Kind(
        "files", "what was in it is gone, and a broker does not start", FROM_COPY
    ),
    "other settings": Kind(
        "files",
        "a broker with these settings does not start on these files",
        "give it the sizes that the files have, or another store folder",
    ),
    "not looked at": Kind(
        "files", "no file of a store of RocketMQ 4.x that rmqlab knows", "nothing"
    ),
    # Commit log
    "unreadable record": Kind(
        "commit log",
        "no broker can serve what was here; a recovery that reads it cuts the log here",
        FROM_COPY,
    ),
    "torn end": Kind(
        "commit log", "the log ends here, and bytes follow that are no record", RECOVERY
    ),
    "lost end": Kind(
        "commit log",
        "the log ends here although more was stored: its last records are damaged",
        FROM_COPY,
    ),
    "torn properties": Kind(
        "commit log",
        "zeroes where properties were: a page of the record was lost (no CRC tells)",
        FROM_COPY,
    ),
    "odd blank": Kind(
        "commit log", "the blank at a file's end has another length", FROM_COPY
    ),
    "queue offset": Kind(
        "commit log",
        "the messages of a queue are counted one by one; here the count jumps",
        "look at the records before and after it: rmqlab dump",
    ),
    # Consume queues
    "missing entry": Kind(
        "consume queues", "no consumer sees the message before it has one", RECOVERY
    ),
    "lost entry": Kind("consume queues", "no consumer sees the message", REMAKE_QUEUES),
    "wrong entry": Kind(
        "consume queues",
        "it leads a consumer to another message than its own, or to none",
        REMAKE_QUEUES,
    ),
    "entry beyond the log": Kind(
        "consume queues",
        "its message is not in the log: a crash took it, or the log's end is damaged",
        RECOVERY,
    ),
    "stray filler": Kind(
        "consume queues",
        "a filler stands before a queue's first entry only",
        REMAKE_QUEUES,
    ),
    "after the end": Kind(
        "consume queues",
        "the queue ends here, and bytes follow: no consumer sees what they stood for",
        REMAKE_QUEUES,
    ),
    # Index
    "index header": Kind(
        "index", "its counts, times or offsets cannot be true", REMAKE_INDEX
    ),
    "wrong index entry": Kind(
        "index", "it leads a query to a record that has no such key", REMAKE_INDEX
    ),
    "broken chain": Kind(
        "index", "queries do not reach the entries of this slot", REMAKE_INDEX
    ),
    "not in the index": Kind(
        "index",
        "they are not found by key (RocketMQ itself leaves such after a crash)",
        REMAKE_INDEX,
    ),
    "unknown shape": Kind(
        "index",
        "nothing tells how many slots and entries the file has",
        "name them: --set maxHashSlotNum=… --set maxIndexNum=…",
    ),
    # Checkpoint
    "checkpoint size": Kind(
        "checkpoint",
        "a broker reads its first 24 of 4,096 bytes",
        "remove it: the next recovery reads more of the log, that is all",
    ),
    "checkpoint ahead": Kind(
        "checkpoint",
        "it vouches for what was stored later than anything that is here",
        "if the log's end is not damaged, the clock was set back: nothing",
    ),
    "checkpoint behind": Kind(
        "checkpoint",
        "after a good stop it has the time of the last record",
        "nothing: it is written anew",
    ),
    "no checkpoint": Kind(
        "checkpoint", "a recovery reads the log from its first file", "nothing"
    ),
    # How it ended
    "running": Kind(
        "life",
        "a broker has the store open: what is here moves while one looks",
        "stop the broker to be sure of what is said about the ends of files",
    ),
    "crash": Kind(
        "life", "the broker that wrote it did not stop in good order", RECOVERY
    ),
    "several hosts": Kind(
        "life",
        "the records were stored by more than one address",
        "nothing, if the broker was moved or had another brokerIP1",
    ),
    # Tables
    "unreadable table": Kind(
        "tables", "the broker starts without what was in it", "restore it from a backup"
    ),
    "backup used": Kind(
        "tables", "the broker reads the backup beside it", "nothing, or mend it"
    ),
    "offset ahead": Kind(
        "tables",
        "the group passes over what is stored up to there",
        "set it back: mqadmin resetOffsetByTime",
    ),
    "offset behind": Kind(
        "tables", "what the group did not read is gone", "nothing: it goes on"
    ),
    "offset of no queue": Kind(
        "tables", "the queue was removed or never had a message", "nothing"
    ),
}


MENDED = {
    "torn properties", "after the end", "index header", "wrong index entry",
    "broken chain",
}  # fmt: skip
"""What after a crash is no more than a note, for a recovery makes it anew."""


@dataclass(frozen=True)
class Finding:
    """Something found, and where: a file below the store, and a byte of it."""

    kind: str
    severity: str
    path: str
    offset: int | None
    what: str

    @property
    def about(self) -> Kind:
        """What it means."""
        return KINDS[self.kind]

    @property
    def next_step(self) -> str:
        """What to do: nothing, where a recovery mends it."""
        is_mended = self.severity == NOTE and self.kind in MENDED
        return RECOVERY if is_mended else self.about.next_step


class Findings:
    """All that was found; the first places of each kind, and how many there were."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        """By kind and severity."""
        self._kept: dict[tuple[str, str], list[Finding]] = {}

    def add(
        self, kind: str, severity: str, path: str, offset: int | None, what: str
    ) -> None:
        """Note one."""
        key = kind, severity
        self.counts[key] += 1
        kept = self._kept.setdefault(key, [])
        if len(kept) < KEPT:
            kept.append(Finding(kind, severity, path, offset, what))

    def __iter__(self) -> Iterator[Finding]:
        """Yield those that were kept, in the order of `KINDS`, damage first."""
        order = list(KINDS)
        for key in sorted(self._kept, key=lambda one: (one[1], order.index(one[0]))):
            yield from self._kept[key]

    def count(self, severity: str, check: str = "") -> int:
        """Return how many there are of a severity, of one check or of all."""
        return sum(
            count
            for (kind, of), count in self.counts.items()
            if of == severity and check in ("", KINDS[kind].check)
        )

    def beyond(self, finding: Finding) -> int:
        """Return how many more of its kind there are than were kept."""
        key = finding.kind, finding.severity
        return self.counts[key] - len(self._kept[key])
