"""The name server: the phone book of a cluster.

What it knows: which brokers live, at which addresses, and how many queues of which
topic each master holds.  Every broker tells every name server that every 30 seconds;
who is silent for two minutes, or hangs up, is forgotten.

What it never does: talk to another name server, write routes to disk, choose a broker
for anybody, or tell anyone that something changed.  Clients ask, every 30 seconds.
"""
