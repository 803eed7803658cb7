"""A release of the real Apache RocketMQ on this machine, and how it is run.

    ROCKETMQ_HOME/lib/*.jar     an unpacked binary release
    ROCKETMQ_HOME/*.jar         what Maven's dependency:copy-dependencies leaves

A node runs in a home of its own: that is where RocketMQ looks for what it logs, and
where to (conf/logback_broker.xml).

Source: runserver.sh, runbroker.sh, NamesrvStartup.java, BrokerStartup.java, releases
4.4.0 and 4.9.7.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

from rmqlab.classroom.runtime import ClusterError

HOME_VARIABLE = "ROCKETMQ_HOME"
KNOWN = ("4.4", "4.9")
JAVAS = range(8, 18)
"""The later ones no longer let RocketMQ unmap its files."""
ANSWER_S = 20.0
"""For a Java that is asked for its version, on a busy machine."""
JAR = re.compile(r"rocketmq-broker-(\d[\w.-]*)\.jar")
NEEDED = ("broker", "namesrv")

SMALL_JVM = (
    *("-Xms64m", "-Xmx256m", "-Xss512k", "-XX:MaxDirectMemorySize=128m"),
    *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    "-XX:-UsePerfData",  # it would be written to /tmp
    "-Dtls.server.mode=disabled",  # making its keys is most of a start of 4.9
    "-Djava.net.preferIPv4Stack=true",
)
"""Six of them fit a laptop: RocketMQ's own scripts ask for 4 and 8 GiB each."""
NEED_BYTES = 256 << 20
"""What one takes: half of its heap, and what it has beside that."""
OPEN_MODULES = (
    "-XX:+IgnoreUnrecognizedVMOptions",  # Java 8 knows none of these
    "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    *(
        f"--add-opens=java.base/{one}=ALL-UNNAMED"
        for one in ("sun.nio.ch", "java.nio", "jdk.internal.ref", "java.lang")
    ),
)
"""Both releases unmap files by hand."""

LOGBACK = """\
<configuration>
  <appender name="file" class="ch.qos.logback.core.rolling.RollingFileAppender">
    <file>{file}</file>
    <rollingPolicy class="ch.qos.logback.core.rolling.FixedWindowRollingPolicy">
      <fileNamePattern>{file}.%i</fileNamePattern>
      <maxIndex>3</maxIndex>
    </rollingPolicy>
    <triggeringPolicy
        class="ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy">
      <maxFileSize>16MB</maxFileSize>
    </triggeringPolicy>
    <encoder><pattern>%d %p %c{{1}} - %m%n</pattern></encoder>
  </appender>
  <root level="{level}"><appender-ref ref="file"/></root>
</configuration>
"""
MAINS = {
    "namesrv": "org.apache.rocketmq.namesrv.NamesrvStartup",
    "broker": "org.apache.rocketmq.broker.BrokerStartup",
}


@dataclass(frozen=True)
class Release:
    """One release, ready to run."""

    version: str
    class_path: str
    java: str = "java"

    def command(
        self, users_home: Path, main: str, *arguments: str, options: Iterable[str] = ()
    ) -> list[str]:
        """Return the command that runs a class of it, with more options for Java."""
        java = (*SMALL_JVM, *OPEN_MODULES, f"-Duser.home={users_home}", *options)
        return [self.java, *java, "-cp", self.class_path, main, *arguments]


class Jars(NamedTuple):
    """Where a release's jars are, and of which version they are."""

    folder: Path
    version: str


def is_named() -> bool:
    """Whether somebody has said where a release is."""
    return bool(os.environ.get(HOME_VARIABLE))


def find() -> Release:
    """Return the release that `HOME_VARIABLE` names.

    Raises:
        ClusterError: there is none that is known, or no Java for it; the text says
            what would help.
    """
    found = find_jars()
    return Release(found.version, f"{found.folder}/*", find_java())


def find_jars() -> Jars:
    """Return where the jars are; see `find`."""
    home = Path(os.environ.get(HOME_VARIABLE, "")).expanduser().absolute()
    found = {
        jar[1]: folder
        for folder in (home, home / "lib")
        for path in folder.glob("*.jar")
        if (jar := JAR.fullmatch(path.name))
    }
    if not found:
        raise ClusterError(
            f"{HOME_VARIABLE} is {home}, and neither there nor in its lib is a "
            "rocketmq-broker-….jar: name an unpacked binary release, 4.9.7 for one"
        )
    if len(found) > 1:
        several = " and ".join(sorted(found))
        raise ClusterError(f"{home} has the jars of {several}: leave one of them")
    version, folder = found.popitem()
    if not version.startswith(tuple(f"{one}." for one in KNOWN)):
        raise ClusterError(
            f"{folder} has RocketMQ {version}, and only {' and '.join(KNOWN)} are "
            "known here: 4.9.7 and 4.4.0 are those that rmqlab is compared with"
        )
    for part in NEEDED:
        if not (folder / f"rocketmq-{part}-{version}.jar").exists():
            raise ClusterError(f"{folder} lacks rocketmq-{part}-{version}.jar")
    return Jars(folder, version)


def find_java() -> str:
    """Return the Java that `JAVA_HOME` names, or the one on the path.

    Raises:
        ClusterError: there is none, or none that RocketMQ 4 runs on.
    """
    advice = f"install a JDK, {JAVAS[0]} to {JAVAS[-1]}, or have JAVA_HOME name one"
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(f"{home}/bin/java" if home else "java")
    if java is None:
        raise ClusterError(f"{home or 'this machine'} has no java: {advice}")
    try:
        asked = [java, "-version"]
        done = subprocess.run(
            asked, capture_output=True, text=True, check=False, timeout=ANSWER_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"{java} does not run ({error}): {advice}") from error
    said = done.stderr + done.stdout
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    if not version or int(version[1]) not in JAVAS:
        first = (said.splitlines() or ["nothing"])[0]
        raise ClusterError(f"{java} says {first!r}, no good for RocketMQ 4: {advice}")
    return java


def check_memory(nodes: int) -> None:
    """See to it that there is room for so many.

    Raises:
        ClusterError: there is not.
    """
    needed, there = nodes * NEED_BYTES, psutil.virtual_memory().available
    if there < needed:
        raise ClusterError(
            f"{nodes} nodes of the real RocketMQ need {needed / 2**30:.1f} GiB of "
            f"memory, and {there / 2**30:.1f} are left: close something, take a "
            "smaller topology, or --runtime local, which needs a fifth of that"
        )


def write_logback(home: Path, name: str, log_dir: Path, level: str = "INFO") -> None:
    """Write into a home of RocketMQ where a program of it logs to."""
    config = home / "conf" / f"logback_{name}.xml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(LOGBACK.format(file=log_dir / f"{name}.log", level=level))
