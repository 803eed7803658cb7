"""Clusters in a simulation: the runtime `sim`.

    node      one node of a topology on a simulated machine
    cluster   all of them, with the same verbs as a cluster of processes, and with time
              that stands still until it is asked to pass

Nothing here needs a library, a socket, a file or a thread: it also runs in a browser.
"""
