"""A message that a group failed to consume goes back to a broker, to come again later.

The broker where the message lies is asked to: it has the message, so only its offset
travels.  Where that fails, another one gets the message anew, as if it were sent.

    consumer ── offset ───▶ its broker ──▶ %RETRY%kitchen, after a while
        └────── message ──▶ another one ─▶ %RETRY%kitchen, after a while

Not here: how long a while is, and dead letters (`broker.handlers.retry`).

Source: DefaultMQPushConsumerImpl.sendMessageBack,
ConsumeMessageOrderlyService.sendMessageBack, release 4.9.7.
"""

from __future__ import annotations

import logging

from rmqlab.client.delivery import Delivery
from rmqlab.client.instance import ClientInstance
from rmqlab.client.listener import first_topic
from rmqlab.client.outgoing import Outgoing
from rmqlab.errors import RmqError
from rmqlab.protocol.half_message import PREPARED
from rmqlab.protocol.message import (
    DELAY,
    ORIGIN_MESSAGE_ID,
    RETRY_PREFIX,
    RETRY_TOPIC,
    StoredMessage,
    join_properties,
)
from rmqlab.protocol.messaging import SendBack, SendMessageV2

log = logging.getLogger(__name__)

TIMEOUT_S = 5.0
FIRST_LEVEL = 3
"""Of a message's first return; each further one has the next delay level."""
INNER_GROUP = "CLIENT_INNER_PRODUCER"


async def send_back(
    instance: ClientInstance,
    group: str,
    message: StoredMessage,
    delay_level: int,
    most: int,
) -> None:
    """Have a message come again, unless it has `most` times: then it is a dead letter.

    Raises:
        RmqError: no broker took it.
    """
    header = SendBack(
        offset=message.physical_offset,
        group=group,
        delay_level=delay_level,
        origin_msg_id=message.msg_id,
        origin_topic=first_topic(message),
        max_reconsume_times=most,
    )
    try:
        address = instance.master_of(message.broker_name)
        await instance.remoting.ask(address, header, timeout_s=TIMEOUT_S)
    except RmqError as error:
        log.info("not sent back, so sent anew message=%s: %s", message, error)
        await send_anew(instance, group, message, message.reconsume_times + 1, most)


async def send_anew(
    instance: ClientInstance, group: str, message: StoredMessage, times: int, most: int
) -> None:
    """Send a message to the group's retry topic; it is said to have come `times` times.

    Raises:
        RmqError: no broker took it.
    """
    properties = {k: v for k, v in message.properties.items() if k != PREPARED}
    properties.setdefault(ORIGIN_MESSAGE_ID, message.msg_id)
    properties[RETRY_TOPIC] = first_topic(message)
    properties[DELAY] = str(FIRST_LEVEL + message.reconsume_times)
    anew = Outgoing(
        SendMessageV2,
        RETRY_PREFIX + group,
        message.body,
        join_properties(properties),
        message.msg_id,
        message.flag,
        reconsume_times=times,
        max_reconsume_times=most,
    )
    await Delivery(instance, INNER_GROUP).deliver(anew, None, TIMEOUT_S)
