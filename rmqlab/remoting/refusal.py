"""What a peer is told of an error: a code, and no more than it may know.

Of what RocketMQ or this package refuses on purpose it is told the text.  Of a foreign
error, and of one of the disk, it is told the name: such texts are full of this
machine's paths.  RocketMQ sends exceptions as they are.

Source: NettyRemotingAbstract.processRequestCommand, release 4.9.7.
"""

from __future__ import annotations

import logging

from rmqlab.errors import Refused, WireError
from rmqlab.protocol.codes import ResponseCode
from rmqlab.protocol.frame import Frame

log = logging.getLogger(__name__)


def refusal(frame: Frame, error: Exception, peer: object) -> Frame:
    """Return the answer to a request that failed; what was no refusal is logged."""
    if isinstance(error, Refused):
        return frame.answer(error.code, remark=error.remark)
    if isinstance(error, WireError):  # the frame is one, its body is not
        return frame.answer(ResponseCode.SYSTEM_ERROR, remark=str(error))
    log.error("request failed peer=%s %s", peer, frame, exc_info=error)
    remark = f"{type(error).__name__}: the log of this node says more"
    return frame.answer(ResponseCode.SYSTEM_ERROR, remark=remark)
