"""The course's machinery: clusters to start and break, exercises, marks.

A topology is a folder that a person can read (`topology`).  A runtime makes its nodes
live: as processes (`local`), as containers (`docker_runtime`), as the real RocketMQ
(`rocketmq_runtime`).  A supervisor owns a running cluster; notebooks, panels and the
command line talk to it (`cluster`).

    topology ──► supervisor ──► runtime ──► node, node, node …
                    ▲  state, events
       cluster, panel, cli

An exercise is a notebook (`exercises`); `grading` runs it with answers laid in, and
looks at the cluster from outside.

Libraries are welcome here; the system below never imports any of this.
"""
