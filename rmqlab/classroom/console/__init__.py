"""The console: a page in the browser that shows a cluster as an operator wants it.

    rmqlab console ──▶ server (Voilà) ──▶ a kernel for each open page
                                            app: five pages, one of them in view
                                              │ asks, as mqadmin would, once a second
                                              ▼
                                            name servers and brokers, ours or RocketMQ's

Each page is a module: a function that asks and returns rows, one that draws them, and
the widgets around them.  What can be done to nodes is offered for clusters that this
user has started on this machine; any other is only looked at.

Read in this order: `source`, `page`, `brokers`, `cluster_page`, `topics_page`,
`consumers_page`, `messages_page`, `topology_page`, `app`, `server`.
"""
