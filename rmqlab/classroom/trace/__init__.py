"""What happened in a cluster, as lines of JSON: one schema for every runtime.

The first line says what it is a trace of; every line has `at`, in seconds since the
beginning (six decimals), and `kind`:

kind        facts
─────────   ──────────────────────────────────────────────────────────────────────────
trace       schema, version, runtime, topology, seed, scenario, nodes   (first line)
node        node, state, why                 a node's state changed
fault       node or host, what               kill, pause, crash, cut, heal, slow …
connected   connection, node, peer, port     node opened a connection to peer
closed      connection, node, why            node's end of it is closed
frame       connection, node, peer, code, opaque, size; response (of an answer),
            oneway, topic, queue, offset where the frame has them
append      node, offset, size               bytes came into a commit log
flush       node, what, end, took_s          a file is on the disk; a log: up to end
report      node, peer, offset               a slave tells its master how far it is
piece       node, peer, offset, size         a master sends a slave a piece of its log
lost        host, what                       a crash took what was not flushed
client      client, what                     a client started, closed, was killed
send        client, key, topic               a producer was asked to send
told        client, key, outcome, took_s     what it was told: a SendStatus, refused
            broker, queue, offset              (certainly not stored) or unanswered
consumed    client, group, key, topic,       a consumer was given a message
            broker, queue, offset
log         node, messages                   at the end: [topic, queue, offset, key,
                                             log offset] of each message of a store

`node` and `peer` are names of nodes or of clients' processes.  Nothing here is told by
the nodes themselves: it is read off their sockets, files and processes from outside.
"""
