"""Answers that leave together go in one write for each connection, in their order."""

from __future__ import annotations

from rmqlab.broker.outbox import Outbox
from rmqlab.protocol.frame import Frame


class Peer:
    """Notes what it is sent, call by call."""

    def __init__(self):
        self.sent = []

    def send(self, *frames):
        self.sent.append([frame.opaque for frame in frames])


def test_answers_to_one_peer_leave_together_in_their_order():
    outbox, one, other = Outbox(), Peer(), Peer()
    for opaque, peer in enumerate((one, other, one, one)):
        outbox.put(Frame(0, opaque=opaque), peer)
    assert (one.sent, other.sent) == ([], [])
    outbox.empty()
    assert (one.sent, other.sent) == ([[0, 2, 3]], [[1]])


def test_an_answer_leaves_once():
    outbox, peer = Outbox(), Peer()
    outbox.put(Frame(0, opaque=7), peer)
    outbox.empty()
    outbox.empty()
    assert peer.sent == [[7]]
