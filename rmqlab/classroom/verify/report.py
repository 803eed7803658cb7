"""What a look at a store found: its figures, each check, every finding, the recovery.

As JSON it is versioned: a key may be added in a version, none changes its meaning.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from rmqlab.classroom.verify.findings import DAMAGE, NOTE, Finding, Findings
from rmqlab.classroom.verify.overlay import Change
from rmqlab.classroom.verify.rehearsal import Rehearsal

VERSION = 1
CHECKS = ("files", "commit log", "consume queues", "index", "checkpoint", "life",
          "tables")  # fmt: skip


class Moved(NamedTuple):
    """A queue whose end moves: the queue offset of its next message, then and now."""

    topic: str
    queue_id: int
    end: int
    end_after: int


@dataclass
class Report:
    """A store as it was found."""

    root: str
    life: str
    """``stopped``, ``crashed`` or ``running``."""
    settings: dict[str, int]
    """Those that decide over the files' shapes, as they were given or found out."""
    looked_at: dict[str, str] = field(default_factory=dict)
    """Of each check, what it compared."""
    log_start: int = 0
    log_end: int = 0
    records: int = 0
    lost_records: int = 0
    """Readable ones that the next start would cut off."""
    hosts: dict[str, int] = field(default_factory=dict)
    """The addresses of the brokers that stored the records."""
    moved: list[Moved] = field(default_factory=list)
    """Queues whose end the next start moves."""
    findings: Findings = field(default_factory=Findings)
    rehearsal: Rehearsal = field(default_factory=lambda: Rehearsal(was_crash=False))

    @property
    def is_sound(self) -> bool:
        """Whether there is no damage."""
        return not self.findings.count(DAMAGE)

    def to_json(self) -> dict[str, Any]:
        """Return all of it."""
        counts = [
            {"name": name, "looked_at": self.looked_at.get(name, "")}
            | {of: self.findings.count(of, name) for of in (DAMAGE, NOTE)}
            for name in CHECKS
        ]
        return {
            "version": VERSION,
            "store": self.root,
            "sound": self.is_sound,
            "life": self.life,
            "settings": self.settings,
            "log": {
                "start": self.log_start,
                "end": self.log_end,
                "records": self.records,
                "store_hosts": self.hosts,
            },
            "checks": counts,
            "findings": [self._finding(one) for one in self.findings],
            "counts": [
                {"kind": kind, "severity": severity, "count": count}
                for (kind, severity), count in self.findings.counts.items()
            ],
            "recovery": self._recovery(),
        }

    def _finding(self, one: Finding) -> dict[str, Any]:
        about = one.about
        return {
            "check": about.check,
            **asdict(one),
            "means": about.means,
            "next_step": one.next_step,
        }

    def _recovery(self) -> dict[str, Any]:
        did = self.rehearsal
        return {
            "after": "crash" if did.was_crash else "stop",
            "refused": did.refused or None,
            "log_end": None if did.refused else did.log_end,
            "lost_records": self.lost_records,
            "queues": [one._asdict() for one in self.moved],
            "files": [self._change(one) for one in did.changes],
        }

    def _change(self, change: Change) -> dict[str, Any]:
        told: dict[str, Any] = change._asdict()
        return told | {"path": change.path.removeprefix(f"{self.root}/")}
