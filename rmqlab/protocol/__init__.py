"""What the bytes mean.  Nothing here knows a socket, a file or the time.

    ┌────────┬──────┬────────────┬────────────────────────────┬──────────────────┐
    │ length │ type │ header len │ header                     │ body             │
    └────────┴──────┴────────────┴──────────────┬─────────────┴─────────┬────────┘
      frame.py                                  │                       │
         header.py    typed parameters ◄────────┘                       │
           messaging.py  send, pull, offsets, groups                    │
           routing.py    register, routes                               │
           admin.py      topics, tables, measurements                   │
         bodies.py       topic tables, routes, clusters    as JSON ◄────┤
         membership.py   heartbeats, subscriptions         as JSON ◄────┤
         record.py       messages as they lie in the commit log ◄───────┘

`codes` has the numbers, `message` what a message is, `fastjson` the JSON that Java
writes.
"""
