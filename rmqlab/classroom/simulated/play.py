"""Plays a scenario on simulated machines, and says what came of it.

    the cluster is up ──► traffic and faults, until … ──► everything is mended
        ──► a while longer, for consumers to come after ──► what lies in the logs,
        and what held

Time is virtual and one seed decides everything; nothing here knows a terminal, a file
(but a trace's, where one is wanted) or a real clock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rmqlab.classroom import history, topology
from rmqlab.classroom.simulated.cluster import SimCluster
from rmqlab.classroom.simulated.holds import BROKEN, PROMISED, Finding
from rmqlab.classroom.simulated.library import load
from rmqlab.classroom.simulated.node import STOP_S, SimNode
from rmqlab.classroom.simulated.outcome import Outcome
from rmqlab.classroom.simulated.scenario import Action, RandomFaults, Scenario, Timed
from rmqlab.classroom.simulated.strikes import Strikes
from rmqlab.classroom.simulated.traffic import SimTraffic
from rmqlab.classroom.topology import Topology
from rmqlab.classroom.trace.recorder import Recorder
from rmqlab.config import Property, read
from rmqlab.errors import CorruptRecord
from rmqlab.protocol import message as messages
from rmqlab.settings import ClientConfig
from rmqlab.sim.timeline import Told

Strike = Callable[[Any], object]
MOST_EVENTS = 10_000_000
ON_HOSTS = ("crash", "cut")
SHORTEST, LONGEST = 0.5, 1.5
"""How long a random fault lasts, where nothing is said, in times of their distance."""


def run(
    scenario: Scenario | str | Path,
    seed: int = 0,
    record: Recorder | str | Path | None = None,
    observer: Told | None = None,
) -> Outcome:
    """Play a scenario to its end: one read already, a name, a path, or a text.

    Its trace is recorded where `record` says; `observer` is told everything.

    Raises:
        ConfigError: there is none of that name, or it cannot be read.
    """
    chosen = scenario if isinstance(scenario, Scenario) else load(scenario)
    return _Play(chosen, seed, record, observer).run()


class _Play:
    """One run of one scenario."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        record: Recorder | str | Path | None,
        observer: Told | None,
    ) -> None:
        self.scenario = scenario
        self.outcome = Outcome(scenario.name, scenario.about, scenario.topology, seed)
        plan = _plan(scenario)
        self.cluster = cluster = SimCluster(plan, plan.name, seed)
        self.timeline = cluster.simulation.timeline
        self._dice = self.timeline.random("faults")
        self.timeline.observers.append(self.outcome.observe)
        if observer:
            self.timeline.observers.append(observer)
        if record is not None:
            cluster.record(record, scenario.text or None)
        self._memory: Recorder | None = None
        if {hold.count for hold in scenario.holds} & {BROKEN, PROMISED}:
            self._memory = Recorder(most=MOST_EVENTS)
            cluster.record(self._memory)

    def run(self) -> Outcome:
        """Play it."""
        with self.cluster:
            self.cluster.start()
            if self.scenario.act:
                self._act()
            self._play()
            self._tell_logs()
            self.outcome.nodes = self.cluster.status().nodes
        self.outcome.virtual_s = self.cluster.now_s
        if self._memory is not None:
            assert self._memory.first
            events = [self._memory.first, *self._memory]
            self.outcome.verdict = history.check(events)
        self.outcome.look_at(self.scenario.holds)
        return self.outcome

    def _act(self) -> None:
        """Let a file of Python have its way; what it asserts must hold."""
        assert self.scenario.act
        try:
            self.scenario.act(self.cluster)
        except AssertionError as error:
            what = str(error) or "an assertion"
            self.outcome.findings.append(Finding(what, held=False, found="asserted"))

    def _play(self) -> None:
        scenario, config = self.scenario, ClientConfig()
        pairs = scenario.client_settings.items()
        read([Property(key, value, 0) for key, value in pairs], config)
        traffics = [
            SimTraffic(
                self.cluster,
                flow.topic,
                per_second=flow.per_second,
                consumers=flow.consumers,
                config=config,
                manner=flow.manner,
            ).begin()
            for flow in scenario.flows
        ]
        self.strikes = Strikes(self.cluster, traffics)
        self._began_s = self.cluster.now_s
        for timed in scenario.timed:
            self._set_down(timed.at_s, timed.every_s, self._strike, timed)
        for faults in scenario.faults:
            self._set_down(faults.every_s, faults.every_s, self._strike_any, faults)
        self.cluster.run(scenario.until_s)
        self._end(traffics)

    def _set_down(
        self, at_s: float, every_s: float | None, strike: Strike, what: Any
    ) -> None:
        """Have something strike at a time, and again, before the traffic ends."""
        if at_s >= self.scenario.until_s:
            return

        def happen() -> None:
            strike(what)
            if every_s:
                self._set_down(at_s + every_s, every_s, strike, what)

        self.timeline.call_at(self._began_s + at_s, happen)

    def _strike(self, timed: Timed) -> None:
        self.strikes.strike(timed.action)

    def _strike_any(self, faults: RandomFaults) -> None:
        verb = self._dice.choice(faults.verbs)
        chance = self._dice.uniform(SHORTEST, LONGEST)
        for_s = faults.for_s or chance * faults.every_s
        if verb in ON_HOSTS:
            action = Action(verb, "host", "a host", for_s)
        else:
            action = Action(verb, "node", "a node", for_s)
        self.strikes.strike(action)

    def _end(self, traffics: list[SimTraffic]) -> None:
        """Mend everything, wait, and close the clients.

        It is mended twice: who was about to stop has stopped by then.
        """
        for traffic in traffics:
            for name in {traffic.producer} & set(traffic.running):
                traffic.begin_to_close(name)
        self.strikes.mend()
        left_s = self.scenario.wait_s
        first_s = min(left_s, STOP_S + 1)
        self.cluster.run(first_s)
        self.strikes.mend()
        self.cluster.run(left_s - first_s)
        for traffic in traffics:
            traffic.close(traffic.names)

    def _tell_logs(self) -> None:
        """Tell what lies in each log at the end."""
        for node in self.cluster.crew.nodes.values():
            if node.broker is not None:
                self.timeline.tell("log", node=node.name, messages=messages_in(node))


def messages_in(node: SimNode) -> list[list[object]]:
    """Return what a log holds, as the trace has it."""
    assert node.broker is not None
    log, found = node.broker.store.log, list[list[object]]()
    with contextlib.suppress(CorruptRecord):  # a slave's that went astray
        for one in log.scan(log.start):
            properties = messages.split_properties(one.properties.decode())
            key = properties.get(messages.KEYS, "")
            place = one.topic, one.queue_id, one.queue_offset
            found.append([*place, key, one.physical_offset])
    return found


def _plan(scenario: Scenario) -> Topology:
    """Return the topology with the scenario's settings."""
    plan = topology.load(scenario.topology).with_settings(scenario.settings)
    for name, settings in scenario.node_settings.items():
        plan = plan.with_settings(settings, of=name)
    return plan
