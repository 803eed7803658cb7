"""The client without `async`: for scripts, notebooks and the interpreter.

    with BlockingProducer("shop", "127.0.0.1:9876") as producer:
        producer.send(Message("orders", b"one coffee"))

All of a process share one loop on one thread.  It keeps heartbeats and pulls going
while the caller does something else.  Listeners run on that thread.

Read in this order: `thread`, `client`, `producers`, `consumers`, `pullers`, `admin`.
"""

from rmqlab.client.blocking.admin import BlockingAdmin
from rmqlab.client.blocking.consumers import BlockingConsumer
from rmqlab.client.blocking.producers import (
    BlockingProducer,
    BlockingTransactionProducer,
)
from rmqlab.client.blocking.pullers import (
    BlockingLitePullConsumer,
    BlockingPullConsumer,
)
from rmqlab.client.blocking.thread import THREAD, Driver, begin, run, shared_loop

__all__ = [
    "THREAD",
    "BlockingAdmin",
    "BlockingConsumer",
    "BlockingLitePullConsumer",
    "BlockingProducer",
    "BlockingPullConsumer",
    "BlockingTransactionProducer",
    "Driver",
    "begin",
    "run",
    "shared_loop",
]
