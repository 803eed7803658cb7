"""Exercise 02: frames made by hand, which a broker answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from rmqlab.classroom.checks import Exercise, bench, fail
from rmqlab.classroom.checks.framing import Wanted, fault
from rmqlab.classroom.grading.trial import VISIBLE_SEED, Trial
from rmqlab.classroom.raw import Reply
from rmqlab.classroom.simulated.lab import SimLab
from rmqlab.protocol.codes import RequestCode, ResponseCode
from rmqlab.protocol.frame import Frame, HeaderFormat
from rmqlab.protocol.message import MessageQueue

EXERCISE = Exercise("02_frame_by_hand", topology="1m", runtime="sim")

BROKER = "broker-a"
QUEUES, MOST_BEFORE, TIMES = 4, 6, 4
GROUP = "by-hand"
WORDS = ("café", "Tee für zwei", "три торта", "四杯茶", "zoë's 🍰", "crème brûlée")
"""Orders whose bytes are more than their characters."""
TAGS = ("bezahlt", "payé", "оплачено", "已付")
FIRST_STEPS = {
    "ask": "make the header with json.dumps(…).encode(), then two words before it "
    "with struct.pack('>iI', …)",
    "send": "encode the order's body, make its header as in `ask`, with more fields, "
    "and put the body behind it",
    "ask_binary": "pack the numbers of the header with '>hBhiiii', the last two being "
    "lengths, and the fields behind them",
}
HEX = "a function that returns a frame's bytes as text: .hex()"


@contextmanager
def broker(seed: int) -> Iterator[tuple[SimLab, list[int]]]:
    """Yield a cluster, and how many messages each queue of `orders` has."""
    dice = Random(seed)  # noqa: S311
    with bench.cluster_with_topic("1m", seed) as cluster:
        counts = [dice.randint(0, MOST_BEFORE) for _ in range(QUEUES)]
        with cluster.producer() as producer:
            for number, count in enumerate(counts):
                queue = MessageQueue(bench.TOPIC, BROKER, number)
                for _ in range(count):
                    producer.send(bench.TOPIC, "before", queue=queue)
        yield cluster, counts


def answer_to(frame_hex: str) -> str:
    """Return what a broker answers to the bytes of a frame; it is new each time."""
    try:
        data = bytes.fromhex(frame_hex)
    except (TypeError, ValueError):
        return f"these are no bytes as text: {frame_hex!r}"
    with broker(VISIBLE_SEED) as (cluster, _):
        return str(cluster.say(BROKER, data))


def _questions(seed: int) -> Iterator[dict[str, Any]]:
    """Yield questions for GET_MAX_OFFSET that nobody has seen."""
    dice = Random(f"questions/{seed}")  # noqa: S311
    for queue in dice.sample(range(QUEUES), TIMES):
        opaque = dice.randrange(1 << 10, 1 << 31)
        yield {"topic": bench.TOPIC, "queue_id": queue, "opaque": opaque}


def _orders(seed: int) -> Iterator[dict[str, Any]]:
    """Yield orders that nobody has seen."""
    dice = Random(f"orders/{seed}")  # noqa: S311
    for question in _questions(dice.randrange(1 << 31)):
        yield {
            **question,
            "group": GROUP,
            "tags": dice.choice(TAGS),
            "born_ms": dice.randrange(1 << 40, 1 << 41),
            "body": f"{dice.choice(WORDS)} {dice.randrange(10**9)}",
        }


@EXERCISE.check(points=3)
def a_question_is_answered(see: Trial) -> None:
    """The broker answers your GET_MAX_OFFSET with a JSON header."""
    _is_answered(see, "ask", HeaderFormat.JSON)


@EXERCISE.check(points=4)
def an_order_is_stored(see: Trial) -> None:
    """The broker stores your SEND_MESSAGE, every byte of it."""
    send = see.function("send", HEX)
    with broker(see.seed) as (cluster, _):
        for order in _orders(see.seed):
            data = _bytes(see, "send", send, order)
            wanted = _send(order)
            reply = cluster.say(BROKER, data)
            stored = [
                one
                for one in cluster.messages_on_disk(BROKER)
                if (one.body.decode("utf-8", "replace"), one.queue_id, one.tags)
                == (order["body"], order["queue_id"], order["tags"])
                and one.born_timestamp == order["born_ms"]
            ]
            is_done = len(stored) == 1 and _is_success(reply, order["opaque"])
            _judge(see, wanted, data, reply, is_done=is_done)


@EXERCISE.check(points=3)
def the_other_header_is_understood(see: Trial) -> None:
    """The broker answers the same question with a ROCKETMQ header."""
    _is_answered(see, "ask_binary", HeaderFormat.ROCKETMQ)


def _is_answered(see: Trial, name: str, format_: HeaderFormat) -> None:
    """Check that a function's frames are answered with the right offset."""
    ask = see.function(name, HEX)
    with broker(see.seed) as (cluster, counts):
        for question in _questions(see.seed):
            data = _bytes(see, name, ask, question)
            reply = cluster.say(BROKER, data)
            offset = str(counts[question["queue_id"]])
            is_done = _is_success(reply, question["opaque"], offset)
            _judge(see, _ask(question, format_), data, reply, is_done=is_done)


def _is_success(reply: Reply, opaque: int, offset: str | None = None) -> bool:
    """Whether the broker said this, and nothing else."""
    match reply.frames:
        case [Frame() as frame]:
            fields = frame.fields or {}
            is_offset = offset is None or fields.get("offset") == offset
            is_ours = frame.opaque == opaque and not reply.is_closed
            return is_ours and is_offset and frame.code == ResponseCode.SUCCESS
        case _:
            return False


def _ask(question: dict[str, Any], format_: HeaderFormat) -> Wanted:
    fields = {"topic": question["topic"], "queueId": str(question["queue_id"])}
    code = RequestCode.GET_MAX_OFFSET
    return Wanted(Frame(code, fields, opaque=question["opaque"], format=format_))


def _send(order: dict[str, Any]) -> Wanted:
    fields = {
        "producerGroup": order["group"],
        "topic": order["topic"],
        "queueId": str(order["queue_id"]),
        "bornTimestamp": str(order["born_ms"]),
        "properties": f"TAGS\x01{order['tags']}\x02",
    }
    body, opaque = order["body"].encode(), order["opaque"]
    return Wanted(Frame(RequestCode.SEND_MESSAGE, fields, body, opaque=opaque))


def _bytes(
    see: Trial, name: str, make: Callable[[Any], Any], asked: dict[str, Any]
) -> bytes:
    """Return the bytes that a function makes."""
    made = make(asked)
    try:
        return bytes.fromhex(made)
    except (TypeError, ValueError):
        fail(
            expected=f"{name}: {HEX}",
            found=f"{made!r}"[:100],
            why="what is handed to the grader must be text, and a frame is none",
            next_step=f"{FIRST_STEPS[name]}; end with .hex()",
            reproduce=see.reproduce,
        )


def _judge(
    see: Trial, wanted: Wanted, data: bytes, reply: Reply, *, is_done: bool
) -> None:
    """Say what is wrong with a frame, if anything, and what the broker said to it."""
    wrong = fault(data, wanted)
    if is_done and wrong is None:
        return
    said = f"the broker said: {reply}"[:200]
    found, next_step = wrong or (
        "a frame without fault, but for fields that the broker asks for",
        "look at what it said; `rmqlab/protocol/messaging.py` declares every field",
    )
    fail(
        expected=f"an answer to {wanted.name} #{wanted.frame.opaque}",
        found=f"{found}; {said}",
        why="nobody on a wire asks what you meant: what stands there counts, and a "
        "broker closes a connection, or waits, without a word",
        next_step=next_step,
        reproduce=see.reproduce,
    )
