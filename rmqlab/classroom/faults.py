"""What is wrong with a cluster: hosts cut off, links slow, disks slow.

    cut host1           nothing gets through between host1 and all others, or one way
    heal host1          everything does again
    slow host1 --ms     what comes to host1 from others, and goes to them, takes longer
    slow … --disk       every flush takes longer

A host's faults last until they are undone; those of a node end with its process.  A
table is never changed: there is another one after each fault.

Not here: who may ask for what (`striking`), which connections a fault is of (`links`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

CUT_OFF = "cut off"
OBEYED = "obeyed"
"""What a local node says once a table is in force with it."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a host or a node."""

    inward: bool = False
    """Nothing gets to it."""
    outward: bool = False
    links_ms: float = 0.0
    """How much longer everything from and to it takes, one way."""
    flush_ms: float = 0.0
    """How long every flush takes at least."""

    @property
    def is_cut(self) -> bool:
        """Whether it is cut off, in one direction at least."""
        return self.inward or self.outward

    def __str__(self) -> str:
        """``cut off, links take 200 ms``; the words of a trace."""
        said = [CUT_OFF] if self.inward and self.outward else []
        said += [f"{CUT_OFF} inward"] if self.inward and not self.outward else []
        said += [f"{CUT_OFF} outward"] if self.outward and not self.inward else []
        said += [f"links take {self.links_ms:g} ms"] if self.links_ms else []
        said += [f"a flush takes {self.flush_ms:g} ms"] if self.flush_ms else []
        return ", ".join(said)


NONE = Fault()


class Faults:
    """All that is wrong, by name of host or node."""

    def __init__(self, found: Mapping[str, Fault] | None = None) -> None:
        self._found = {name: one for name, one in (found or {}).items() if one != NONE}

    def of(self, name: str) -> Fault:
        """Return what is wrong with a host or a node."""
        return self._found.get(name, NONE)

    @property
    def words(self) -> dict[str, str]:
        """What is wrong with whom."""
        return {name: str(one) for name, one in self._found.items()}

    @property
    def cross_hosts(self) -> bool:
        """Whether a link between hosts is at fault, and not only disks."""
        return any(one.is_cut or one.links_ms for one in self._found.values())

    @property
    def beyond_cuts(self) -> str:
        """What is at fault that is no cut of both ways; empty if nothing."""
        whole = Fault(inward=True, outward=True)
        others = (one for one in self._found.values() if one != whole)
        return "; ".join(map(str, others))

    def with_cut(self, host: str, *, inward: bool, outward: bool) -> Self:
        """Return the table with a host cut off; what was cut before stays so."""
        now = self.of(host)
        inward, outward = inward or now.inward, outward or now.outward
        return self._with(host, inward=inward, outward=outward)

    def healed(self, host: str) -> Self:
        """Return the table with a host no longer cut off; slow stays slow."""
        return self._with(host, inward=False, outward=False)

    def with_slow(self, name: str, ms: float, *, is_disk: bool) -> Self:
        """Return the table with slow links, or a slow disk; 0 ms: as before."""
        return self._with(name, **{"flush_ms" if is_disk else "links_ms": ms})

    def without(self, name: str) -> Self:
        """Return the table without all that is wrong with one."""
        return self._with(name, **asdict(NONE))

    def _with(self, name: str, **changed: Any) -> Self:
        return type(self)(self._found | {name: replace(self.of(name), **changed)})

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
        return {name: asdict(one) for name, one in self._found.items()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the table that was given as JSON."""
        return cls({name: Fault(**one) for name, one in found.items()})
