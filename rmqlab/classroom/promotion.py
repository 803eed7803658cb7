"""Makes a slave a master by hand, as an operator of RocketMQ 4.x has to.

    1  is the master gone?         two masters of one name take turns in the routes
    2  stop the slave
    3  what is lost                its log beyond the slave's end
    4  what nobody finds           topics that the slave has not copied yet
    5  what comes twice            offsets that it has not copied yet
    6  its file                    brokerRole=ASYNC_MASTER, brokerId=0
    7  start it                    it registers as number 0; clients look within 30 s
    8  what the old master must be before it comes back

Nothing in a 4.x cluster does this by itself: a dead master's queues take no messages
until it is back, or until somebody has done this.  What the old master's disk still
says is read from its files, as far as they are there.

Source: BrokerStartup.java, RouteInfoManager.registerBroker, release 4.9.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rmqlab.classroom.looking import Shelf, StoreFiles
from rmqlab.classroom.runtime import ClusterError, NodeState, Status
from rmqlab.classroom.topology import LOCAL_PART
from rmqlab.config import parse_properties
from rmqlab.errors import RmqError
from rmqlab.protocol import fastjson

ROLE = "ASYNC_MASTER"
TOPICS = "topics.json", "topicConfigTable"
OFFSETS = "consumerOffset.json", "offsetTable"
Tell = Callable[[str], None]


class Promotable(Protocol):
    """What a promotion asks of a cluster."""

    def status(self) -> Status:
        """Return every node's state."""

    def stop(self, node: str) -> NodeState:
        """Ask a node to end in good order."""

    def kill(self, node: str) -> NodeState:
        """End a node at once."""

    def configure(self, node: str, text: str) -> NodeState:
        """Give a node another file."""

    def restart(self, node: str) -> NodeState:
        """Start a node."""

    def text_of(self, node: NodeState) -> str:
        """Return a node's file."""

    def store_of(self, node: NodeState) -> StoreFiles:
        """Return the files of a broker's store."""


@dataclass
class Promotion:
    """What was done, step by step, and what it cost; None where nobody knows."""

    node: str
    master: str
    lost_messages: int | None = None
    """Stored by the old master and not copied."""
    lost_bytes: int | None = None
    lost_topics: list[str] | None = None
    """That the slave has not heard of: its messages of them are in no route."""
    repeated: dict[str, int] | None = None
    """By ``topic@group``: messages that the group has consumed and is sent again."""
    steps: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        """The steps, a line each."""
        return "\n".join(self.steps)


class Promoting:
    """To stand among the bases of a handle on a cluster."""

    folder: Path

    def promote(
        self, node: str, *, force: bool = False, tell: Tell = lambda step: None
    ) -> Promotion:
        """Make a slave the master of its name; `tell` hears each step as it is done.

        `force` ends a master that still lives.

        Raises:
            ClusterError: the node is no slave, or its master lives.
        """
        return promote(self, node, force=force, tell=tell)  # type: ignore[arg-type]

    def text_of(self, node: NodeState) -> str:
        """Return a node's file, without what the runtime `local` adds to it."""
        path = self.folder / node.host / "conf" / f"{node.name}.properties"
        return path.read_text("latin-1").partition(LOCAL_PART)[0]

    def store_of(self, node: NodeState) -> StoreFiles:
        """Return the files of a broker's store."""
        return StoreFiles.of(node)


def promote(cluster: Promotable, node: str, *, force: bool, tell: Tell) -> Promotion:
    """Make a slave the master of its name; see `Promoting.promote`."""
    slave = cluster.status().node(node)
    if slave.role != "SLAVE":
        raise ClusterError(f"{node} is {slave.role or 'no broker'}, not a slave")
    master = _master_of(cluster.status(), slave)
    found = Promotion(node, master.name if master else slave.broker_name)

    def step(what: str) -> None:
        found.steps.append(f"{len(found.steps) + 1}. {what}")
        tell(found.steps[-1])

    step(_end(cluster, master, force=force) if master else "no master was ever here")
    slave = cluster.status().node(node)
    if slave.is_alive:
        cluster.stop(node)
    step(f"{node} is {cluster.status().node(node).state}: what it has is all it gets")
    if master:
        _look(cluster, master, slave, found)
    step(_said_of_log(found, node))
    step(_said_of_topics(found, node))
    step(_said_of_offsets(found, node))
    text, was = _promoted(cluster.text_of(slave))
    cluster.configure(node, text)
    step(f"{node}'s file: brokerRole={ROLE} and brokerId=0, {was}")
    state = cluster.restart(node)
    step(f"{node} is {state.state} at {state.address}: producers find it within 30 s")
    step(
        f"{found.master} must not come back as it is: two masters of one name.  Give "
        "its file brokerRole=SLAVE and a brokerId of its own, and empty its store"
    )
    return found


def _master_of(status: Status, slave: NodeState) -> NodeState | None:
    """Return the master of a slave; of several, one that lives."""
    masters = [
        one
        for one in status.nodes
        if one.broker_name == slave.broker_name and one.role != "SLAVE"
    ]
    return max(masters, key=lambda one: one.is_alive, default=None)


def _end(cluster: Promotable, master: NodeState, *, force: bool) -> str:
    """See to it that the master is gone, and say so."""
    if not master.is_alive:
        return f"{master.name} ({master.role}) is {master.state}: nobody writes there"
    if not force:
        raise ClusterError(
            f"{master.name} is {master.state}: two masters of one name would take "
            "turns in the routes, and their logs part.  First `rmqlab stop "
            f"{master.name}`, or --force, which ends it"
        )
    # One that is paused would go on for a moment before it says goodbye.
    is_paused = master.state == "paused"
    ended = (cluster.kill if is_paused else cluster.stop)(master.name)
    return f"{master.name} ({master.role}) lived: it is {ended.state} now"


def _look(
    cluster: Promotable, master: NodeState, slave: NodeState, found: Promotion
) -> None:
    """Compare what lies on both disks; what cannot be read stays unknown."""
    theirs, ours = cluster.store_of(master), cluster.store_of(slave)
    try:
        known = max(0, (slave.log_end or 0) - 1)  # it may have got more at its end
        end = max((_end_of(one) for one in ours.messages(known)), default=0)
        missing = [one for one in theirs.messages(end) if _end_of(one) > end]
        found.lost_messages = len(missing)
        found.lost_bytes = sum(one.size for one in missing)
        unheard = _table(theirs, TOPICS).keys() - _table(ours, TOPICS).keys()
        found.lost_topics = sorted(unheard & _topics_of(ours))
        before, now = _table(theirs, OFFSETS), _table(ours, OFFSETS)
        found.repeated = dict(_behind(before, now))
    except (OSError, RmqError):
        return


def _end_of(message: Any) -> int:
    return int(message.physical_offset + message.size)


def _table(store: StoreFiles, file: tuple[str, str]) -> dict[str, Any]:
    """Return what a broker has saved in one of its tables."""
    name, key = file
    path = store.paths.config(name)
    shelf: Shelf = store.shelf
    if path not in shelf.below(store.paths.config("").rstrip("/")):
        return {}
    table: dict[str, Any] = fastjson.loads(shelf.read(path, 0, shelf.size(path)))
    return dict(table.get(key, {}))


def _topics_of(store: StoreFiles) -> set[str]:
    """Return the topics of which a broker has messages."""
    folder = f"{store.paths.consume_queues}/"
    paths = store.shelf.below(store.paths.consume_queues)
    return {path.removeprefix(folder).partition("/")[0] for path in paths}


def _behind(before: dict[str, Any], now: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for key, queues in sorted(before.items()):
        known = now.get(key, {})
        again = sum(max(0, at - known.get(queue, 0)) for queue, at in queues.items())
        if again:
            yield key, again


def _said_of_log(found: Promotion, node: str) -> str:
    count, size = found.lost_messages, found.lost_bytes
    if count is None:
        return f"the log: {found.master}'s cannot be read, what {node} lacks is unknown"
    if not count:
        return f"the log: {node} has all that lies on {found.master}'s disk"
    return (
        f"the log: {node} lacks {count} message(s), {size} bytes, of {found.master}: "
        "they are lost unless somebody reads them from its disk"
    )


def _said_of_topics(found: Promotion, node: str) -> str:
    if not found.lost_topics:
        known = "unknown which" if found.lost_topics is None else "none"
        return f"topics that {node} has not copied: {known}"
    topics = ", ".join(found.lost_topics)
    return (
        f"topics that {node} has not copied: {topics}; create them anew, or no client "
        "finds their messages"
    )


def _said_of_offsets(found: Promotion, node: str) -> str:
    if found.repeated is None:
        return f"offsets: as old as {node}'s last copy, 10 s or more"
    if not found.repeated:
        return f"offsets: {node} has those that {found.master} saved last"
    again = ", ".join(f"{count} of {key}" for key, count in found.repeated.items())
    return f"offsets: {node}'s copy is older, so messages come twice: {again}"


def _promoted(text: str) -> tuple[str, str]:
    """Return a slave's file as a master's, and what it said."""
    changed = {"brokerRole": ROLE, "brokerId": "0"}
    was = {one.key: one.value for one in parse_properties(text) if one.key in changed}
    kept = [line for line in text.splitlines() if not _sets(line, changed)]
    lines = [*kept, *(f"{key}={value}" for key, value in changed.items())]
    before = ", ".join(f"{key}={was[key]}" for key in changed if key in was)
    return "\n".join(lines) + "\n", f"before {before}"


def _sets(line: str, keys: dict[str, str]) -> bool:
    return any(one.key in keys for one in parse_properties(line))
