"""Half messages at a desk: sent, settled, asked about."""

from __future__ import annotations

import asyncio

from rmqlab.broker.services.transaction_check import GROUP
from rmqlab.protocol import bodies
from rmqlab.protocol.codes import SysFlag
from rmqlab.protocol.membership import Heartbeat
from rmqlab.protocol.message import HALF_TOPIC, OP_TOPIC, join_properties
from rmqlab.protocol.messaging import HeartBeat, SendReply
from rmqlab.protocol.record import decode_all
from rmqlab.protocol.transactions import CheckTransactionState, EndTransaction

COMMIT, ROLLBACK = SysFlag.TRANSACTION_COMMIT, SysFlag.TRANSACTION_ROLLBACK
LEFT_OPEN = 0
TIMEOUT_MS = 6000
MINUTE_MS = 60_000


def send_half(desk, body=b"coffee", queue_id=0, topic="orders", **properties):
    """Send a half message and return where it went, as END_TRANSACTION says it."""
    own = {"TRAN_MSG": "true", "PGROUP": "shop", "UNIQ_KEY": "K", "WAIT": "true"}
    answer = desk.send(
        body,
        topic,
        queue_id,
        properties=join_properties(own | properties),
        sys_flag=SysFlag.TRANSACTION_PREPARED,
        born_ms=desk.clock.now_ms(),
    )
    assert answer.code == 0, answer.remark
    reply = SendReply.parse(answer.fields)
    desk.broker.store.dispatch()
    return reply.queue_offset, int(reply.msg_id[-16:], 16)


def end(desk, place, verdict, group="shop", **changes):
    """Settle a half message and return the answer."""
    queue_offset, log_offset = place
    header = EndTransaction(group, queue_offset, log_offset, int(verdict), "K")
    for name, value in changes.items():
        setattr(header, name, value)
    answer = desk.ask(header)
    desk.broker.store.dispatch()
    return answer


def records(desk, topic, queue_id=0):
    """Return the records of a queue."""
    desk.broker.store.dispatch()
    got = desk.broker.store.reading.get(topic, queue_id, 0, 32, lambda _: True)
    return list(decode_all(b"".join(got.records)))


def halves(desk):
    """Return the half messages."""
    return records(desk, HALF_TOPIC)


def ops(desk):
    """Return which half messages the op messages name."""
    return [int(one.body) for one in records(desk, OP_TOPIC)]


def producer_beats(desk, peer, group="shop", client="p1"):
    """Send the heartbeat of a producer."""
    body = bodies.encode(Heartbeat(client, [group]).to_json())
    return desk.ask(HeartBeat(), body, peer)


def check(desk, after_ms=MINUTE_MS):
    """Have the broker do one round of checks, that much later."""
    desk.clock.advance(after_ms)
    asyncio.run(desk.broker.transaction_check.step())
    desk.broker.store.dispatch()


def questions(peer):
    """Return what a producer was asked: header and message each; forget it."""
    asked, peer.sent = peer.sent, []
    return [
        (CheckTransactionState.parse(one.fields), next(decode_all(one.body)))
        for one in asked
        if one.code == CheckTransactionState.CODE
    ]


def progress(desk):
    """Return the offsets of half and op messages that the checks are done with."""
    offsets = desk.broker.memory.offsets
    return offsets.get(GROUP, HALF_TOPIC, 0), offsets.get(GROUP, OP_TOPIC, 0)
