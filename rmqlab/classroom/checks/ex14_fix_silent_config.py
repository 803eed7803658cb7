"""Exercise 14: settings that are ignored in silence."""

from __future__ import annotations

from rmqlab.classroom import topology
from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.looks import has_copy
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("14_fix_silent_config", topology="2m-2s-async")

BROKERS = ["broker-a", "broker-b", "broker-a-s", "broker-b-s"]
"""Masters first, as they are to be started."""
MISWRITTEN = {
    "broker-a": "maxMessageSize=65536 ",
    "broker-b": "flushdiskType=SYNC_FLUSH",
    "broker-a-s": "brokerRole=SLAVE ",
    "broker-b-s": "fileReservedTime=48h",
}
"""By node, the line that somebody wrote, and that has no effect."""
WANTED = {
    "broker-a": ("maxMessageSize", "65536"),
    "broker-b": ("flushDiskType", "SYNC_FLUSH"),
    "broker-a-s": ("brokerRole", "SLAVE"),
    "broker-b-s": ("fileReservedTime", "48"),
}
"""By node, what was meant."""


def as_found() -> dict[str, str]:
    """Return the four files as somebody left them, by node."""
    nodes = {one.name: one.text or "" for one in topology.load("2m-2s-async").nodes}
    return {name: _with_line(nodes[name], MISWRITTEN[name]) for name in BROKERS}


def _with_line(text: str, line: str) -> str:
    """Return a file with a line more, instead of those that say the same rightly."""
    key = line.partition("=")[0].lower()
    kept = [one for one in text.splitlines() if not one.lower().startswith(f"{key}=")]
    return "\n".join([*kept, line, ""])


@EXERCISE.check(points=3)
def what_was_meant_is_in_force(see: Witness) -> None:
    """Each broker runs with the setting that its file was to give it."""
    found = {name: see.settings(name).get(key, "") for name, (key, _) in WANTED.items()}
    wrong = [
        f"{name} runs with {key}={found[name]!r}, meant is {value!r}"
        for name, (key, value) in WANTED.items()
        if found[name] != value
    ]
    if wrong:
        fail(
            expected="what each file means, in force",
            found="; ".join(wrong),
            why="RocketMQ takes keys and values letter by letter, blanks at the end "
            "included; what it does not know it passes over, and says nothing",
            next_step="compare each file with what `mqadmin getBrokerConfig` says of "
            "the broker; `rmqlab lint` names such lines",
            reproduce="rmqlab admin getBrokerConfig -c rocketmq-cluster -n "
            f"'{see.cluster.name_servers}'",
        )


@EXERCISE.check(points=3)
def each_pair_has_one_master(see: Witness) -> None:
    """The name server knows a master and a slave of each pair."""
    there = see.brokers().brokers
    known = {name: sorted(one.broker_addrs) for name, one in there.items()}
    wanted = {"broker-a": [0, 1], "broker-b": [0, 1]}
    masters = {
        name: there[name].broker_addrs.get(0) == see.node(name).address
        for name in wanted
        if name in there
    }
    if known != wanted or not all(masters.values()):
        fail(
            expected=f"broker ids {wanted}, and id 0 where the master is",
            found=f"{known}; id 0 is the master: {masters}",
            why="a broker that does not know that it is a slave registers as a master "
            "of the same name, and the name server believes whoever spoke last",
            next_step="look at brokerRole of the slave, blank by blank",
            reproduce=see.look_at_nodes,
        )


@EXERCISE.check(points=4)
def each_slave_has_its_masters_bytes(see: Witness) -> None:
    """Each slave has its master's commit log, byte by byte."""
    masters = ("broker-a", "broker-b")
    apart = [name for name in masters if not has_copy(see, name, f"{name}-s")]
    if apart:
        fail(
            expected="both slaves with the bytes of their masters",
            found=f"not so: {', '.join(f'{name}-s' for name in apart)}",
            why="only a slave copies; whoever takes itself for a master waits for "
            "slaves of its own",
            next_step="mend the check above first, then see that the slave runs",
            reproduce=see.look_at_nodes,
        )
