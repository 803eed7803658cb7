"""The real Apache RocketMQ, as its makers ship it for Docker.

    apache/rocketmq:4.9.7, or what RMQLAB_ROCKETMQ_VERSION says; 4.4.0 is known, too
      user       rocketmq (3000), whose home nobody else may enter; here: root
      begins in  $ROCKETMQ_HOME/bin: `sh mqbroker -c FILE`
      logs       ~/logs/rocketmqlogs/{namesrv,broker,store,…}.log

Its scripts ask for heaps of a server and pass no signal on: `JAVA_OPT_EXT` and
compose/official/run.sh see to that; compose/official/health.sh looks whether a pair
is connected, which no request tells.

Source: the Dockerfiles and scripts of rocketmq-docker, image-build, 2019 to 2024.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound
from docker.models.images import Image

from rmqlab import health
from rmqlab.classroom import confinement
from rmqlab.classroom.kinds import BIN, LOGS, SLOW_HEALTH, Kind, Peer, typed
from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.topology import SHIPPED, Node, Topology
from rmqlab.settings import BrokerRole

REPOSITORY = "apache/rocketmq"
VERSION_VARIABLE, VERSION = "RMQLAB_ROCKETMQ_VERSION", "4.9.7"
SLAVE, SYNC = BrokerRole.SLAVE.name, BrokerRole.SYNC_MASTER.name
HA_PORT = 1
"""So far above a master's own port its slave is awaited, whatever its file says."""
JAVA_OPTIONS = (
    *("-Xms128m", "-Xmx256m", "-Xmn64m", "-XX:MaxDirectMemorySize=128m"),
    *("-XX:-AlwaysPreTouch", "-XX:TieredStopAtLevel=1"),
    "-Dtls.server.mode=disabled",  # making its keys is most of a start of 4.9
    "-Drocketmq.broker.diskSpaceWarningLevelRatio=0.99",
    "-Drocketmq.broker.diskSpaceCleanForciblyRatio=0.99",
)
"""They come last, so they win.  The scripts' garbage collectors stay."""


class Official(Kind):
    """See `kinds.Kind`."""

    name = "rocketmq"
    limits, user = confinement.OFFICIAL, (0, 0)
    environment = (f"JAVA_OPT_EXT={' '.join(JAVA_OPTIONS)}",)
    scripts = SHIPPED / "official"
    before_compose = (f"export {VERSION_VARIABLE}=4.4.0      # or it is {VERSION}",)
    start_s, answer_s, follow_s = 90.0, 30.0, 40.0

    def image_name(self) -> str:
        """See `Kind.image_name`."""
        return f"{REPOSITORY}:{os.environ.get(VERSION_VARIABLE) or VERSION}"

    def find(self, client: docker.DockerClient) -> Image:
        """See `Kind.find`."""
        name = self.image_name()
        with suppress(ImageNotFound):
            return client.images.get(name)
        try:
            return client.images.pull(name)
        except DockerException as error:
            why = getattr(error, "explanation", None) or error
            raise ClusterError(
                f"cannot get {name} ({why}): {VERSION_VARIABLE} names another version, "
                f"{VERSION} and 4.4.0 are known to work; without Docker, set "
                "ROCKETMQ_HOME to an unpacked binary release"
            ) from error

    def command(self, node: Node) -> list[str]:
        """See `Kind.command`."""
        return ["sh", f"{BIN}/run.sh", *typed(node)]

    def unpaired(self, _: health.Target, peers: Sequence[Peer]) -> str:
        """See `Kind.unpaired`: the script is run where the brokers are."""
        if not any(one.node.role == SLAVE for one in peers):
            return ""
        master = _master_of([one.node for one in peers])
        if master is None:
            return "no connection to its master yet: it is not running"
        for one in peers:
            code, said = one.container.exec_run(_health(one.node, master))
            if code:
                assert isinstance(said, bytes)  # it is not streamed
                return f"{one.node.name}: {said.decode().strip()}"
        return ""

    def image_for_compose(self) -> dict[str, Any]:
        """See `Kind.image_for_compose`."""
        return {"image": f"{REPOSITORY}:${{{VERSION_VARIABLE}:-{VERSION}}}"}

    def nodes_for_compose(self) -> dict[str, Any]:
        """See `Kind.nodes_for_compose`."""
        return {"user": "{}:{}".format(*self.user), "environment": [*self.environment]}

    def node_for_compose(self, node: Node, topology: Topology) -> dict[str, Any]:
        """See `Kind.node_for_compose`."""
        # No master is taken to task for a slave that it does not wait for.
        is_paired = node.role in (SLAVE, SYNC)
        master = _master_of(topology.peers(node)) if is_paired else None
        test = ["CMD", *_health(node, master)]
        return {"healthcheck": {"test": test, **SLOW_HEALTH}}

    def volumes(self, node: Node) -> dict[str, str]:
        """See `Kind.volumes`: each node logs to the same place."""
        return {LOGS: f"{node.name}-logs"}


def _master_of(peers: Iterable[Node]) -> Node | None:
    return next((one for one in peers if one.role != SLAVE), None)


def _health(node: Node, master: Node | None) -> list[str]:
    """Return what asks whether a node is usable, in a pair if there is a master."""
    asked = ["sh", f"{BIN}/health.sh", str(node.listen_port)]
    if master is None:
        return asked
    role = "slave" if node.role == SLAVE else "master"
    return [*asked, role, str(master.listen_port + HA_PORT)]
