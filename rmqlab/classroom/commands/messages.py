"""`rmqlab send` and `rmqlab consume`: try a message by hand."""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import time

import click

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.commands.clusters import json_option, name_option
from rmqlab.client.blocking import BlockingConsumer, BlockingProducer
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.protocol.message import Message, StoredMessage

name_servers_option = click.option(
    "-n", "--name-servers", metavar="HOST:PORT;…", help="Instead of a local cluster's."
)


def _name_servers(given: str | None, name: str | None) -> str:
    return given or Cluster.attach(name).name_servers


@click.command("send")
@click.argument("topic")
@click.argument("body")
@click.option("--tags", help="The message's tag.")
@click.option("--keys", help="Its keys, separated by blanks.")
@click.option("--count", default=1, show_default=True, help="How many of it.")
@click.option("--group", default="rmqlab-send", show_default=True)
@name_option
@name_servers_option
@json_option
def send_command(
    topic: str,
    body: str,
    tags: str | None,
    keys: str | None,
    count: int,
    group: str,
    name: str | None,
    name_servers: str | None,
    as_json: bool,
) -> None:
    """Send BODY to TOPIC; with --count, again and again, each to the next queue.

    \b
    rmqlab send orders "one coffee" --tags paid --keys order-7
    """
    with BlockingProducer(group, _name_servers(name_servers, name)) as producer:
        for _ in range(count):
            result = producer.send(Message(topic, body.encode(), tags=tags, keys=keys))
            fact = {
                "status": result.status.name,
                "msg_id": result.msg_id,
                "offset_msg_id": result.offset_msg_id,
                "queue": str(result.queue),
                "queue_offset": result.queue_offset,
            }
            place = f"{result.queue}#{result.queue_offset}"
            text = f"{result.status.name}  {place}  {result.msg_id}"
            print(json.dumps(fact) if as_json else text)


@click.command("consume")
@click.argument("topic")
@click.option("--group", default="rmqlab-consume", show_default=True)
@click.option("--tags", "expression", default="*", show_default=True, help="a || b")
@click.option("--count", type=int, help="End after so many messages.")
@click.option("--seconds", type=float, help="End after so long.")
@click.option("--from-first", is_flag=True, help="A new group starts at the first one.")
@name_option
@name_servers_option
@json_option
def consume_command(
    topic: str,
    group: str,
    expression: str,
    count: int | None,
    seconds: float | None,
    from_first: bool,
    name: str | None,
    name_servers: str | None,
    as_json: bool,
) -> None:
    """Consume TOPIC as a member of a group, until Ctrl-C.

    \b
    rmqlab consume orders --tags "paid || sent" --count 10
    """
    came: queue.SimpleQueue[StoredMessage] = queue.SimpleQueue()
    start = ConsumeFrom.FIRST_OFFSET if from_first else ConsumeFrom.LAST_OFFSET
    deadline = None if seconds is None else time.monotonic() + seconds
    left = sys.maxsize if count is None else count
    with BlockingConsumer(
        group, _name_servers(name_servers, name), came.put, start=start
    ) as consumer:
        consumer.subscribe(topic, expression)
        with contextlib.suppress(KeyboardInterrupt, queue.Empty):
            while left:
                wait = None if deadline is None else max(0, deadline - time.monotonic())
                _show(came.get(timeout=wait), as_json=as_json)
                left -= 1


def _show(message: StoredMessage, *, as_json: bool) -> None:
    body = message.body.decode("utf-8", "replace")
    if not as_json:
        place = f"{message.topic}@{message.broker_name}:{message.queue_id}"
        print(f"{place}#{message.queue_offset}  {body}", flush=True)
        return
    fact = {
        "topic": message.topic,
        "broker": message.broker_name,
        "queue_id": message.queue_id,
        "queue_offset": message.queue_offset,
        "tags": message.tags,
        "keys": message.keys,
        "msg_id": message.msg_id,
        "body": body,
    }
    print(json.dumps(fact), flush=True)
