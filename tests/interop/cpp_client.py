"""RocketMQ's C++ client: sends ten messages, or consumes what comes.

    python cpp_client.py send NAME_SERVERS TOPIC
    python cpp_client.py consume NAME_SERVERS TOPIC GROUP EXPRESSION COUNT

Prints a line of JSON for each message.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from rocketmq.client import Message, Producer, PushConsumer
from rocketmq.exceptions import ProducerSendSyncFailed

COUNT = 10
ATTEMPTS = 5
PATIENCE_S = 60.0


def say(**what: object) -> None:
    """Print one line at one go: listeners run on threads of their own."""
    line = json.dumps(what, sort_keys=True) + "\n"
    os.write(sys.stdout.fileno(), line.encode())


def send(name_servers: str, topic: str) -> None:
    """Send the messages, every second one with the tag `paid`."""
    producer = Producer("cpp-producer")
    producer.set_namesrv_addr(name_servers)
    producer.start()
    for number in range(COUNT):
        message = Message(topic)
        message.set_keys(f"order-{number}")
        message.set_tags("paid" if number % 2 else "open")
        message.set_property("colour", f"blau-{number} ☕")
        message.set_body(f"coffee {number}".encode())
        result = send_once_there_is_a_route(producer, message)
        say(status=result.status.name, id=result.msg_id)
    producer.shutdown()


def send_once_there_is_a_route(producer: Producer, message: Message) -> object:
    """Send; where the machine is busy the library gives up its first look-up early."""
    for _ in range(ATTEMPTS):
        try:
            return producer.send_sync(message)
        except ProducerSendSyncFailed as error:
            if "No route info" not in str(error):
                raise
    raise SystemExit("no route")


def consume(
    name_servers: str, topic: str, group: str, expression: str, count: str
) -> None:
    """Receive `count` messages, or as many as come while there is patience."""
    come = threading.Semaphore(0)

    def receive(message: object) -> None:
        say(
            id=message.id,
            body=message.body.decode(),
            keys=message.keys.decode(),
            tags=message.tags.decode(),
            colour=message["colour"].decode(),
        )
        come.release()

    consumer = PushConsumer(group)
    consumer.set_namesrv_addr(name_servers)
    consumer.subscribe(topic, receive, expression)
    consumer.start()
    for _ in range(int(count)):
        if not come.acquire(timeout=PATIENCE_S):
            break
    consumer.shutdown()


if __name__ == "__main__":
    {"send": send, "consume": consume}[sys.argv[1]](*sys.argv[2:])
