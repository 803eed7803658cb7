"""`bench cluster`, `bench rocketmq`, `bench floor`: the same loads on three sides.

    cluster    2m-2s, six processes of ours, as `rmqlab up` starts them    ours
    rocketmq   the same files, run by Apache RocketMQ itself               rocketmq
    floor      a server that only acknowledges: the most a client can get  acknowledging

The loads are RocketMQ's own Java client and ours, the same programs for all sides.
`bench cluster --against rocketmq` takes the three in turn, round by round, and shows
them side by side.  Nodes and load share this machine's cores.

Read in this order: `cells`, `load`, `own_load`, `cluster`, `probes`, `six`.

Not here: what is lost when a node dies (`rmqlab drills`).
"""
