"""Puts what a command draws into a page in Markdown, between two lines of it."""

from __future__ import annotations

from typing import NamedTuple

from rmqlab.errors import ConfigError


class Place(NamedTuple):
    """Between these two lines a page has something that is drawn."""

    begin: str
    end: str

    def put(self, page: str, drawn: str) -> str:
        """Return the page with something else there.

        Raises:
            ConfigError: it has no such lines.
        """
        before, begin, rest = page.partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not end:
            raise ConfigError(f"the page has no lines {self.begin!r} and {self.end!r}")
        return f"{before}{begin}\n{drawn}\n{end}{after}"
