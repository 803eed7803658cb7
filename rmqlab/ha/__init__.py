"""Replication: how the bytes of a master's commit log get to its slaves.

    slave ── 8 bytes: the end of my log ───────────────────────────────► master
          ◄─ offset 8B │ n 4B │ n bytes of your log from that offset ──

The slave connects, says how far it is, and again after every piece.  The master sends
what follows.  Nothing is parsed on the way; there is no checksum and no name.  A
`SYNC_MASTER` answers a send once any slave's report has passed the message.

Source: HAService.java, HAConnection.java, release 4.9.7.
"""
