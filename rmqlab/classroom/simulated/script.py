"""The text of a scenario: one sentence a line; what follows a # is a remark.

topology NAME | FOLDER                        which cluster
set KEY=VALUE                                 in every broker's file
set NODE KEY=VALUE                            in one's
clients attentive | KEY=VALUE                 RocketMQ's own intervals otherwise
traffic TOPIC RATE/s [with N [busy|orderly] consumers]
at TIME ACTION                                after the traffic began
every TIME ACTION                             from then on
random faults VERB, VERB … every TIME [for TIME]
until TIME                                    when the traffic ends
then heal and wait TIME
hold nothing promised is lost
hold every promise is kept
hold every node is usable
hold nothing|something is lost|missing|doubled|surprising|refused|unanswered
hold only OUTCOME, OUTCOME …
hold COUNT =|<|>|<=|>= NUMBER|TIME

ACTION [for TIME], which undoes it after a while, is one of
  kill|stop|pause|resume|restart NODE         close|start|kill|pause|resume CLIENT
  crash|boot|heal HOST                        cut HOST [from HOST] [inward|outward]
  slow links|disk of HOST to TIME             promote SLAVE, and give its master up
For a name may stand: a node, a broker, a master, a slave, a nameserver, a client,
a producer, a consumer, a host; the seed decides.  Clients are TOPIC-producer and
TOPIC-consumer-1, -2, …

Not here: what a scenario does (`play`), and what is found at the end (`outcome`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from rmqlab.classroom import topology
from rmqlab.classroom.flow import ATTENTIVE
from rmqlab.classroom.simulated.actions import Targets, parse_action
from rmqlab.classroom.simulated.holds import parse_hold
from rmqlab.classroom.simulated.scenario import (
    Flow,
    Manner,
    RandomFaults,
    Scenario,
    Timed,
)
from rmqlab.classroom.simulated.words import Words
from rmqlab.classroom.topology import Topology
from rmqlab.config import Property, keys_of, read
from rmqlab.errors import ConfigError
from rmqlab.protocol.message import MAX_TOPIC_LENGTH, is_legal_name
from rmqlab.settings import BrokerConfig, ClientConfig, StoreConfig

MOST_PER_SECOND, MOST_CONSUMERS = 10_000, 100
MANNERS: tuple[Manner, ...] = ("busy", "orderly")
RANDOM_VERBS = ("kill", "stop", "pause", "crash", "cut")


def parse(text: str, name: str = "scenario") -> Scenario:
    """Return the scenario that a text describes.

    Raises:
        ScenarioError: it describes none; the text names line, word, and what would do.
    """
    return _Script(name, text).scenario


class _Script:
    """A text being read."""

    def __init__(self, name: str, text: str) -> None:
        self.scenario = Scenario(name, _about(text), text=text)
        self._plan: Topology | None = None
        sentences: dict[str, Callable[[Words], None]] = {
            "topology": self._topology,
            "set": self._set,
            "clients": self._clients,
            "traffic": self._traffic,
            "at": self._at,
            "every": self._every,
            "random": self._random,
            "until": self._until,
            "then": self._then,
            "hold": self._hold,
        }
        lines = text.split("\n")
        for number, line in enumerate(lines, start=1):
            words = Words(name, number, line.partition("#")[0])
            if words.next:
                sentences[words.one_of(sentences, "a line's first word")](words)
                words.end()
        end = Words(name, len(lines), "")
        if self._plan is None:
            end.fail("a line 'topology NAME' is missing")
        if not self.scenario.until_s:
            end.fail("a line 'until TIME' is missing")

    def _cluster(self, words: Words) -> Topology:
        if self._plan is None:
            words.fail("a line 'topology NAME' must come before this one")
        return self._plan

    def _targets(self, words: Words) -> Targets:
        flows = self.scenario.flows
        return Targets.of(self._cluster(words), flows)

    def _topology(self, words: Words) -> None:
        if self._plan:
            words.fail(f"the topology is {self.scenario.topology} already")
        known = ", ".join(topology.NAMES)
        wanted = words.take(f"a topology: {known}, or a folder")
        try:
            self._plan = topology.load(wanted)
        except (ConfigError, OSError, ValueError) as error:
            words.fail(str(error))
        self.scenario.topology = wanted

    def _set(self, words: Words) -> None:
        plan, settings = self._cluster(words), self.scenario.settings
        if "=" not in words.next:
            brokers = [node.name for node in plan.nodes if not node.is_namesrv]
            node = words.one_of(brokers, "KEY=VALUE, or a broker's name before it")
            settings = self.scenario.node_settings.setdefault(node, {})
        key, value = words.pair()
        for problem in read([Property(key, value, 0)], BrokerConfig(), StoreConfig()):
            words.fail(f"'{key}={value}': {problem.what}")
        settings[key] = value

    def _clients(self, words: Words) -> None:
        settings = self.scenario.client_settings
        if words.follows("attentive"):
            for key, name in keys_of(ClientConfig).items():
                if (value := getattr(ATTENTIVE, name)) != getattr(DEFAULTS, name):
                    settings[key] = str(value)
            return
        key, value = words.pair()
        for problem in read([Property(key, value, 0)], ClientConfig()):
            known = ", ".join(keys_of(ClientConfig))
            words.fail(f"'{key}={value}': {problem.what}; there are {known}")
        settings[key] = value

    def _traffic(self, words: Words) -> None:
        self._cluster(words)
        taken = {flow.topic for flow in self.scenario.flows}
        topic = words.take("a topic")
        if not is_legal_name(topic) or len(topic) > MAX_TOPIC_LENGTH or topic in taken:
            words.fail(f"{topic!r}: expected another topic, of letters, digits, _ or -")
        flow = Flow(topic, words.rate(MOST_PER_SECOND), 2)
        if words.follows("with"):
            consumers = int(words.number("how many consumers", MOST_CONSUMERS))
            manner: Manner = next((one for one in MANNERS if words.follows(one)), "")
            words.one_of(("consumers", "consumer", *MANNERS), "what these are")
            flow = dataclasses.replace(flow, consumers=consumers, manner=manner)
        self.scenario.flows.append(flow)

    def _at(self, words: Words) -> None:
        at_s = words.duration_s("a time")
        action = parse_action(words, self._targets(words))
        self.scenario.timed.append(Timed(at_s, action))

    def _every(self, words: Words) -> None:
        every_s = words.pause_s("a time")
        action = parse_action(words, self._targets(words))
        self.scenario.timed.append(Timed(every_s, action, every_s))

    def _random(self, words: Words) -> None:
        self._cluster(words)
        words.must("faults")
        verbs = [words.one_of(RANDOM_VERBS, "a fault")]
        while not words.follows("every"):
            verbs.append(words.one_of(RANDOM_VERBS, "a fault, or 'every'"))
        every_s = words.pause_s("a time")
        for_s = words.pause_s("a time") if words.follows("for") else None
        self.scenario.faults.append(RandomFaults(tuple(verbs), every_s, for_s))

    def _until(self, words: Words) -> None:
        if self.scenario.until_s:
            words.fail(f"it goes on until {self.scenario.until_s:g}s already")
        self.scenario.until_s = words.pause_s("a time")

    def _then(self, words: Words) -> None:
        words.must("heal", "and", "wait")
        self.scenario.wait_s = words.duration_s("a time")

    def _hold(self, words: Words) -> None:
        self.scenario.holds.append(parse_hold(words))


DEFAULTS = ClientConfig()


def _about(text: str) -> str:
    """Return the remark that a text begins with, as one line."""
    lines = []
    for line in text.strip().split("\n"):
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").strip())
    return " ".join(filter(None, lines))
