"""A command inside a node's container, as `docker exec` runs one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from docker.errors import DockerException
from requests.exceptions import RequestException

from rmqlab.classroom.daemon_words import explain
from rmqlab.classroom.image import connect
from rmqlab.classroom.runtime import ClusterError


def run_inside(container: str, command: Sequence[str]) -> int:
    """Run a command, pass on what it says, return its exit code; it gets no input.

    Raises:
        ClusterError: the daemon refused.
    """
    out, err = sys.stdout.buffer, sys.stderr.buffer
    try:
        with contextlib.closing(connect()) as client:
            made = client.api.exec_create(container, list(command))["Id"]
            pieces = client.api.exec_start(made, stream=True, demux=True)
            for said, complained in pieces:
                out.write(said or b"")
                err.write(complained or b"")
                out.flush()
            return int(client.api.exec_inspect(made)["ExitCode"])
    except (DockerException, RequestException) as error:
        raise ClusterError(explain(error)) from error
