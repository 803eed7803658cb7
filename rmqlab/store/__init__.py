"""The store: four kinds of file, and how a write reaches each.

    put ──► commit log      every message of the broker, in the order of arrival
              │ dispatch
              ├─► consume queue   one a queue: 20 bytes a message, pointing into the log
              └─► index           one for all: from the hash of a key into the log

    checkpoint   up to when each of them is on the disk
    abort        exists while the broker runs: found at a start, it means a crash
    lock         held by the broker that has the store open

A put is done when the record is in the log's file (in the page cache: it survives the
death of the process, not of the machine).  `flush` makes it survive that too.  What
the queues and the index hold can always be made anew from the log.

Read in this order: `layout`, `disk`, `file_pool`, `file_queue`, `unflushed`;
`commit_log`, `consume_queue`, `queues`, `index_file`, `index`; `following`, `store`,
`reading`; `checkpoint`, `recovery`, `damage`, `retention`.
"""
