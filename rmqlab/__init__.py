"""rmqlab: a compact RocketMQ 4.x, and a course that takes it apart.

The reading path; README.md has it with the question that each step answers:

    0  protocol            what is there, in one picture
    1  protocol/frame.py → header.py → messaging.py         what crosses the wire
    2  protocol/stream.py
       → remoting/connection.py → server.py → client.py     many requests, one socket
    3  namesrv/routes.py → requests.py → kv.py → server.py  where does a topic live
    4  protocol/record.py → store/commit_log.py → consume_queue.py
       → index_file.py → reading.py                         where bytes lie
    5  store/store.py → checkpoint.py → recovery.py
       → damage.py → retention.py                           what survives a crash
    6  broker/__init__.py → requests.py → dispatch.py → handlers/send.py
       → services/dispatcher.py → tables/holds.py → handlers/pull.py   a message's life
    7  client/producer.py → delivery.py → allocate.py → rebalance.py
       → process_queue.py → push.py                         who consumes what
    8  ha/session.py → master.py → slave.py → broker/gate.py
       → services/durability.py                             what SYNC_MASTER promises
    9  broker/tables/delays.py → services/delayed.py → handlers/retry.py
       → tables/halves.py → handlers/transaction.py
       → services/transaction_check.py                      later, again, or perhaps
    10 sim/timeline.py → loop.py → network.py → disk.py → machine.py   virtual time
    11 classroom/topology.py → runtime.py → local.py → supervisor.py
       → grading/grader.py                      how a lab is made, and how graded
    12 testing/node.py → topics.py → blocking.py   a RocketMQ in somebody's test

Everything but `classroom` uses the standard library alone.
"""

import logging

__version__ = "0.1.0"

# Who wants to read what nodes log says where to; nothing goes to stderr by itself.
logging.getLogger(__name__).addHandler(logging.NullHandler())
