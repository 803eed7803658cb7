"""A file of a simulated disk, page by page: what reads see, and what is durable of it.

Only pages that were touched are stored: a log file of 1 GiB costs what was written to
it.  Of a page that is not durable yet, each older content is kept that may be.

    write ──► dirty ── flush ───────────► durable
                 └──── flush that fails ► forgotten: reads see it, no later flush
                                          makes it durable, only another write
"""

from __future__ import annotations

from collections import defaultdict
from random import Random

PAGE_BYTES, SECTOR_BYTES = 4096, 512
ZEROES = bytearray(PAGE_BYTES)


class File:
    """The bytes of a file, whoever has it open."""

    def __init__(self, size: int, content: bytes = b"") -> None:
        self.size = size
        self.holder: object = None
        """Who has it locked."""
        self.pages: defaultdict[int, bytearray] = defaultdict(ZEROES.copy)
        self.undo: list[dict[int, bytearray]] = [{}]
        """Pages as they were before each flush that is under way, and since then."""
        self.forgotten: dict[int, bytearray] = {}
        """What is durable of pages that the kernel failed to write."""
        self.write(0, content)
        self.undo[0].clear()

    def read(self, offset: int, size: int) -> bytes:
        """Return what a reader sees; nothing beyond the file's end."""
        start, size = offset % PAGE_BYTES, max(0, min(size, self.size - offset))
        found = [self.pages.get(number, ZEROES) for number in pages(offset, size)]
        return b"".join(found)[start : start + size]

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset`, for readers only."""
        done = 0
        while done < len(data):
            number, start = divmod(offset + done, PAGE_BYTES)
            piece = data[done : done + PAGE_BYTES - start]
            self._touch(number)[start : start + len(piece)] = piece
            done += len(piece)

    def cut(self, offset: int) -> None:
        """Make every byte from `offset` on a zero, for readers only."""
        for number in [one for one in self.pages if one >= offset // PAGE_BYTES]:
            left = max(0, offset - number * PAGE_BYTES)
            self._touch(number)[left:] = ZEROES[left:]

    def _touch(self, number: int) -> bytearray:
        """Return a page that is about to change, and note how it was."""
        page = self.pages[number]
        if number in self.forgotten:
            self.undo[-1][number] = self.forgotten.pop(number)
        elif number not in self.undo[-1]:
            self.undo[-1][number] = page.copy()
        return page

    def flip(self, offset: int, bit: int) -> None:
        """Turn one bit over, in every content that its page may have."""
        number, at = divmod(offset, PAGE_BYTES)
        older = [one[number] for one in (*self.undo, self.forgotten) if number in one]
        for page in (*older, self.pages[number]):
            page[at] ^= 1 << bit

    def fail_flush(self, dice: Random, evicts: float) -> None:
        """Forget that any page is to be written, and of some what was to be written.

        Source: what Linux does since 4.13, see "PostgreSQL's fsync() surprise", 2018.
        """
        for number, durable in self.undo[-1].items():
            if dice.random() < evicts:
                self.pages[number] = durable
            else:
                self.forgotten[number] = durable
        self.undo[-1] = {}

    def crash(self, dice: Random, keeps: float, tears: float) -> dict[str, list[int]]:
        """Leave of each page what may be durable; return where that is not all."""
        found: dict[str, list[int]] = {"lost": [], "torn": []}
        contents = *self.undo, self.forgotten
        for number in sorted({number for before in contents for number in before}):
            durable, *newer = (one[number] for one in contents if number in one)
            newer.append(self.pages[number])
            chance, left = dice.random(), durable
            if chance < keeps:
                left = newer[-1]
            elif chance < keeps + tears:
                tear = dice.randrange(SECTOR_BYTES, PAGE_BYTES, SECTOR_BYTES)
                left = dice.choice(newer)[:tear] + durable[tear:]
            if left != newer[-1]:
                found["lost" if left == durable else "torn"].append(number * PAGE_BYTES)
            self.pages[number] = left
        self.undo, self.forgotten = [{}], {}
        return found


def pages(offset: int, size: int) -> range:
    """Return the numbers of the pages on which these bytes lie."""
    return range(offset // PAGE_BYTES, -(-(offset + size) // PAGE_BYTES))
