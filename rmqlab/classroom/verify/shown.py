"""A report as a notebook shows it."""

from __future__ import annotations

import io

from rich.console import Console

from rmqlab.classroom.looking import HostShelf, StoreFiles
from rmqlab.classroom.verify.files import HostFiles, ShelfFiles
from rmqlab.classroom.verify.findings import DAMAGE, Finding
from rmqlab.classroom.verify.look import verify
from rmqlab.classroom.verify.report import Report
from rmqlab.classroom.verify.told import tell

COLUMNS = 110
HTML = "<pre style='line-height:1.3;font-family:monospace'>{code}</pre>"


class Verified:
    """What was found in a store, and what its broker's next start would do."""

    def __init__(self, report: Report) -> None:
        self.report = report

    @property
    def is_sound(self) -> bool:
        """Whether there is no damage."""
        return self.report.is_sound

    @property
    def damage(self) -> list[Finding]:
        """What cannot be read, or is not what it says it is; each kind's first 20."""
        return [one for one in self.report.findings if one.severity == DAMAGE]

    @property
    def log_end_after(self) -> int | None:
        """Where the commit log ends after the next start; None: that is refused."""
        did = self.report.rehearsal
        return None if did.refused else did.log_end

    def __repr__(self) -> str:
        """A fixed text: a notebook's outputs can be compared."""
        kinds = sorted({one.kind for one in self.damage})
        return f"verify: {', '.join(kinds) or 'sound'}"

    def __str__(self) -> str:
        """What `rmqlab verify` prints."""
        return self._told().export_text()

    def _repr_html_(self) -> str:
        return self._told().export_html(inline_styles=True, code_format=HTML)

    def _told(self) -> Console:
        console = Console(
            file=io.StringIO(), record=True, width=COLUMNS, highlight=False,
            force_jupyter=False,
        )  # fmt: skip
        tell(self.report, console)
        return console


def verify_files(files: StoreFiles) -> Verified:
    """Check every file of a broker's store against the others; see `verify`.

    Raises:
        NotAStore, StoreError: there is none, or it may not be read.
    """
    shelf = files.shelf
    of = HostFiles(shelf.host) if isinstance(shelf, HostShelf) else ShelfFiles(shelf)
    return Verified(verify(files.paths, (), of))
