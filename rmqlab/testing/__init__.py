"""A RocketMQ for other people's tests: in their own process, on free ports.

    def test_an_order_is_sent(rocketmq):  # a fixture; pytest finds it by itself
        Shop(rocketmq.name_servers).order("coffee")
        (order,) = rocketmq.wait_for(lambda: rocketmq.messages("orders"))
        assert order.body == b"coffee"

    with RocketMQ(folder) as rocketmq: …              in any other framework
    async with AsyncRocketMQ(folder) as rocketmq: …   on the test's own loop
    python -m rmqlab.testing                          for tests in any other language

docs/testing.md says more, with an example in Java and one in Go.

Read in this order: `ports`, `waiting`, `topics`, `node`, `blocking`.
"""

from rmqlab.testing.blocking import Reachable, RocketMQ
from rmqlab.testing.node import AsyncRocketMQ
from rmqlab.testing.waiting import until, wait_for

__all__ = ["AsyncRocketMQ", "Reachable", "RocketMQ", "until", "wait_for"]
