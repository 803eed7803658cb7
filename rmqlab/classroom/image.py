"""The image that containers of runtime docker run: found, or built.

    sources ──pip wheel──►  dist/rmqlab-….whl  ──compose/Dockerfile──►  rmqlab:VERSION
    RMQLAB_BASE_IMAGE, else the Dockerfile's default ──────┘            and its label

The label `rmqlab.content` tells the sources and the base that an image was built from:
where they changed it is built again.  Only the system counts: no node runs the
classroom, so that a change there costs nobody a build.

    python -m rmqlab.classroom.image        builds it where it is not there already
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, DockerException, ImageNotFound
from docker.models.images import Image

from rmqlab import __version__
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import SHIPPED

NAME = f"rmqlab:{__version__}"
CONTENT_LABEL = "rmqlab.content"
BASE_VARIABLE = "RMQLAB_BASE_IMAGE"
DOCKERFILE = SHIPPED / "Dockerfile"
PACKAGE = Path(__file__).parents[1]
ROOT = PACKAGE.parent
TIMEOUT_S = 60
"""Longest that the daemon may take to answer one request, a build excepted."""


def connect() -> docker.DockerClient:
    """Return a client of the Docker daemon that answered it.

    Raises:
        ClusterError: none answers, or this user may not ask it.
    """
    try:
        client = docker.from_env(timeout=TIMEOUT_S)
        client.ping()
    except DockerException as error:
        step = "install it and start its daemon (`sudo systemctl start docker`)"
        if "ermission" in str(error):
            step = "add yourself to the group docker, and log in again"
        raise ClusterError(
            f"no Docker daemon answers ({error}): {step}, or use --runtime local"
        ) from error
    return client


def is_checkout() -> bool:
    """Whether this code runs from its sources, not from an installed wheel."""
    return (ROOT / "pyproject.toml").exists()


def find_or_build(client: docker.DockerClient) -> Image:
    """Return the image for this code, built now if there is none.

    Raises:
        ClusterError: it has to be built, and cannot be; the text says what to do.
    """
    found = None
    with contextlib.suppress(ImageNotFound):
        found = client.images.get(NAME)
    if not is_checkout():
        return found or _must_be_built_by_hand()
    if found is not None and found.labels.get(CONTENT_LABEL) == content():
        return found
    return _build(client, make_wheel().parent)


def content() -> str:
    """Return a digest of what an image is built from."""
    digest = hashlib.sha256(os.environ.get(BASE_VARIABLE, "").encode())
    for path in (DOCKERFILE, *_sources()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] != "classroom":
            yield path


def make_wheel() -> Path:
    """Build this checkout's wheel into `dist` and return it.

    Raises:
        ClusterError: pip failed.
    """
    dist = ROOT / "dist"
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


def _build(client: docker.DockerClient, folder: Path) -> Image:
    base = os.environ.get(BASE_VARIABLE)
    try:
        image, _ = client.images.build(
            path=str(folder),
            dockerfile=str(DOCKERFILE),
            tag=NAME,
            buildargs={"BASE_IMAGE": base} if base else {},
            labels={CONTENT_LABEL: content()},
            rm=True,
            forcerm=True,
        )
    except (APIError, BuildError) as error:
        raise ClusterError(
            f"cannot build {NAME} from {base or 'the default base image'}: {error}: "
            f"set {BASE_VARIABLE} to an image that is here and has Python 3.11 and venv"
        ) from error
    return image


def _must_be_built_by_hand() -> Image:
    raise ClusterError(
        f"there is no image {NAME}, and rmqlab is installed without its sources: "
        f"`pip download --no-deps rmqlab=={__version__} -d dist && "
        f"docker build -t {NAME} -f {DOCKERFILE} dist` builds it"
    )


def main() -> None:
    """Find or build it, and say which it is."""
    try:
        image = find_or_build(connect())
    except ClusterError as error:
        sys.exit(str(error))
    print(NAME, image.short_id)


if __name__ == "__main__":
    main()
