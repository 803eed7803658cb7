"""What may be done to what: a scenario's actions, read from its words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from rmqlab.classroom.simulated.scenario import (
    ANY,
    BREAKS,
    MENDS,
    UNDONE_BY,
    Action,
    Flow,
    Kind,
)
from rmqlab.classroom.simulated.words import Words
from rmqlab.classroom.topology import Topology

SHORT = {"quicken"}
"""Verbs that are only done when others are undone."""
CAN_BE_DONE = {
    kind: [verb for verb in (*BREAKS[kind], *MENDS[kind]) if verb not in SHORT]
    for kind in BREAKS
}
VERBS = list(dict.fromkeys(verb for verbs in CAN_BE_DONE.values() for verb in verbs))


@dataclass(frozen=True)
class Targets:
    """The parts of a cluster and its traffic by name."""

    names: dict[Kind, list[str]]

    @classmethod
    def of(cls, plan: Topology, flows: Iterable[Flow]) -> Targets:
        """Return what there is."""
        nodes = [node.name for node in plan.nodes]
        hosts = [host.name for host in plan.hosts]
        clients = [name for flow in flows for name in flow.clients]
        return cls({"node": nodes, "client": clients, "host": hosts})

    def kind_of(self, name: str) -> Kind | None:
        """Return what a name is of; None where it is unknown."""
        kinds = (kind for kind, names in self.names.items() if name in names)
        return next(kinds, None)


def parse_action(words: Words, targets: Targets) -> Action:
    """Return the action that the words say.

    Raises:
        ScenarioError: they say none.
    """
    verb = words.one_of(VERBS, "what is done")
    way = ""
    if verb == "slow":
        way = words.one_of(("links", "disk"), "what is slow")
        words.must("of")
    action = _aimed(verb, words, targets)
    if verb == "slow":
        words.must("to")
        delay_s = words.duration_s("how long it takes")
        action = dataclasses.replace(action, way=way, delay_s=delay_s)
    elif verb == "cut":
        action = _narrowed(action, words, targets)
    if verb in UNDONE_BY and words.follows("for"):
        action = dataclasses.replace(action, for_s=words.pause_s("how long"))
    return action


def _aimed(verb: str, words: Words, targets: Targets) -> Action:
    kinds = [kind for kind, verbs in CAN_BE_DONE.items() if verb in verbs]
    if words.follows("a"):
        classes = [name for name, kind in ANY.items() if kind in kinds]
        chosen = words.one_of(classes, f"what to {verb} one of")
        return Action(verb, ANY[chosen], f"a {chosen}")
    names = [name for kind in kinds for name in targets.names[kind]]
    name = words.one_of(names, f"what to {verb}, 'a' for any, or a name")
    kind = targets.kind_of(name)
    assert kind is not None
    return Action(verb, kind, name)


def _narrowed(action: Action, words: Words, targets: Targets) -> Action:
    """Return a cut that is from one host only, or one way."""
    other, way = "", ""
    if words.follows("from"):
        others = [name for name in targets.names["host"] if name != action.target]
        other = words.one_of(others, "another host")
    if words.next in ("inward", "outward"):
        way = words.take("a way")
    return dataclasses.replace(action, other=other, way=way)
