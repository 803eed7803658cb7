"""Exercise 01: one master."""

from __future__ import annotations

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("01_one_master", topology="1m")

ORDERS = 10


@EXERCISE.check(points=3)
def topic_has_two_queues(see: Witness) -> None:
    """Your topic has exactly two queues, all of them on broker-a."""
    topic = see.topic("orders")
    route = see.route(topic)
    found = (
        [(one.broker_name, one.write_queue_nums) for one in route.queues]
        if route
        else []
    )
    if found != [("broker-a", 2)]:
        fail(
            expected="topic orders-NONCE with 2 queues on broker-a",
            found=f"queues by broker: {dict(found)}" if route else "no such topic",
            why="a topic that comes into being on first send takes the default "
            "topic's queues; who wants another number creates it before",
            next_step="call admin.create_topic(topic, queues=2) before the first send",
            reproduce=see.look("topicRoute", topic),
        )


@EXERCISE.check(points=4)
def orders_are_in_the_log(see: Witness) -> None:
    """Ten orders are in the log, five in each queue, with their keys and tags."""
    topic = see.topic("orders")
    look = see.look("topicStatus", topic)
    messages = see.messages(topic) if see.route(topic) else []
    wanted = {
        (
            f"{see.nonce}-{number}",
            f"order-{number}",
            "paid" if number % 2 == 0 else "open",
        )
        for number in range(ORDERS)
    }
    found = {
        (one.body.decode("utf-8", "replace"), one.keys, one.tags) for one in messages
    }
    if found != wanted or len(messages) != ORDERS:
        fail(
            expected="10 messages: body NONCE-i, key order-i, tag paid or open in turn",
            found=f"{len(messages)} messages, {len(found & wanted)} of them as asked",
            why="the key is what one finds a message by, the tag what one filters by",
            next_step="send order i with body f'{nonce}-{i}', keys=f'order-{i}' and "
            "tags='paid' for an even i, 'open' for an odd one",
            reproduce=look,
        )
    each = {queue.queue_id: high - low for queue, low, high, _ in see.queues(topic)}
    if each != {0: ORDERS // 2, 1: ORDERS // 2}:
        fail(
            expected="5 messages in queue 0 and 5 in queue 1",
            found=f"messages by queue: {each}",
            why="a producer takes the queues in turn unless it is told a queue",
            next_step="send without naming a queue",
            reproduce=look,
        )


@EXERCISE.check(points=3)
def patience_pays(see: Witness) -> None:
    """The order that was sent while the only master was down is in the log, once."""
    topic = see.topic("orders")
    body = f"{see.nonce}-patient".encode()
    messages = see.messages(topic) if see.route(topic) else []
    count = sum(one.body == body for one in messages)
    if count != 1:
        fail(
            expected="exactly one message with body NONCE-patient",
            found=f"{count} of them",
            why="with one master there is no other broker to try: until it is back "
            "every send fails, and a failed send is the sender's to repeat",
            next_step="in send_patiently catch SendError and try again after a "
            "moment; stop at the first result",
            reproduce=see.look("topicStatus", topic),
        )
