"""The store: three kinds of file, and how a write reaches each.

    put ──► commit log      every message of the broker, in the order of arrival
              │ dispatch
              ├─► consume queue   one a queue: 20 bytes a message, pointing into the log
              └─► (index)         not here yet

    checkpoint   up to when log and queues are on the disk
    abort        exists while the broker runs: found at a start, it means a crash
    lock         held by the broker that has the store open

A put is done when the record is in the log's file (in the page cache: it survives the
death of the process, not of the machine).  `flush` makes it survive that too.  What
the queues hold can always be made anew from the log.

Read in this order: `layout`, `disk`, `file_queue`, `commit_log`, `consume_queue`,
`checkpoint`, `recovery`, `store`.
"""
