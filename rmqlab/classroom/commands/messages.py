"""`rmqlab send` and `rmqlab consume`: try a message by hand."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import queue
import signal
import time
from collections.abc import Awaitable, Iterator
from concurrent.futures import Future

import click

from rmqlab.classroom.cluster import Cluster
from rmqlab.classroom.commands.clusters import json_option, name_option
from rmqlab.client import listener
from rmqlab.client.blocking import BlockingConsumer, BlockingProducer
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.push import Consumed
from rmqlab.protocol.message import Message, StoredMessage
from rmqlab.settings import ClientConfig

AT_LEAST_ONE = click.IntRange(min=1)

LEFT_SOON = ClientConfig(await_terminate_millis_when_shutdown=100)
"""Time for what was shown to be told; what was not shown need not be waited for.

Nor is it worth a line of the log: that is how `consume` ends.
"""

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
@click.option(
    "--count", type=AT_LEAST_ONE, default=1, show_default=True, help="How many of it."
)
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
@click.option("--count", type=AT_LEAST_ONE, help="End after so many messages.")
@click.option("--seconds", type=click.FloatRange(min=0), help="End after so long.")
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
    logging.getLogger(listener.__name__).addHandler(logging.NullHandler())
    tray = _Tray()
    start = ConsumeFrom.FIRST_OFFSET if from_first else ConsumeFrom.LAST_OFFSET
    deadline = None if seconds is None else time.monotonic() + seconds
    at = _name_servers(name_servers, name)
    with (
        contextlib.suppress(KeyboardInterrupt, queue.Empty),
        _ended_by_ctrl_c(tray),
        BlockingConsumer(group, at, tray.put, LEFT_SOON, start) as consumer,
    ):
        consumer.subscribe(topic, expression)
        for _ in itertools.count() if count is None else range(count):
            wait = None if deadline is None else max(0, deadline - time.monotonic())
            tray.show_next(wait, as_json=as_json)


@contextlib.contextmanager
def _ended_by_ctrl_c(tray: _Tray) -> Iterator[None]:
    """End in good order at Ctrl-C; a second one interrupts whatever goes on.

    An interrupt may come while a lock is taken, which then nobody gives back.
    """

    def end(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        tray.end()

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Tray:
    """Messages on their way from the client's thread to this one, which shows them.

    A message is consumed when it has been shown.  Of what still lies here at the end
    nobody says what became of it: it is left to the group, and comes again.
    """

    def __init__(self) -> None:
        self._came: queue.SimpleQueue[tuple[StoredMessage, Future[Consumed]] | None]
        self._came = queue.SimpleQueue()
        self._is_ending = False

    def put(self, message: StoredMessage) -> Awaitable[Consumed]:
        """Take a message from the client; its outcome is known when it was shown."""
        outcome: Future[Consumed] = Future()
        self._came.put((message, outcome))
        return asyncio.wrap_future(outcome)

    def show_next(self, wait_s: float | None, *, as_json: bool) -> None:
        """Show the next message.

        Raises:
            queue.Empty: none came in all that time, or none is to be shown any more.
        """
        message, outcome = self._came.get(timeout=wait_s) or (None, None)
        if self._is_ending or message is None or outcome is None:
            raise queue.Empty
        _show(message, as_json=as_json)
        outcome.set_result(Consumed.SUCCESS)

    def end(self) -> None:
        """Show no further message; a signal's handler may call this."""
        self._is_ending = True
        self._came.put(None)


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
