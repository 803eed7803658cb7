"""A cluster as a folder, and as data.

    FOLDER/hosts                    ADDRESS NAME [NAME…]; the first name is a folder,
                                    a later line of the same address adds names
    FOLDER/HOST/namesrv….properties name servers
    FOLDER/HOST/….properties        brokers; a file's name is its node's

A flat folder of `.properties` files needs to be told which host runs which: by a file
`layout` beside them, or, if it holds just the article's four files, by the one that is
shipped for them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

from rmqlab.config import Property, parse_properties, read
from rmqlab.errors import ConfigError
from rmqlab.settings import BrokerConfig, BrokerRole, NamesrvConfig, StoreConfig

HERE = Path(__file__).parent
SHIPPED = next(
    folder
    for folder in (HERE / "compose", HERE.parents[1] / "compose")
    if folder.is_dir()
)
"""Beside the code in a wheel, at the top in a clone."""

MODES = ("1m", "2m-noslave", "2m-2s-async", "2m-2s-sync")
"""The article's four cluster modes, in its order."""
ARTICLE = "article"
NAMES = (*MODES, ARTICLE)
"""What is shipped."""
LOCAL_PART = "# What is different on this machine:"
"""In a node's file there: what follows is not of its topology."""
ROOTS_HOME = "/root"
"""Where a broker that is told no store puts it: the article's brokers run as root."""


@dataclass(frozen=True)
class Host:
    """A machine: its name, address and other names."""

    name: str
    address: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Node:
    """A name server or a broker, on a host, with the text of its file.

    `text` is None where it is started without one.
    """

    name: str
    host: Host
    text: str | None

    @property
    def is_namesrv(self) -> bool:
        """Whether it is a name server."""
        return self.name.startswith("namesrv")

    @property
    def properties(self) -> list[Property]:
        """What the file says."""
        return parse_properties(self.text or "")

    @cached_property
    def broker(self) -> BrokerConfig:
        """The broker's settings as it will read them."""
        config = BrokerConfig()
        read(self.properties, config)
        if self.store.broker_role is not BrokerRole.SLAVE:
            config.broker_id = 0
        return config

    @cached_property
    def store(self) -> StoreConfig:
        """The store's settings as the broker will read them."""
        config = StoreConfig()
        read(self.properties, config)
        return config

    @cached_property
    def namesrv(self) -> NamesrvConfig:
        """The name server's settings as it will read them."""
        config = NamesrvConfig()
        read(self.properties, config)
        return config

    @property
    def listen_port(self) -> int:
        """The port on which it will listen."""
        return (self.namesrv if self.is_namesrv else self.broker).listen_port

    @property
    def role(self) -> str:
        """``NAMESRV``, ``ASYNC_MASTER``, ``SYNC_MASTER`` or ``SLAVE``."""
        return "NAMESRV" if self.is_namesrv else self.store.broker_role.name

    @property
    def start_order(self) -> int:
        """Name servers first, then masters, then slaves."""
        return {"NAMESRV": 0, "SLAVE": 2}.get(self.role, 1)

    @property
    def store_folder(self) -> str:
        """The store's path on the node's host; empty for a name server."""
        if self.is_namesrv:
            return ""
        return self.store.store_path_root_dir.replace("~", ROOTS_HOME, 1)

    @property
    def log_folder(self) -> str:
        """The commit log's path on the node's host; empty for a name server."""
        if self.is_namesrv:
            return ""
        return self.store.store_path_commit_log or f"{self.store_folder}/commitlog"

    def with_settings(self, settings: dict[str, str]) -> Node:
        """Return the node with more lines at the end of its file: the last one wins."""
        lines = [f"{key}={value}" for key, value in settings.items()]
        text = "\n".join([(self.text or "").rstrip("\n"), *lines]) + "\n"
        return dataclasses.replace(self, text=text)


@dataclass(frozen=True)
class Topology:
    """A cluster to be: hosts and nodes, in the order of their start."""

    name: str
    folder: Path
    hosts: tuple[Host, ...]
    nodes: tuple[Node, ...]

    @property
    def names(self) -> dict[str, str]:
        """The address of every host name."""
        return {
            name: host.address
            for host in self.hosts
            for name in (host.name, *host.aliases)
        }

    def peers(self, broker: Node) -> list[Node]:
        """Return the brokers of a broker's name, itself among them."""
        name = broker.broker.broker_name
        brokers = (node for node in self.nodes if not node.is_namesrv)
        return [one for one in brokers if one.broker.broker_name == name]

    @property
    def free_address(self) -> str:
        """An address beside the hosts' own, for who is no node."""
        taken = {host.address for host in self.hosts}
        network = self.hosts[0].address.rpartition(".")[0]
        beside = (f"{network}.{last}" for last in range(1, 255))
        return next(address for address in beside if address not in taken)

    def with_settings(self, settings: dict[str, str], of: str = "") -> Topology:
        """Return the topology with settings changed on every broker, or of one node."""
        if not settings:
            return self
        nodes = tuple(
            node.with_settings(settings)
            if (node.name == of if of else not node.is_namesrv)
            else node
            for node in self.nodes
        )
        return dataclasses.replace(self, nodes=nodes)


def load(wanted: str | Path) -> Topology:
    """Return the topology of that name, or of that folder.

    Raises:
        ConfigError: there is none, or it is not laid out as one; the text says how.
    """
    folder = SHIPPED / wanted
    if wanted not in NAMES:
        folder = Path(wanted).expanduser()
        if not folder.is_dir():
            raise ConfigError(
                f"no topology {str(wanted)!r}: there are "
                f"{', '.join(NAMES)}, or name a folder with a file 'hosts'"
            )
    layout_folder = _layout_folder(folder)
    hosts = _read_hosts(layout_folder / "hosts")
    if layout_folder != folder or (folder / "layout").exists():
        nodes = _flat_nodes(folder, layout_folder, hosts)
    else:
        nodes = _nodes(folder, hosts)
    _check(folder, nodes)
    nodes.sort(key=lambda node: (node.start_order, node.host.address, node.name))
    return Topology(folder.resolve().name, folder, tuple(hosts), tuple(nodes))


def _layout_folder(folder: Path) -> Path:
    """Return where the hosts are written down: the folder, or the article's layout."""
    article = SHIPPED / ARTICLE
    own = {path.name for path in folder.glob("*.properties")}
    published = {path.name for path in article.glob("*.properties")}
    if not (folder / "hosts").exists() and own == published:
        return article
    return folder


def _read_hosts(path: Path) -> list[Host]:
    if not path.exists():
        raise ConfigError(
            f"{path} is missing: it names the hosts, one a line, as in "
            "'192.168.157.128 host1 rocketmq-nameserver1'"
        )
    names: dict[str, list[str]] = {}
    for number, line in enumerate(_text(path, "utf-8").splitlines(), start=1):
        words = line.partition("#")[0].split()
        if len(words) == 1:
            raise ConfigError(
                f"{path}:{number}: {words[0]!r} has no name: is a space missing?"
            )
        if words:
            _check_address(words[0], f"{path}:{number}")
            names.setdefault(words[0], []).extend(words[1:])
    if not names:
        raise ConfigError(f"{path} names no host")
    return [Host(first, at, tuple(more)) for at, (first, *more) in names.items()]


def _check_address(address: str, place: str) -> None:
    try:
        IPv4Address(address)
    except AddressValueError:
        raise ConfigError(
            f"{place}: {address!r} is no IPv4 address: write one, as 192.168.157.128"
        ) from None


def _text(path: Path, encoding: str) -> str:
    try:
        return path.read_text(encoding)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def _nodes(folder: Path, hosts: list[Host]) -> list[Node]:
    return [
        Node(path.stem, host, _text(path, "latin-1"))
        for host in hosts
        for path in sorted((folder / host.name).glob("*.properties"))
    ]


def _flat_nodes(folder: Path, layout_folder: Path, hosts: list[Host]) -> list[Node]:
    by_name = {host.name: host for host in hosts}
    nodes = []
    layout = layout_folder / "layout"
    for line in _text(layout, "utf-8").splitlines():
        words = line.partition("#")[0].split()
        for name in words[1:]:
            if words[0] not in by_name:
                raise ConfigError(f"{layout}: no host {words[0]!r} in hosts")
            path = folder / f"{name}.properties"
            text = _text(path, "latin-1") if path.exists() else None
            node = Node(name, by_name[words[0]], text)
            if text is None and not node.is_namesrv:
                raise ConfigError(f"{layout}: there is no {path} for {name!r}")
            nodes.append(node)
    return nodes


def _check(folder: Path, nodes: list[Node]) -> None:
    if not nodes:
        raise ConfigError(f"{folder} has no HOST/*.properties: nothing to start")
    names = [node.name for node in nodes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"{folder}: two nodes named {', '.join(twice)}: rename a file"
        )
