"""A cluster in one process, on simulated time, network and disks: a seed decides all.

       machine A                                        machine B
    ┌─────────────────────────┐                      ┌─────────────────────────┐
    │ process    process      │                      │ process                 │
    │ its code   its code     │  unchanged: asyncio, │ its code                │
    │ SimLoop    SimLoop      │  streams, the store  │ SimLoop                 │
    │   │ transports, servers │                      │   │ transports, servers │
    ├───┴─────────┬───────────┤                      ├───┴─────────┬───────────┤
    │ host: ports,│ disk:     │ ───── link A→B ────► │ host: ports,│ disk:     │
    │ ends of TCP │ page cache│ ◄──── link B→A ───── │ ends of TCP │ page cache│
    └─────────────┴───────────┘                      └─────────────┴───────────┘
    ─────────────────────────────── timeline ────────────────────────────────► time

    with Simulation(seed=1) as simulation:
        machine = simulation.machine("host1", "10.0.0.1")
        process = machine.process("namesrv")
        simulation.complete(process, server.start())
        simulation.run(30.0)
        machine.crash()

Nothing happens by itself: time goes on while `run`, `run_until`, `step` or `complete`
is called, from moment to moment, and stands still otherwise.  Whatever is random comes
from the seed, in a stream of its own for each link, disk and process; so one seed and
the same code give the same history, to the byte, on any machine and Python.

Not here: what a cluster is made of (`rmqlab.classroom.simulated`), the cost of
computing (code takes no time), threads, subprocesses, TLS, UDP.

Reading order, each standing on the ones before:

    timeline   what happens next
    link       from one machine to another, after a while
    tcp        connections, as kernels keep them
    network    hosts: who may connect
    transport  connections, as asyncio shows them
    task       what a process does
    loop       a process's event loop
    disk       files that forget what was not flushed
    machine    all of it: start, pause, kill, cut, crash
"""
