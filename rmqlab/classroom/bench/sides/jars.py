"""RocketMQ's own jars: in ROCKETMQ_HOME, or in its `lib` as in a binary release."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rmqlab.classroom.bench.part import NotHere

VARIABLE = "ROCKETMQ_HOME"


def class_path() -> str:
    """Return the class path of RocketMQ's client.

    Raises:
        NotHere: there is no Java, or no client's jar.
    """
    if shutil.which("java") is None:
        raise NotHere("no java: install a JDK, 11 to 17")
    home = os.environ.get(VARIABLE)
    if not home:
        raise NotHere(f"no RocketMQ: set {VARIABLE} to a release or a folder of jars")
    for folder in (Path(home) / "lib", Path(home)):
        if any(folder.glob("rocketmq-client-*.jar")):
            return f"{folder}/*"
    raise NotHere(f"no rocketmq-client-….jar in {home}, and none in its lib")
