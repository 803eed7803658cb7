"""What the course says of RocketMQ, played on our nodes and on RocketMQ's own.

    claim      what a claim is, and the grounds that it is played on
    stage      a cluster, and clients that need not be waited for
    routing, sending, asking, consuming, later, operating, files, pairs, published
               the claims, by subject
    catalogue  all of them
    exercises  claims of another kind: solutions, and how they are graded
    play       plays them on one runtime
    normal     takes out what differs from run to run
    known      the differences that are known, and why they are
    verdict    compares two runtimes
    table      the verdicts, for a terminal, a program and a page

Not here: stores, clients and mixed clusters, each with the real thing on one side
(`tests/interop`).
"""
