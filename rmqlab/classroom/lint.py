"""What RocketMQ would silently ignore, misread or refuse in `.properties` files.

RocketMQ drops an unknown key without a word, and keeps the default where a value does
not parse: ``brokerRole=SLAVE `` with a blank at its end makes a master.
"""

from __future__ import annotations

import difflib
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from posixpath import normpath
from typing import NamedTuple, get_type_hints

from rmqlab.classroom import topology
from rmqlab.classroom.topology import Host, Node
from rmqlab.config import Problem, keys_of, parse_value, read
from rmqlab.known_keys import (
    IGNORED_BY_BROKER,
    IGNORED_BY_NAMESRV,
    OURS_ALONE,
    RENAMED,
)
from rmqlab.settings import BrokerConfig, BrokerRole, NamesrvConfig, StoreConfig

NO_SETTER = {
    "storePathConsumeQueue": "consumequeue",
    "storePathIndex": "index",
    "storeCheckpoint": "checkpoint",
    "abortFile": "abort",
}
"""Keys that articles set and no release reads, and the file each would move."""

PORTS = {-2: "VIP, listenPort-2", 0: "listenPort", 1: "HA, listenPort+1"}

NO = {"false", "no", "off", "0"}
"""What means false to whoever writes it; Java takes all but ``true`` for false."""
MAX_PORT = 65535

Resolves = Callable[[str], bool]


class Finding(NamedTuple):
    """One thing to mend: where, what is wrong, and what would do."""

    file: str
    line: int
    what: str
    next_step: str

    def __str__(self) -> str:
        """``broker-a.properties:7: …  → …``."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.what}  → {self.next_step}"


def lint(paths: list[Path]) -> list[Finding]:
    """Return what is wrong in these files or topology folders, file by file.

    Raises:
        ConfigError: a folder is no topology.
        OSError: a file cannot be read.
    """
    findings: list[Finding] = []
    loose: list[Node] = []
    here = Host("one host (if both run there)", "127.0.0.1")
    for path in paths:
        if path.is_dir() or str(path) in topology.NAMES:
            plan = topology.load(path if path.is_dir() else str(path))
            findings += _lint_nodes(list(plan.nodes), plan.names.__contains__)
        else:
            loose.append(Node(path.stem, here, path.read_text("latin-1")))
    findings += _lint_nodes(loose, _system_resolves)
    files = list(dict.fromkeys(finding.file for finding in findings))
    return sorted(findings, key=lambda one: (files.index(one.file), one.line))


def _lint_nodes(nodes: list[Node], resolves: Resolves) -> list[Finding]:
    findings = [finding for node in nodes for finding in _in_one_file(node, resolves)]
    brokers = [node for node in nodes if not node.is_namesrv]
    findings += _shared_stores(brokers)
    findings += _colliding_ports(nodes)
    return findings


def _in_one_file(node: Node, resolves: Resolves) -> Iterator[Finding]:
    file = f"{node.name}.properties"
    if "\0" in (node.text or ""):
        yield Finding(file, 0, "this is no text", "name a .properties file")
        return
    kinds = IGNORED_BY_NAMESRV if node.is_namesrv else IGNORED_BY_BROKER
    settings: list[object] = [NamesrvConfig()]
    if not node.is_namesrv:
        settings = [BrokerConfig(), StoreConfig()]
    for problem in read(node.properties, *settings):
        if problem.key not in kinds:
            yield _ineffective(file, problem, [*kinds, *_own_kinds(settings)])
        elif why := _unparsable(problem, kinds[problem.key]):
            yield Finding(file, problem.line, why, "the default stays: mend the value")
    yield from _misread(file, node, kinds | _own_kinds(settings))
    yield from _of_other_releases(file, node)
    for key, value, line in node.properties:
        if key == "namesrvAddr":
            yield from _unresolved(file, line, value, resolves)
    if node.role == BrokerRole.SLAVE.name and node.broker.broker_id <= 0:
        what = f"a slave with brokerId={node.broker.broker_id} does not start"
        yield Finding(file, 0, what, "give it brokerId=1 or more")


def _of_other_releases(file: str, node: Node) -> Iterator[Finding]:
    written = {key for key, *_ in node.properties}
    for key, value, line in node.properties:
        if key in RENAMED and RENAMED[key] not in written:
            what = f"{key} is read up to release 4.5.1 and ignored from 4.6.0 on"
            yield Finding(file, line, what, f"write {RENAMED[key]}={value}, too")
        if key in OURS_ALONE and not node.is_namesrv:
            what = f"{key} is a lab's: RocketMQ does not know it and ignores it"
            yield Finding(file, line, what, "leave it out of a real broker's file")


def _misread(file: str, node: Node, kinds: dict[str, type]) -> Iterator[Finding]:
    for key, value, line in node.properties:
        if kinds.get(key) is bool and value.lower() not in NO | {"true"}:
            what = f"{key}: {value!r} is read as false"
            yield Finding(file, line, what, "write true or false, and nothing after it")


def _own_kinds(settings: list[object]) -> dict[str, type]:
    return {
        key: get_type_hints(type(one))[name]
        for one in settings
        for key, name in keys_of(type(one)).items()
    }


def _ineffective(file: str, problem: Problem, known: list[str]) -> Finding:
    key, value, line, what = problem
    if what != "no such key":
        advice = "the default stays: mend the value"
        if value != value.strip():
            advice = f"blanks at the end count: write {key}={value.strip()}"
        return Finding(file, line, f"{key}: {what}, so it is ignored", advice)
    if key in NO_SETTER:
        step = f"remove it: {NO_SETTER[key]} lies below storePathRootDir"
        return Finding(file, line, f"{key} is read by no release and ignored", step)
    near = difflib.get_close_matches(key, known, n=1)
    step = f"did you mean {near[0]}?" if near else "remove it"
    return Finding(file, line, f"{key} is no key of RocketMQ and ignored", step)


def _unparsable(problem: Problem, kind: type) -> str | None:
    try:
        parse_value(problem.value, kind)
    except ValueError as error:
        return f"{problem.key}: {error}, so it is ignored"
    return None


def _unresolved(
    file: str, line: int, value: str, resolves: Resolves
) -> Iterator[Finding]:
    for address in filter(None, value.split(";")):
        host, _, port = address.strip().rpartition(":")
        if not host or not _is_port(port):
            step = "write host:port;host:port"
            yield Finding(file, line, f"namesrvAddr has {address!r}", step)
        elif not _is_address(host) and not resolves(host):
            step = "add the name to the hosts file, or write its address"
            yield Finding(file, line, f"name server {host!r} does not resolve", step)


def _is_port(text: str) -> bool:
    return text.isdecimal() and 0 < int(text) <= MAX_PORT


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _system_resolves(name: str) -> bool:
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        return False
    return True


def _shared_stores(brokers: list[Node]) -> Iterator[Finding]:
    root, log = "storePathRootDir", "storePathCommitLog"
    owners: dict[tuple[str, Host, str], Node] = {}
    for node in brokers:
        step = (
            "give it a root of its own: the second one to start stops with "
            "'Lock failed,MQ already started'"
        )
        for key, path in (
            (root, node.store.store_path_root_dir),
            (log, node.log_folder),
        ):
            owner = owners.setdefault((key, node.host, normpath(path)), node)
            if owner is not node:
                what = f"shares {key}={path} with {owner.name} on {node.host.name}"
                line = _line_of(node, key)
                yield Finding(f"{node.name}.properties", line, what, step)
                break
            step = "give it a log of its own: nothing keeps the two from mixing theirs"


def _colliding_ports(nodes: list[Node]) -> Iterator[Finding]:
    taken: dict[tuple[Host, int], str] = {}
    for node in nodes:
        for offset, use in ({0: "listenPort"} if node.is_namesrv else PORTS).items():
            port = node.listen_port + offset
            holder = taken.setdefault((node.host, port), f"{node.name} ({use})")
            if holder != f"{node.name} ({use})":
                what = f"port {port} ({use}) on {node.host.name} is {holder}'s already"
                step = "keep listenPorts at least 4 apart"
                line = _line_of(node, "listenPort")
                yield Finding(f"{node.name}.properties", line, what, step)


def _line_of(node: Node, key: str) -> int:
    lines = [one.line for one in node.properties if one.key == key]
    return lines[-1] if lines else 0
