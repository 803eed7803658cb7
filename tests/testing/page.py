"""The programs that docs/testing.md, or another page, shows, as files."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
BLOCK = re.compile(r"^```\w+\n((?:#|//) (\S+\.\w+)\n.*?)^```", re.DOTALL | re.MULTILINE)


def shown(ending: str, folder: Path, page: Path = PAGE) -> list[str]:
    """Write the programs whose files end like this; return their names."""
    found = {name: text for text, name in BLOCK.findall(page.read_text("utf-8"))}
    names = [name for name in found if name.endswith(ending)]
    for name in names:
        (folder / name).write_text(found[name], "utf-8")
    return names
