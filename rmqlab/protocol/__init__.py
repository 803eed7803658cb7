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
         queue_bodies.py locks, offsets that moved         as JSON ◄────┤
         record.py       messages as they lie in the commit log ◄───────┘

`codes` has the numbers, `message` what a message is, `fastjson` the JSON that Java
writes, `sql92` the filters that ask for a message's properties.
"""
