"""Grading: two witnesses of what an answer does.

    learner's notebook ──answer cells, by id──► pristine notebook
                                                     │ nbval, in a process of its own
      cluster ◄──────── kernel: runs the answer ◄────┤
         ▲                                           │ 1st: the check cell printed
         └── grader: looks from outside, now ◄───────┘      what it must
                     2nd witness

After each check cell nbval's process waits while the grader runs the same check by its
own connections, on a cluster that it started itself, with a nonce that nobody knew
when the answer was written.  Only what both saw counts.

In a simulated exercise the second witness comes first: before there is a kernel, the
answers are read from their cells as literals, never run, and tried with unseen seeds in
a process of its own (`rerun`).
"""
