"""The Docker daemon, for one test at a time: all need the article's addresses."""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import sys
import tempfile
from pathlib import Path

from rmqlab.classroom import image
from rmqlab.classroom.runtime import ClusterError
from rmqlab.client.blocking import BlockingProducer
from rmqlab.protocol.message import Message, MessageQueue
from tests.conftest import missing

LOCK = Path(tempfile.gettempdir()) / "rmqlab-test-docker.lock"
OWN_S = 600
"""As pyproject.toml has it for all tests."""
NAME_SERVERS = "192.168.157.128:9876;192.168.157.129:9876"


@contextlib.contextmanager
def exclusive():
    """Yield a client of the daemon, which has the image; the others wait meanwhile."""
    with LOCK.open("w") as lock, contextlib.ExitStack() as stack:
        _wait_for(lock)
        try:
            client = stack.enter_context(contextlib.closing(image.connect()))
            image.find_or_build(client)
        except ClusterError as error:
            missing("docker", str(error))
        yield client


def _wait_for(lock):
    """Take the lock; the others' time is none of this test's, which pytest bounds."""
    faulthandler.cancel_dump_traceback_later()
    fcntl.flock(lock, fcntl.LOCK_EX)
    faulthandler.dump_traceback_later(OWN_S, exit=True, file=sys.__stderr__)


def left(client, label):
    """Return the names of what in Docker has a label: containers, networks, volumes."""
    filters = {"label": label}
    containers = client.containers.list(all=True, filters=filters)
    networks = client.networks.list(filters=filters)
    volumes = client.volumes.list(filters=filters)
    return [one.name for one in [*containers, *networks, *volumes]]


def unconfined(client, label):
    """Return who of a label's containers could do or take more than it needs."""
    found = client.containers.list(all=True, filters={"label": label})
    assert found
    return [one.name for one in found if not _is_confined(one.attrs)]


def _is_confined(attrs):
    config, host = attrs["Config"], attrs["HostConfig"]
    return (
        config["User"] not in ("", "0", "0:0", "root")
        and not config["Image"].endswith(":latest")
        and host["ReadonlyRootfs"]
        and host["CapDrop"] == ["ALL"]
        and host["SecurityOpt"] == ["no-new-privileges:true"]
        and all(host[limit] for limit in ("Memory", "NanoCpus", "PidsLimit"))
        and "max-size" in host["LogConfig"]["Config"]
    )


def send_to(masters, name_servers=NAME_SERVERS, body=b"kept"):
    """Send each master one message, at the first attempt; return status and offset."""
    with BlockingProducer("writers", name_servers) as producer:
        sent = [
            producer.send(Message(name, body), MessageQueue(name, name, 0))
            for name in masters
        ]
    return {one.queue.broker_name: (one.status, one.queue_offset) for one in sent}
