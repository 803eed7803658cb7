"""What befalls a simulated cluster: a scenario's actions, done while time passes.

Nothing here lets time pass.  What cannot be done, such as killing what is dead, is
told and left at that: where faults come at random, they meet.

Not here: when (`play`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rmqlab.classroom.runtime import ClusterError
from rmqlab.classroom.simulated.aim import Aim
from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.simulated.scenario import UNDONE_BY, Action
from rmqlab.classroom.simulated.succession import succeed
from rmqlab.classroom.simulated.traffic import SimTraffic
from rmqlab.sim.link import JITTER_S, LATENCY_S, Link

GONE = ("stopped", "killed", "failed")
Do = Callable[[str, Action], object]
"""Does something to what is named."""


class Strikes:
    """Does actions to the parts of one cluster, and undoes them."""

    def __init__(self, cluster: SimCluster, traffics: Iterable[SimTraffic]) -> None:
        self._cluster, self._traffics = cluster, list(traffics)
        self._timeline = cluster.simulation.timeline
        dice = self._timeline.random("strikes")
        self._aim = Aim(cluster.crew, self._traffics, dice)
        self._machines = cluster.crew.machines
        self._flush_s = {
            name: machine.disk.flush_s for name, machine in self._machines.items()
        }
        """How long flushes take by themselves."""
        self._broken: dict[tuple[str, Action], None] = {}
        """Hosts that are cut off or slow, and by which action."""
        self._to_restart: dict[str, None] = {}
        self._timeline.observers.append(self._observe)
        verbs: dict[str, dict[str, Do]] = {
            "node": {
                "kill": lambda name, _: cluster.kill(name),
                "stop": lambda name, _: cluster.begin_to_stop(name),
                "pause": lambda name, _: cluster.pause(name),
                "resume": lambda name, _: cluster.resume(name),
                "restart": self._restart,
                "promote": self._promote,
            },
            "client": {
                "kill": lambda name, _: self._traffic(name).kill(name),
                "close": lambda name, _: self._traffic(name).begin_to_close(name),
                "pause": lambda name, _: self._traffic(name).process(name).pause(),
                "resume": lambda name, _: self._traffic(name).process(name).resume(),
                "start": lambda name, _: self._traffic(name).begin_to_start(name),
            },
            "host": {
                "crash": self._crash,
                "boot": self._boot,
                "cut": self._cut,
                "heal": self._heal,
                "slow": self._slow,
                "quicken": self._quicken,
            },
        }
        self._verbs = verbs

    def strike(self, action: Action) -> None:
        """Do it now; set down when it is undone."""
        name = self._aim.at(action)
        if name is None:
            self._skip(action.verb, action, action.target, "there is none now")
        elif self._do(action.verb, name, action) and action.for_s is not None:
            self._timeline.call_in(action.for_s, self._undo, name, action)

    def _undo(self, name: str, action: Action) -> None:
        verb = UNDONE_BY[action.verb]
        if action.kind == "client" and verb == "restart":
            verb = "start"
        self._do(verb, name, action)

    def _do(self, verb: str, name: str, action: Action) -> bool:
        try:
            self._verbs[action.kind][verb](name, action)
        except ClusterError as error:
            self._skip(verb, action, name, str(error))
            return False
        return True

    def _skip(self, verb: str, action: Action, name: str, why: str) -> None:
        who = {"host" if action.kind == "host" else "node": name}
        self._timeline.tell("skipped", **who, what=verb, why=why)

    def _traffic(self, client: str) -> SimTraffic:
        return next(one for one in self._traffics if client in one.names)

    # ── nodes ─────────────────────────────────────────────────────────────────

    def _restart(self, name: str, action: Action) -> None:
        """Start a node; one that runs only where no fault is being undone."""
        if self._cluster.node(name).is_alive and action.verb == "restart":
            self._to_restart[name] = None
            self._cluster.begin_to_stop(name)
        else:
            self._cluster.begin_to_start(name)

    def _promote(self, name: str, action: Action) -> None:
        succeed(self._cluster, name)
        self._restart(name, Action("restart", "node", name))

    def _observe(self, at_s: float, kind: str, facts: dict[str, object]) -> None:
        """Start a node that is to be restarted, now that it has stopped."""
        if kind == "node" and facts["state"] in GONE:
            name = str(facts["node"])
            if name in self._to_restart:
                del self._to_restart[name]
                again = Action("start", "node", name)
                self._timeline.call_in(0.0, self._do, "restart", name, again)

    # ── hosts ─────────────────────────────────────────────────────────────────

    def _crash(self, name: str, action: Action) -> None:
        if not self._machines[name].host.is_up:
            raise ClusterError(f"{name} is down already")
        self._cluster.crash(name)

    def _boot(self, name: str, action: Action) -> None:
        if self._machines[name].host.is_up:
            raise ClusterError(f"{name} is up already")
        self._cluster.begin_to_boot(name)

    def _cut(self, name: str, action: Action) -> None:
        self._broken[name, action] = None
        if action.other:
            for link in self._between(name, action):
                link.cut(by=name)
            self._tell_of(name, action, "cut")
            return
        inward, outward = action.way != "outward", action.way != "inward"
        self._cluster.cut(name, inward=inward, outward=outward)

    def _heal(self, name: str, action: Action) -> None:
        cuts = [one for one in self._broken if one[0] == name and one[1].verb == "cut"]
        for one in cuts:
            del self._broken[one]
        if action.other:
            for link in self._between(name, action):
                link.heal(by=name)
            self._tell_of(name, action, "heal")
            return
        self._cluster.heal(name)

    def _tell_of(self, name: str, action: Action, what: str) -> None:
        told = {"peer": action.other, "way": action.way or "both"}
        self._timeline.tell("fault", host=name, what=what, **told)

    def _between(self, name: str, action: Action) -> list[Link]:
        """Return the links from one host to another and back, or one of the two."""
        network = self._cluster.simulation.network
        here = self._machines[name].host.address
        there = self._machines[action.other].host.address
        out, back = network.link(here, there), network.link(there, here)
        return {"outward": [out], "inward": [back]}.get(action.way, [out, back])

    def _slow(self, name: str, action: Action) -> None:
        self._broken[name, action] = None
        delay_ms = action.delay_s * 1000
        if action.way == "disk":
            self._cluster.slow_disk(name, delay_ms)
        else:
            self._cluster.slow_link(name, delay_ms)

    def _quicken(self, name: str, action: Action) -> None:
        self._broken.pop((name, action), None)
        if action.way == "disk":
            self._cluster.slow_disk(name, self._flush_s[name] * 1000)
        else:
            self._cluster.slow_link(name, LATENCY_S * 1000, JITTER_S * 1000)

    # ── the end ───────────────────────────────────────────────────────────────

    def mend(self) -> None:
        """Begin to undo everything that is broken still."""
        for name, action in list(self._broken):
            if (name, action) in self._broken:
                self._do(UNDONE_BY[action.verb], name, action)
        for name, machine in self._machines.items():
            if not machine.host.is_up:
                self._cluster.begin_to_boot(name)
        for node in self._cluster.crew.nodes.values():
            if node.state == "paused":
                self._cluster.resume(node.name)
            elif not node.is_alive:
                self._do("restart", node.name, Action("start", "node", node.name))
        for traffic in self._traffics:
            self._mend_clients(traffic)

    def _mend_clients(self, traffic: SimTraffic) -> None:
        """Have all consumers run; a producer that is gone stays so."""
        for name in traffic.running:
            if traffic.process(name).is_paused:
                traffic.process(name).resume()
        for name in traffic.consumers:
            if name not in traffic.running:
                traffic.begin_to_start(name)
