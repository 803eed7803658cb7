"""The client: producers, consumers and an admin's view of a cluster.

    async with Producer("shop", "127.0.0.1:9876") as producer:
        result = await producer.send(Message("orders", b"one coffee"))

    async def listener(message: StoredMessage) -> None:
        print(message.body)

    async with PushConsumer("kitchen", "127.0.0.1:9876", listener) as consumer:
        await consumer.subscribe("orders", "paid || sent")

The same without `async`, for scripts and notebooks, is in `blocking`.

Read in this order: `routes`, `instance`, `sent`, `outgoing`, `selection`, `delivery`,
`checks`, `producer`, `batches`, `requests`, `member`, `allocate`, `rebalance`,
`pull`, `positions`, `offsets`, `pull_consumer`, `process_queue`, `flow_control`,
`next_steps`, `puller`, `lite_pull`, `listener`, `finishing`, `concurrently`,
`send_back`, `locks`, `orderly`, `share`, `push`, `local_offsets`, `transaction`.
"""

from rmqlab.client.admin import Admin
from rmqlab.client.lite_pull import LitePullConsumer
from rmqlab.client.offsets import ConsumeFrom
from rmqlab.client.producer import Producer
from rmqlab.client.pull_consumer import PullConsumer
from rmqlab.client.push import Consumed, Later, PushConsumer
from rmqlab.client.sent import SendError, SendResult, SendStatus
from rmqlab.client.transaction import TransactionProducer, Verdict

__all__ = [
    "Admin",
    "ConsumeFrom",
    "Consumed",
    "Later",
    "LitePullConsumer",
    "Producer",
    "PullConsumer",
    "PushConsumer",
    "SendError",
    "SendResult",
    "SendStatus",
    "TransactionProducer",
    "Verdict",
]
