"""Exercise 06: many masters, no slave."""

from __future__ import annotations

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("06_many_masters", topology="2m-noslave")

BEFORE, DURING = 16, 20


@EXERCISE.check(points=2)
def reports_live_on_broker_b_only(see: Witness) -> None:
    """The topic 'reports' has four queues on broker-b and none on broker-a."""
    topic = see.topic("reports")
    route = see.route(topic)
    found = (
        {one.broker_name: one.write_queue_nums for one in route.queues} if route else {}
    )
    if found != {"broker-b": 4}:
        fail(
            expected="reports-NONCE: 4 queues on broker-b, none on broker-a",
            found=f"queues by broker: {found}" if route else "no such topic",
            why="a topic lives on the brokers on which it was created, and only there",
            next_step="create_topic takes broker_name='broker-b'",
            reproduce=see.look("topicRoute", topic),
        )


@EXERCISE.check(points=4)
def sends_survive_a_dead_master(see: Witness) -> None:
    """All twenty orders sent while broker-a was dead are stored, on broker-b."""
    topic = see.topic("orders")
    stored = see.messages(topic) if see.route(topic) else []
    wanted = {f"{see.nonce}-during-{number}" for number in range(DURING)}
    found = {
        one.body.decode("utf-8", "replace")
        for one in stored
        if one.broker_name == "broker-b"
    }
    if missing := sorted(wanted - found):
        fail(
            expected="20 messages NONCE-during-i on broker-b",
            found=f"{len(wanted) - len(missing)} of them; the first missing is number "
            + missing[0].rpartition("-")[2],
            why="a producer without a queue of its own tries another broker when one "
            "fails; a send to a fixed queue has no other broker to go to",
            next_step="send each order without naming a queue; repeat on SendError",
            reproduce=see.look("topicStatus", topic),
        )


@EXERCISE.check(points=4)
def group_has_consumed_everything(see: Witness) -> None:
    """Group 'audit' has consumed all queues of both brokers to their ends."""
    topic, group = see.topic("orders"), see.topic("audit")
    behind = {}
    for queue, _, high, _ in see.queues(topic) if see.route(topic) else []:
        offset = see.offsets(queue.broker_name, group, topic).get(queue.queue_id, 0)
        if offset != high:
            behind[str(queue)] = f"{offset} of {high}"
    if behind or not see.route(topic):
        fail(
            expected="the group's offset at the end of every queue, on both brokers",
            found=f"behind in {len(behind)} queues: {behind}",
            why="what a dead master stored is not lost, but nobody can read it until "
            "it is back; a consumer tells its offsets now and then and when closed",
            next_step="consume until all 36 orders have come, then close the consumer",
            reproduce=see.look_at_nodes,
        )
