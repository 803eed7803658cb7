"""Exercise 12: open exactly the ports that are needed."""

from __future__ import annotations

from random import Random
from typing import Any, NoReturn

from rmqlab.classroom import topology
from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.walled import Day, day
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.crew import CLIENT_HOST
from rmqlab.classroom.simulated.lab import Rule
from rmqlab.classroom.topology import Topology

EXERCISE = Exercise("12_open_ports", topology="2m-2s-sync", runtime="sim")

HOSTS = ("host1", "host2", CLIENT_HOST)
MOST_RULES = 100
RULE = "(from, to, port)"
ELSEWHERE = ("2m-noslave", "2m-2s-async", "1m", "2m-2s-sync")
"""In turn, by seed."""
NAMESRV_PORTS, LISTEN_PORTS = range(8_000, 9_000), range(20_000, 30_000, 10)
NONE_YET = f"a list of rules {RULE}"
AS_FEW = f"a list of rules {RULE}, as few as will do"


def tried(rules: list[Any], seed: int = 1) -> Day:
    """Return what comes of a day behind firewalls with these rules."""
    return day(topology.load(EXERCISE.topology), map(tuple, rules), seed)


# ── the article's cluster ─────────────────────────────────────────────────────


@EXERCISE.check(points=4)
def everything_gets_through(see: Trial) -> None:
    """With your rules all that has to work, works."""
    rules = _rules(see, see.answer("rules", list, NONE_YET), "rules")
    if troubles := day(_article(), rules, see.seed).troubles:
        fail(
            expected="a day without trouble, behind firewalls with your rules",
            found=f"{troubles[0][:200]} ({len(troubles)} in all)",
            why="a firewall says nothing to whom it does not let in: what is not open "
            "looks like a machine that is dead, or like nothing at all",
            next_step="ask who opens the connection that this needs, and to which of "
            "the other's ports; it is let in where it arrives",
            reproduce=see.reproduce,
        )


@EXERCISE.check(points=3)
def nothing_else_is_open(see: Trial) -> None:
    """Each of your rules is needed."""
    rules = _rules(see, see.answer("rules", list, AS_FEW), "rules")
    used = day(_article(), None, see.seed).used
    if spare := sorted(rules - used):
        _fail_spare(see, f"{spare[0]}: in a whole day nobody connects there")
    if used - rules:
        _fail_spare(see, f"{len(rules)} rules, which are too few")


def _article() -> Topology:
    return topology.load(EXERCISE.topology)


def _fail_spare(see: Trial, found: str) -> NoReturn:
    fail(
        expected="each connection that is needed, and no other",
        found=found,
        why="whatever listens behind a port that is open can be talked to; nothing in "
        "RocketMQ, as delivered, asks who is talking",
        next_step="take a rule away and call `tried`: what has no trouble for want of "
        "it is open for nothing",
        reproduce=see.reproduce,
    )


# ── another one ───────────────────────────────────────────────────────────────


def drawing(chosen: Topology) -> list[dict[str, Any]]:
    """Return the nodes of a cluster as a drawing has them."""
    return [
        {
            "name": node.name,
            "host": node.host.name,
            "role": node.role,
            "port": node.listen_port,
            "pair": "" if node.is_namesrv else node.broker.broker_name,
        }
        for node in chosen.nodes
    ]


def elsewhere(seed: int) -> Topology:
    """Return a cluster of some mode that listens on other ports."""
    dice = Random(seed)  # noqa: S311
    chosen = topology.load(ELSEWHERE[seed % len(ELSEWHERE)])
    port = f"{dice.choice(NAMESRV_PORTS)}"
    name_servers = [one.host.address for one in chosen.nodes if one.is_namesrv]
    listed = ";".join(f"{address}:{port}" for address in name_servers)
    chosen = chosen.with_settings({"namesrvAddr": listed})
    own = dice.sample(LISTEN_PORTS, len(chosen.nodes))
    for node, listen_port in zip(chosen.nodes, own, strict=True):
        ports = {"listenPort": port if node.is_namesrv else f"{listen_port}"}
        chosen = chosen.with_settings(ports, of=node.name)
    return chosen


@EXERCISE.check(points=3)
def another_cluster_is_opened_too(see: Trial) -> None:
    """Your function opens other clusters, too, and exactly."""
    what = f"a function of one argument, the nodes, that returns a list of {RULE}"
    rules_for = see.function("rules_for", what)
    for seed in see.seeds(len(ELSEWHERE)):
        chosen = elsewhere(seed)
        rules = _rules(see, rules_for(drawing(chosen)), "rules_for")
        used = day(chosen, None, seed).used
        if rules != used:
            few, many = sorted(used - rules), sorted(rules - used)
            missing = f"{few[0]} is missing" if few else f"{many[0]} is not needed"
            fail(
                expected=f"rules_for: what is needed by a {chosen.name} on other ports",
                found=f"{missing} ({len(few)} missing, {len(many)} too many)",
                why="which ports are needed follows from who is what, and where",
                next_step="go from node to node and ask who connects to it: clients, "
                "brokers elsewhere, its slave if that is elsewhere",
                reproduce=see.reproduce,
            )


def _rules(see: Trial, given: Any, name: str) -> set[Rule]:
    """Return rules that were given.

    Raises:
        CheckFailed: they are none.
    """
    listed = given if isinstance(given, list) else [given]
    wrong = [one for one in listed if not _is_rule(one)]
    if wrong or len(listed) > MOST_RULES:
        fail(
            expected=f"{name}: {RULE}, with hosts {', '.join(HOSTS)}",
            found=f"{wrong[0]!r}"[:100] if wrong else f"{len(listed)} rules",
            why="a rule lets one machine connect to one port of another",
            next_step=f"write {name} as in ('client', 'host1', 22)",
            reproduce=see.reproduce,
        )
    return {(source, target, port) for source, target, port in listed}


def _is_rule(one: Any) -> bool:
    return (
        isinstance(one, list | tuple)
        and [type(part) for part in one] == [str, str, int]
        and {*one[:2]} <= {*HOSTS}
    )
