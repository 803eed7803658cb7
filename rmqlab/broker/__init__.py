"""The broker, in three parts.

    remembers   tables/     topics, groups, offsets, clients, held pulls: no I/O
    answers     handlers/   one per kind of request; they never wait
    does        services/   flush, dispatch, register, follow a master, save tables

The life of a message:

    producer ──► dispatch ──► handlers.send ──► store ──► log
                    │  the answer waits here until   │
                    ◄── gates ◄── durability ◄───────┤ flushed (SYNC_FLUSH)
                    ◄── gates ◄── ha.master ◄────────┤ copied  (SYNC_MASTER)
                                                     ▼
    consumer ◄── handlers.pull ◄── queues ◄── services.dispatcher
"""
