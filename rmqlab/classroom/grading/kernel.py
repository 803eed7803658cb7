"""What an exercise's notebook imports: its cluster, its nonce, its questions, checks.

    ex = Session("01_one_master")
    ex.cluster, ex.nonce, ex.topic("orders")
    ex.check("topic_has_two_queues")
    ex.close()

On one's own it starts a cluster; under the grader it takes the grader's.  A simulated
exercise has none, only answers:

    ex = Trials("04_expiry")
    ex.answer(forgotten=forgotten)
    ex.check("each_server_forgets_in_its_time")
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from rmqlab.classroom import checks, registry
from rmqlab.classroom.checks import Check, CheckFailed
from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.grading.trial import VISIBLE_SEED, Trial
from rmqlab.classroom.grading.witness import ANSWERS, Place, Witness
from rmqlab.classroom.lab import LabCluster, LabProducer
from rmqlab.errors import RmqError
from rmqlab.settings import BrokerRole

PLACE_VARIABLE = "RMQLAB_EXERCISE_PLACE"
"""Set by the grader for the kernel: ``CLUSTER NONCE``."""

WAIT_S = 15.0
"""Longer than the ten seconds between two looks of a slave at its master's topics."""
LOOK_AGAIN_S = 0.05


class Session:
    """One run of an exercise's notebook."""

    def __init__(self, exercise_id: str) -> None:
        self._exercise = checks.find(exercise_id)
        given = os.environ.get(PLACE_VARIABLE, "").split()
        if given:
            self._place = Place(*given)
            self.cluster = LabCluster.attach(self._place.cluster)
        else:
            name = f"exercise-{exercise_id.partition('_')[0]}"
            if registry.is_running(registry.read_state(name)):
                Cluster.attach(name).down()
            self.cluster = LabCluster.up(
                self._exercise.topology, runtime=self._exercise.runtime, name=name
            )
            self._place = Place(name, secrets.token_hex(4))
        self._is_graded = bool(given)

    @property
    def nonce(self) -> str:
        """Some text that is new in every run; your messages must hold it."""
        return self._place.nonce

    def topic(self, name: str) -> str:
        """Return a topic name that belongs to this run."""
        return f"{name}-{self.nonce}"

    def producer(self) -> LabProducer:
        """Return a producer for the exercise's cluster."""
        return self.cluster.producer(f"exercise-{self.nonce}")

    def answer(self, **answers: object) -> None:
        """Hand in what was answered to a question: it goes into the cluster's log."""
        topic = self.topic(ANSWERS)
        with self.cluster.admin() as admin, self.producer() as producer:
            if admin.route(topic) is None:
                admin.create_topic(topic, 1)
            producer.send(topic, json.dumps(answers))

    def wait_for_copy(self, master: str, slave: str) -> bool:
        """Wait until a slave's commit log is as long as its master's."""
        if self.cluster.node(slave).role != BrokerRole.SLAVE.name:
            return False

        def is_copied() -> bool:
            end = self.cluster.node(master).log_end
            return bool(end) and end == self.cluster.node(slave).log_end

        return _wait(is_copied)

    def wait_for_topic(self, topic: str, node: str) -> bool:
        """Wait until a slave has a topic: it asks its master now and then."""
        state = self.cluster.node(node)
        if state.role != BrokerRole.SLAVE.name:
            return False
        with self.cluster.admin() as admin:
            address = state.address
            return _wait(lambda: topic in admin.topic_configs(address))

    def wait_for_route(self, topic: str, broker_name: str) -> bool:
        """Wait until a topic's route leads to one broker only."""
        with self.cluster.admin() as admin:

            def is_alone() -> bool:
                route = admin.route(topic)
                names = [one.broker_name for one in route.brokers] if route else []
                return names == [broker_name]

            return _wait(is_alone)

    def wait_for_masters(self, topic: str, *broker_names: str) -> bool:
        """Wait until each name server knows a topic on all these brokers."""

        def is_everywhere() -> bool:
            with Witness(self._place) as witness:
                known = witness.known_by_each(topic).values()
            return all(set(broker_names) <= set(names) for names in known)

        return _wait(is_everywhere)

    def wait_for_offsets(
        self, broker: str, wanted: Mapping[tuple[str, str], int]
    ) -> bool:
        """Wait until groups have consumed so many messages of topics on a broker."""

        def are_there() -> bool:
            with Witness(self._place) as witness:
                return all(
                    sum(witness.offsets(broker, *one).values()) >= count
                    for one, count in wanted.items()
                )

        return _wait(are_there)

    def wait_for_members(self, group: str, topic: str, count: int) -> bool:
        """Wait until so many members of a group have queues of a topic."""

        def are_there() -> bool:
            with Witness(self._place) as witness:
                shares = witness.shares(group, topic).values()
            return sum(map(bool, shares)) == count

        return _wait(are_there)

    def check(self, name: str) -> None:
        """Run one check and print what it found."""
        check = self._exercise.checks[name]

        def look() -> None:
            with Witness(self._place) as witness:
                check.run(witness)

        _report(check, look)

    def close(self) -> None:
        """End the cluster, unless it is the grader's."""
        if not self._is_graded:
            self.cluster.down()


class Trials:
    """One run of a simulated exercise's notebook: tries what was answered."""

    def __init__(self, exercise_id: str) -> None:
        self._exercise = checks.find(exercise_id)
        self._trial = Trial(self._exercise.id, VISIBLE_SEED)

    def answer(self, **answers: object) -> None:
        """Hand in answers, by the names that they have in their cells."""
        self._trial.answers.update(answers)

    def check(self, name: str) -> None:
        """Run one check, with seeds that everybody may know, and print what it found.

        The grader runs it with others, on what it reads in the answer cells.
        """
        check = self._exercise.checks[name]
        _report(check, lambda: check.run(self._trial))


def _report(check: Check, look: Callable[[], None]) -> None:
    """Print what a check finds."""
    try:
        look()
    except CheckFailed as failed:
        print(f"✗ {check.title}")
        print(f"  expected:  {failed.expected}")
        print(f"  found:     {failed.found}")
        print(f"  why:       {failed.why}")
        print(f"  next step: {failed.next_step}")
        print(f"  look:      {failed.reproduce}")
    except RmqError as error:
        print(f"? {check.title}")
        print(f"  could not be looked at: {error}")
    else:
        print(f"✓ {check.title} ({check.points} points)")


def _wait(is_so: Callable[[], bool]) -> bool:
    """Ask again and again until it is so; False if it is not within the bound."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with suppress(RmqError):
            if is_so():
                return True
        time.sleep(LOOK_AGAIN_S)
    return False
