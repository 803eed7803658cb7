"""A cluster in one process, on simulated time, network and disks: one seed decides all.

Reading order: `timeline`, `loop`, `link`, `transport`, `network`, `disk`, `machine`.
"""
