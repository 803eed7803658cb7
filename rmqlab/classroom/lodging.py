"""Where the nodes of a cluster live on this machine: addresses, folders, files.

192.168.157.128 of a topology   →  127.0.SUBNET.128
its ports                       →  as they are, or those of a block
an absolute path in its files   →  the same path below CLUSTER/HOST
its file                        →  CLUSTER/HOST/conf/NODE.properties, and at its
                                   end what must differ here
"""

from __future__ import annotations

from pathlib import Path

from rmqlab.classroom.port_block import PortBlock
from rmqlab.classroom.runtime import Plan
from rmqlab.classroom.subnet import moved
from rmqlab.classroom.topology import LOCAL_PART, ROOTS_HOME, Node, Topology

DISK_LIMITS = (
    "-Drocketmq.broker.diskSpaceWarningLevelRatio=0.99",
    "-Drocketmq.broker.diskSpaceCleanForciblyRatio=0.99",
)
"""Options for brokers: a learner's disk may be fuller than a server's should be."""


class Lodging:
    """One cluster's; with a block of ports, its nodes may listen on every address."""

    def __init__(
        self, topology: Topology, plan: Plan, block: PortBlock | None = None
    ) -> None:
        self._folder, self._block = Path(plan.folder), block
        self._hosts = {
            name: host
            for host in topology.hosts
            for name in (host.address, host.name, *host.aliases)
        }
        self._moved = moved((host.address for host in topology.hosts), plan.subnet)
        self.names = {name: self._moved[at] for name, at in topology.names.items()}
        """The address here of every host name."""
        self.hosts = {self._moved[host.address]: host.name for host in topology.hosts}
        """The name of the host at each address here."""

    def address(self, node: Node, beside: int = 0) -> str:
        """Return where a node listens, or the port so many beside it, as host:port."""
        return self._here(node.host.name, node.listen_port + beside)

    def _here(self, name: str, port: int) -> str:
        host = self._hosts[name]
        at = self._block.of(host.name, port) if self._block else port
        return f"{self._moved[host.address]}:{at}"

    def home(self, node: Node) -> Path:
        """Return the folder that stands for the root of a node's host."""
        return self._folder / node.host.name

    def users_home(self, node: Node) -> Path:
        """Return the folder that stands for ``~``."""
        return Path(f"{self.home(node)}{ROOTS_HOME}")

    def log_dir(self, node: Node) -> Path:
        """Return where a node's log files are."""
        return self.home(node) / "logs" / "rocketmqlogs" / node.name

    def file(self, node: Node) -> Path:
        """Return a node's file."""
        return self.home(node) / "conf" / f"{node.name}.properties"

    def configure(self, node: Node) -> None:
        """Write a node's file, unless it has none and nothing differs here."""
        path = self.file(node)
        path.parent.mkdir(parents=True, exist_ok=True)
        if node.text is not None or not node.is_namesrv or self._block:
            path.write_text(self.localised(node), "latin-1")

    def localised(self, node: Node) -> str:
        """Return the file's text with what must differ here at its end."""
        host, _, port = self.address(node).rpartition(":")
        own = {"listenPort": port} if self._block else {}
        home = self.home(node)
        if node.is_namesrv:
            path = node.namesrv.kv_config_path.replace("~", ROOTS_HOME, 1)
            own["kvConfigPath"] = f"{home}{path}"
        else:
            own |= {"brokerIP1": host, "brokerIP2": host}
            own["storePathRootDir"] = f"{home}{node.store_folder}"
            own["storePathCommitLog"] = f"{home}{node.log_folder}"
            if self._block and (servers := self.name_servers_of(node)):
                own["namesrvAddr"] = ";".join(servers)
        lines = [f"{key}={value}" for key, value in own.items()]
        return "\n".join([node.text or "", LOCAL_PART, *lines, ""])

    def name_servers_of(self, node: Node) -> tuple[str, ...]:
        """Return the name servers of a broker's file, as one reaches them here."""
        named = filter(None, map(str.strip, node.broker.namesrv_addr.split(";")))
        return tuple(map(self._translated, named))

    def _translated(self, address: str) -> str:
        """Return an address of a file as it is here; one of nobody stays as it is."""
        host, _, port = address.rpartition(":")
        known = host in self._hosts and port.isdecimal()
        return self._here(host, int(port)) if known else address

    def close(self) -> None:
        """Let others have the ports."""
        if self._block:
            self._block.close()
