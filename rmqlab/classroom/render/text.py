"""What the targets have in common: files of the topology, YAML."""

from __future__ import annotations

from typing import Any

import yaml

from rmqlab.classroom.topology import Node, Topology


def hosts_file(topology: Topology) -> str:
    """Return the lines that every host's /etc/hosts needs."""
    lines = [" ".join([one.address, one.name, *one.aliases]) for one in topology.hosts]
    return "\n".join([*lines, ""])


def properties_of(node: Node, settings: dict[str, str] | None = None) -> str:
    """Return a node's file, with settings more at its end.

    A name server that has none is given one with its default: some file must be named.
    """
    told = settings or {}
    if node.text is None:
        told = {"listenPort": f"{node.listen_port}"} | told
    return node.with_settings(told).text or ""


def dump(*documents: dict[str, Any]) -> str:
    """Return objects as YAML, in the order of their keys; texts of many lines as such.

    Nothing is said once and referred to: a reader of one object has all of it.
    """
    return str(
        yaml.dump_all(
            documents,
            Dumper=_Dumper,
            sort_keys=False,
            width=1000,
            allow_unicode=True,
            explicit_start=len(documents) > 1,
        )
    )


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        """Say all in full."""
        return True


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
