"""A broker that neither listens nor runs its services: tests ask its handlers."""

from __future__ import annotations

import itertools
from contextlib import contextmanager

from rmqlab.broker.call import HeldPull
from rmqlab.clock import ManualClock
from rmqlab.errors import Refused
from rmqlab.protocol import bodies
from rmqlab.protocol.codes import PullSysFlag
from rmqlab.protocol.frame import CURRENT_VERSION, Frame
from rmqlab.protocol.membership import ConsumerData, Heartbeat, Subscription
from rmqlab.protocol.messaging import HeartBeat, PullMessage, SendMessage
from rmqlab.protocol.record import decode_all, to_message
from tests.support import HOST, make_broker

BORN_MS = 1_700_000_000_000


class Peer:
    """Stands in for a connection: keeps what it is sent."""

    _ports = itertools.count(50_001)

    def __init__(self, own_port: int = 10911) -> None:
        self.peer = (HOST, next(self._ports))
        self.own = (HOST, own_port)
        self.sent: list[Frame] = []
        self.is_closed = False

    def send(self, *frames: Frame) -> None:
        self.sent += frames

    def close(self) -> None:
        self.is_closed = True


class Desk:
    """A broker with an open store, and somebody who asks it."""

    def __init__(self, broker, clock) -> None:
        self.broker, self.clock = broker, clock
        self.peer = Peer(broker.config.listen_port)

    def ask(self, header, body=b"", peer=None, **frame) -> Frame | None:
        """Return the answer; None where it is held back."""
        asked = Frame(header.CODE, header.to_wire(), body, opaque=7, **frame)
        return self.hand_in(asked, peer or self.peer)

    def hand_in(self, asked: Frame, peer: Peer) -> Frame | None:
        """Return the answer to a frame; None where it is held back."""
        try:
            answer = self.broker._dispatch.handle(asked, peer)
        except Refused as error:
            return asked.answer(error.code, remark=error.remark)
        return answer or (peer.sent.pop() if peer.sent else None)

    def send(
        self,
        body=b"coffee",
        topic="orders",
        queue_id=0,
        properties="",
        kind=SendMessage,
        **changes,
    ):
        """Send a message and return the answer."""
        frame = {"version": changes.pop("version", CURRENT_VERSION)}
        header = kind(
            producer_group="shop",
            topic=topic,
            default_topic=changes.pop("default_topic", "TBW102"),
            default_topic_queue_nums=changes.pop("queues", 4),
            queue_id=queue_id,
            sys_flag=changes.pop("sys_flag", 0),
            born_timestamp=changes.pop("born_ms", BORN_MS),
            flag=changes.pop("flag", 0),
            properties=properties,
            **changes,
        )
        return self.ask(header, body, **frame)

    def stored(self, queue_id=0, topic="orders"):
        """Return the messages of a queue, as the store has them."""
        self.broker.store.dispatch()
        got = self.broker.store.reading.get(topic, queue_id, 0, 32, lambda _: True)
        return [to_message(one) for one in decode_all(b"".join(got.records))]

    def pull(
        self,
        offset,
        tags="*",
        flags=PullSysFlag.SUBSCRIPTION,
        topic="orders",
        queue_id=0,
        limit=32,
        wait_ms=15_000,
        commit=0,
        version=0,
        peer=None,
        **changes,
    ):
        """Pull and return the answer; None where the pull is held."""
        header = PullMessage(
            changes.pop("group", "kitchen"),
            topic,
            queue_id,
            offset,
            limit,
            flags,
            commit,
            wait_ms,
            version,
            tags,
            **changes,
        )
        return self.ask(header, peer=peer)

    def beat(self, group="kitchen", topics=(), client="c1", peer=None, version=1):
        """Send the heartbeat of a consumer."""
        wanted = [Subscription.of(topic, tags, version) for topic, tags in topics]
        data = Heartbeat(client, consumers=[ConsumerData(group, subscriptions=wanted)])
        return self.ask(HeartBeat(), bodies.encode(data.to_json()), peer)

    def held(self) -> list[HeldPull]:
        """Return the pulls that wait, and let them wait no more."""
        return self.broker.memory.holds.expired(1 << 62)


@contextmanager
def open_desk(root, **settings):
    """Open a broker's store, and nothing else of it."""
    clock = ManualClock(BORN_MS)
    broker = make_broker(root, clock=clock, **settings)
    broker.store.open()
    broker._persistence.load()
    broker._delays_saved.load()
    try:
        yield Desk(broker, clock)
    finally:
        broker.store.abandon()
