"""Nodes as a trace's first event lists them."""

from __future__ import annotations

from rmqlab.classroom.topology import Node


def listed(node: Node, address: str, home: str = "") -> dict[str, str]:
    """Return a node of a topology; `home` stands for the root of its host."""
    found = {
        "name": node.name,
        "host": node.host.name,
        "role": node.role,
        "address": address,
    }
    if not node.is_namesrv:
        found["broker"] = node.broker.broker_name
        found["flush"] = node.store.flush_disk_type.name
        found["store"] = f"{home}{node.store_folder}"
        found["commit_log"] = f"{home}{node.log_folder}"
    return found
