"""What this machine can run."""

from __future__ import annotations

import contextlib
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import psutil

from rmqlab.classroom import registry, release
from rmqlab.classroom.ports import holder_of
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated import library

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 1 << 30
LEAST_MEMORY_BYTES = 1 << 30
ARTICLE_PORTS = (9876, 10909, 10911, 10912, 11009, 11011, 11012)
LIBRARIES = ("click", "docker", "ipywidgets", "jupyterlab", "nbval", "psutil", "rich")


class Finding(NamedTuple):
    """One thing looked at: ``ok``, ``absent`` (something optional), or ``broken``."""

    what: str
    state: str
    found: str
    next_step: str = ""


def examine() -> list[Finding]:
    """Look at everything."""
    return [*_machine(), *_network(), *_optional()]


def _machine() -> Iterator[Finding]:
    version = platform.python_version()
    if sys.version_info >= OLDEST_PYTHON:
        yield Finding("Python", "ok", version)
    else:
        yield Finding("Python", "broken", version, "install Python 3.11 or newer")
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        step = "pip install 'rmqlab[lab]'"
        yield Finding("libraries", "broken", f"missing {', '.join(missing)}", step)
    else:
        yield Finding("libraries", "ok", f"{len(LIBRARIES)} looked for, all there")
    yield _disk(registry.home())
    memory = psutil.virtual_memory().available
    state = "ok" if memory >= LEAST_MEMORY_BYTES else "broken"
    step = "" if state == "ok" else "close something: a cluster takes about 200 MiB"
    yield Finding("memory", state, f"{memory / 2**30:.1f} GiB available", step)


def _disk(home: Path) -> Finding:
    try:
        home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(home).free
    except OSError as error:
        step = "set RMQLAB_HOME to a folder that you may write to"
        return Finding("disk", "broken", f"{home}: {error.strerror}", step)
    state = "ok" if free >= LEAST_FREE_BYTES else "broken"
    step = "" if state == "ok" else "free at least 1 GiB, or set RMQLAB_HOME elsewhere"
    return Finding("disk", state, f"{free / 2**30:.1f} GiB free in {home}", step)


def _network() -> Iterator[Finding]:
    host = "127.0.1.128" if sys.platform == "linux" else "127.0.0.1"
    try:
        with socket.socket() as probe:
            probe.bind((host, 0))
        yield Finding("loopback", "ok", f"{host} can be bound")
    except OSError as error:
        step = "bring the loopback interface up: `ip link set lo up`"
        yield Finding("loopback", "broken", f"{host}: {error.strerror}", step)
    holders = [
        holder for port in ARTICLE_PORTS if (holder := holder_of("0.0.0.0", port))
    ]
    for holder in holders:
        step = "stop it: it listens on every address, also on the clusters'"
        yield Finding("ports", "broken", holder, step)
    if not holders:
        yield Finding("ports", "ok", "9876, 10911, 11011 and their neighbours are free")
    up = registry.running()
    yield Finding("clusters", "ok", f"up: {', '.join(up) or 'none'}")


def _optional() -> Iterator[Finding]:
    names = library.names()
    found = f"{len(names)} scenarios; it needs nothing: `rmqlab sim --list`"
    yield Finding("simulation", "ok" if names else "broken", found)
    yield _docker()
    yield from _real()


def _real() -> Iterator[Finding]:
    step = "only needed for the real RocketMQ, without Docker"
    try:
        yield Finding("Java", "ok", release.find_java())
    except ClusterError as error:
        yield Finding("Java", "absent", str(error), step)
    if not release.is_named():
        variable = release.HOME_VARIABLE
        step = f"for --runtime rocketmq without Docker, have {variable} name a release"
        yield Finding("RocketMQ", "absent", f"{variable} is not set", step)
        return
    try:
        found = release.find_jars()
        yield Finding("RocketMQ", "ok", f"{found.version} in {found.folder}")
    except ClusterError as error:
        yield Finding("RocketMQ", "broken", str(error), "mend that, or unset it")


def _docker() -> Finding:
    # Its library takes a third of a second to import: only who looks at it waits.
    from rmqlab.classroom import image  # noqa: PLC0415

    try:
        with contextlib.closing(image.connect()) as client:
            return Finding("Docker", "ok", f"daemon {client.version()['Version']}")
    except ClusterError as error:
        step = "only needed for --runtime docker: install it and start its daemon"
        if isinstance(error.__cause__, PermissionError):
            step = "add yourself to the group docker, and log in again"
        return Finding("Docker", "absent", "no daemon answers", step)
