"""Images that stand in for Apache RocketMQ's own, under their names.

    Maven Central's jars ─┐
    this machine's JDK ───┼──►  apache/rocketmq:4.9.7, as Docker Hub has it
    base image of ours ───┘     paths, user and programs alike

Where an image of that name is there already that was not made here, it is the real one,
and is used.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from docker.errors import ImageNotFound

from rmqlab.classroom import image
from tests.conftest import missing
from tests.interop.jars import alone, jars_of, release

HERE = Path(__file__).parent
LABEL = "rmqlab.standin"
MODULES = "java.se,jdk.crypto.ec,jdk.management,jdk.unsupported,jdk.zipfs"
LINK_S = 120


def find_or_build(client, version):
    """Return the name of the image of a release, built now if it is not there."""
    release(version)  # its jars, or a skip
    name = f"apache/rocketmq:{version}"
    with alone(jars_of(version)):
        wanted = _digest(version)
        with suppress(ImageNotFound):
            if client.images.get(name).labels.get(LABEL, wanted) == wanted:
                return name
        _build(client, name, version, wanted)
    return name


def _digest(version):
    """Return a digest of what the image is made of."""
    digest = hashlib.sha256()
    for path in sorted(path for path in HERE.rglob("*") if path.suffix != ".pyc"):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for jar in sorted(jars_of(version).glob("*.jar")):
        digest.update(jar.name.encode())
    return digest.hexdigest()[:16]


def _build(client, name, version, digest):
    with TemporaryDirectory() as folder:
        context = Path(folder)
        for part in ("bin", "conf"):
            shutil.copytree(HERE / part, context / part)
        (context / "lib").mkdir()
        for jar in jars_of(version).glob("*.jar"):
            shutil.copy(jar, context / "lib")
        _link_java(context / "jre")
        steps = client.api.build(
            path=folder,
            dockerfile=str(HERE / "Dockerfile"),
            tag=name,
            buildargs={"BASE_IMAGE": _base(client), "VERSION": version},
            labels={LABEL: digest},
            rm=True,
            forcerm=True,
            decode=True,
        )
        failures = [step["error"] for step in steps if "error" in step]
    assert not failures, failures


def _base(client):
    """Return what our own image stands on: it is there, for that was built before."""
    return client.images.get(image.NAME).labels[image.BASE_LABEL]


def _link_java(folder):
    """Put a Java of this machine's kind together that runs in a container."""
    if shutil.which("jlink") is None:
        missing("java", "there is no jlink: install a whole JDK")
    subprocess.run(
        [
            *("jlink", "--add-modules", MODULES, "--output", str(folder)),
            *("--no-header-files", "--no-man-pages"),
        ],
        check=True,
        timeout=LINK_S,
        stdout=subprocess.DEVNULL,
    )
