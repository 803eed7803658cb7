"""The image of the lab's container: JupyterLab, the course, and what they run on.

    constraints.txt ──pip download──►  wheels/ ┐ in build/lab, from which
    sources         ──pip wheel─────►  wheels/ ├ compose/lab.Dockerfile
    labs, exercises ──copied────────►  course/ ┘ makes the image

No container needs a package registry: the machine that builds has what is needed for
the base image's Python, which may be another than its own.

    python -m rmqlab.classroom.lab_image        builds it
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import NamedTuple

import docker
from docker.errors import DockerException
from docker.models.images import Image
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rmqlab import __version__
from rmqlab.classroom import image
from rmqlab.classroom.daemon_words import explain
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import SHIPPED

NAME = f"rmqlab-lab:{__version__}"
DOCKERFILE = SHIPPED / "lab.Dockerfile"
FOLDER = image.ROOT / "build" / "lab"
COURSE = "README.md docs labs exercises solutions".split()
NOT_COPIED = shutil.ignore_patterns(".ipynb_checkpoints", "copies", "__pycache__")
ASKED = "import platform as p; print(p.python_version(), p.machine(), p.libc_ver()[1])"
OLDEST_GLIBC = 5
"""Of the 2.x that wheels are made for."""


class Target(NamedTuple):
    """A Python in a container, as far as wheels differ by it."""

    version: str
    machine: str
    glibc: str

    @property
    def markers(self) -> dict[str, str]:
        """What a requirement's condition may ask for."""
        return default_environment() | {  # type: ignore[return-value]
            "os_name": "posix",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_machine": self.machine,
            "python_full_version": self.version,
            "python_version": self.version.rpartition(".")[0],
        }

    @property
    def platforms(self) -> list[str]:
        """The platforms whose wheels it takes, the best first."""
        newest = int(self.glibc.split(".")[1])
        dated = [f"manylinux_2_{one}" for one in range(newest, OLDEST_GLIBC - 1, -1)]
        return [f"{one}_{self.machine}" for one in (*dated, "manylinux2014")]


def build(client: docker.DockerClient) -> Image:
    """Build the image from this checkout.

    Raises:
        ClusterError: it cannot be built; the text says what to do.
        DockerException: the daemon refused.
    """
    if not image.is_checkout():
        raise ClusterError(
            f"{NAME} is built from a clone of rmqlab, for it has the course in it"
        )
    base = os.environ.get(image.BASE_VARIABLE) or image.default_base()
    asked = client.containers.run(base, ["python3", "-c", ASKED], remove=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    download(Target(*asked.decode().split()), FOLDER / "wheels")
    image.make_wheel(FOLDER / "wheels")
    for name in COURSE:
        _copy(image.ROOT / name, FOLDER / "course" / name)
    return image.build(client, NAME, FOLDER, DOCKERFILE, base, {image.BASE_LABEL: base})


def download(target: Target, folder: Path) -> None:
    """Have pip fetch the wheels that the course needs there.

    Raises:
        ClusterError: it could not.
    """
    wanted = pins(target, (image.ROOT / "constraints.txt").read_text("utf-8"))
    options = ["--no-deps", "--only-binary=:all:", "--python-version", target.version]
    options += [f"--platform={one}" for one in target.platforms]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *options]
    done = subprocess.run(
        [*command, "--dest", str(folder), *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ClusterError(
            f"pip could not download the lab's packages for Python {target.version} "
            f"on {target.machine}: {done.stderr.strip()[-500:]}"
        )


def pins(target: Target, constraints: str) -> list[str]:
    """Return what is to be installed there, each as NAME==VERSION."""
    needed = set(_needed(course_needs(), target.markers))
    lines = (line.partition("#")[0].strip() for line in constraints.splitlines())
    pinned = (Requirement(line) for line in lines if line)
    return [
        f"{one.name}{one.specifier}"
        for one in pinned
        if canonicalize_name(one.name) in needed and _holds(one, target.markers)
    ]


def course_needs() -> list[Requirement]:
    """Return what the extra `lab` asks for."""
    project = tomllib.loads((image.ROOT / "pyproject.toml").read_text("utf-8"))
    return list(map(Requirement, project["project"]["optional-dependencies"]["lab"]))


def _needed(left: list[Requirement], markers: dict[str, str]) -> Iterator[str]:
    """Yield the names of all that these lead to, by what is installed here."""
    seen: set[tuple[str, frozenset[str]]] = set()
    while left:
        one = left.pop()
        key = canonicalize_name(one.name), frozenset(one.extras)
        if key in seen:
            continue
        seen.add(key)
        yield key[0]
        with suppress(PackageNotFoundError):
            more = map(Requirement, requires(one.name) or ())
            left += (each for each in more if _holds(each, markers, *one.extras))


def _holds(one: Requirement, markers: dict[str, str], *extras: str) -> bool:
    marker = one.marker
    return marker is None or any(
        marker.evaluate(markers | {"extra": extra}) for extra in ("", *extras)
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=NOT_COPIED)
    else:
        shutil.copy(source, target)


def main() -> None:
    """Build it, and say which it is."""
    try:
        built = build(image.connect())
    except ClusterError as error:
        sys.exit(str(error))
    except DockerException as error:
        sys.exit(explain(error))
    print(NAME, built.short_id)


if __name__ == "__main__":
    main()
