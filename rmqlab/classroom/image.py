"""What Docker keeps for us: the image that nodes run, and what a cluster left.

    sources ──pip wheel──►  dist/rmqlab-….whl  ──compose/Dockerfile──►  rmqlab:VERSION
    RMQLAB_BASE_IMAGE, else the Dockerfile's default ──────┘            and its label

Its labels tell what an image was built from: `rmqlab.content` is a digest of the
sources, `rmqlab.base` the base image.  Where either changed it is built again.  Only
the system's sources count: no node runs the classroom.

Everything that a cluster has in Docker has two labels: the cluster's name, and its
folder, for two users may give one name.

    python -m rmqlab.classroom.image        builds it where it is not there already
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.errors import DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.models.images import Image
from requests.exceptions import RequestException

from rmqlab import __version__
from rmqlab.classroom.daemon_words import explain, known
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import SHIPPED

T = TypeVar("T")

NAME = f"rmqlab:{__version__}"
CLUSTER_LABEL, FOLDER_LABEL = "rmqlab.cluster", "rmqlab.folder"
CONTENT_LABEL, BASE_LABEL = "rmqlab.content", "rmqlab.base"
BASE_VARIABLE = "RMQLAB_BASE_IMAGE"
DOCKERFILE = SHIPPED / "Dockerfile"
PACKAGE = Path(__file__).parents[1]
ROOT = PACKAGE.parent
USER = 3000, 3000
"""Who runs nodes in it: user and group, RocketMQ's own image has the same."""
UNIX = "unix://"
DAEMON = f"{UNIX}/var/run/docker.sock"
TIMEOUT_S = 60
"""Longest that the daemon may take to answer one request, a build excepted."""


def connect() -> docker.DockerClient:
    """Return a client of the Docker daemon that answered it.

    Raises:
        ClusterError: none answers, or this user may not ask it.
    """
    at = os.environ.get("DOCKER_HOST") or DAEMON
    try:
        if at.startswith(UNIX) and sys.platform != "win32":
            # The library leaks a socket where nobody listens, and hides the reason.
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(at.removeprefix(UNIX))
        client = docker.from_env(timeout=TIMEOUT_S)
        client.ping()
    except (DockerException, OSError) as error:
        step = "install it and start its daemon (`sudo systemctl start docker`)"
        if isinstance(error, PermissionError):
            step = "add yourself to the group docker, and log in again"
        elif isinstance(error, ConnectionRefusedError):
            step = "it has ended, start it again (`sudo systemctl restart docker`)"
        raise ClusterError(
            f"no Docker daemon answers at {at} ({error}): {step}, or use "
            "--runtime local"
        ) from error
    return client


async def in_thread(work: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Have a thread ask the daemon: its library blocks.

    Raises:
        ClusterError: it refused, or went away.
    """
    try:
        return await asyncio.to_thread(work, *arguments, **options)
    except (DockerException, RequestException) as error:
        raise ClusterError(explain(error)) from error


def is_checkout() -> bool:
    """Whether this code runs from its sources, not from an installed wheel."""
    return (ROOT / "pyproject.toml").exists()


def find_or_build(client: docker.DockerClient) -> Image:
    """Return the image for this code, built now if there is none.

    Raises:
        ClusterError: it has to be built, and cannot be; the text says what to do.
        DockerException: the daemon refused to try.
    """
    found = None
    with contextlib.suppress(ImageNotFound):
        found = client.images.get(NAME)
    if not is_checkout():
        return found or _must_be_built_by_hand()
    labels = found.labels if found else {}
    # Who once named a base need not name it for each build.
    base = os.environ.get(BASE_VARIABLE) or labels.get(BASE_LABEL) or default_base()
    wanted = {CONTENT_LABEL: content(), BASE_LABEL: base}
    if found is not None and wanted.items() <= labels.items():
        return found
    return build(client, NAME, make_wheel().parent, DOCKERFILE, base, wanted)


def default_base() -> str:
    """Return the base image that the Dockerfile names itself."""
    return DOCKERFILE.read_text("utf-8").partition("ARG BASE_IMAGE=")[2].split()[0]


def content() -> str:
    """Return a digest of the sources that an image is built from."""
    digest = hashlib.sha256()
    for path in (DOCKERFILE, *_sources()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] != "classroom":
            yield path


def make_wheel(dist: Path = ROOT / "dist") -> Path:
    """Build this checkout's wheel into a folder and return it.

    Raises:
        ClusterError: pip failed.
    """
    # Without hatchling here, pip fetches it into a place of its own.
    isolation = ["--no-build-isolation"] if find_spec("hatchling") else []
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    made = subprocess.run(
        [*command, *isolation, "--wheel-dir", str(dist), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise ClusterError(
            f"pip could not build rmqlab's wheel from {ROOT}: "
            f"{made.stderr.strip()[-500:]}: `pip install -e '.[dev]'` there helps"
        )
    return max(dist.glob(f"rmqlab-{__version__}-*.whl"))


def build(
    client: docker.DockerClient,
    name: str,
    folder: Path,
    dockerfile: Path,
    base: str,
    labels: dict[str, str],
) -> Image:
    """Build an image from a folder.

    Raises:
        ClusterError: it cannot be built; the text says what to do.
        DockerException: the daemon refused to try.
    """
    # Read whole, unlike by `images.build`: what is left unread leaks a socket.
    steps = client.api.build(
        path=str(folder),
        dockerfile=str(dockerfile),
        tag=name,
        buildargs={"BASE_IMAGE": base},
        labels=labels,
        rm=True,
        forcerm=True,
        decode=True,
    )
    failures = [step["error"] for step in steps if "error" in step]
    if failures:
        step = known(failures[0]) or (
            f"set {BASE_VARIABLE} to an image that is here and has Python 3.11 and venv"
        )
        raise ClusterError(f"cannot build {name} from {base}: {failures[0]}: {step}")
    return client.images.get(name)


def _must_be_built_by_hand() -> Image:
    raise ClusterError(
        f"there is no image {NAME}, and rmqlab is installed without its sources: "
        f"`pip download --no-deps rmqlab=={__version__} -d dist && "
        f"docker build -t {NAME} -f {DOCKERFILE} dist` builds it"
    )


def labels(name: str, folder: str) -> dict[str, str]:
    """Return the labels of everything that a cluster has in Docker."""
    return {CLUSTER_LABEL: name, FOLDER_LABEL: folder}


def network_of(own: dict[str, str]) -> str:
    """Return the name of the network of a cluster that has these labels."""
    return f"rmqlab-{own[CLUSTER_LABEL]}"


def ends(client: docker.DockerClient, own: dict[str, str]) -> Any:
    """Return a stream of events, to be closed: each tells that a container ended.

    Raises:
        DockerException: the daemon refused.
    """
    filters = {"type": "container", "event": "die", **_filter(own)}
    return client.events(decode=True, filters=filters)


def whole(stream: Any) -> Generator[Any, None, None]:
    """Yield what a stream brings until it is closed, and free what that leaves open."""
    try:
        yield from stream
    finally:
        stream._response.close()  # noqa: SLF001


def _filter(own: dict[str, str]) -> dict[str, Any]:
    return {"label": [f"{key}={value}" for key, value in own.items()]}


def remove(client: docker.DockerClient, own: dict[str, str]) -> list[str]:
    """Remove a cluster's containers and network; return the names of its nodes.

    Raises:
        DockerException: the daemon refused.
    """
    wanted = _filter(own)
    found = client.containers.list(all=True, filters=wanted, ignore_removed=True)
    with ThreadPoolExecutor() as together:
        list(together.map(_remove_one, found))
    for network in client.networks.list(filters=wanted):
        network.remove()
    nodes = (container.labels.get("rmqlab.node") for container in found)
    return sorted(filter(None, nodes))


def _remove_one(container: Container) -> None:
    with contextlib.suppress(NotFound):
        container.remove(force=True, v=True)


def resume(container: Container) -> None:
    """Let a container go on if it is paused."""
    container.reload()
    if container.status == "paused":
        container.unpause()


def end_leftovers(name: str, folder: str) -> list[str]:
    """Remove what a cluster left whose owner is gone; return the names of its nodes.

    Without a daemon nothing of it runs, and the next cluster of that name removes it.
    """
    gone = contextlib.suppress(ClusterError, DockerException)
    with gone, contextlib.closing(connect()) as client:
        return remove(client, labels(name, folder))
    return []


def main() -> None:
    """Find or build it, and say which it is."""
    try:
        image = find_or_build(connect())
    except ClusterError as error:
        sys.exit(str(error))
    print(NAME, image.short_id)


if __name__ == "__main__":
    main()
