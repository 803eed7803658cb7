"""Sockets: one connection carries requests both ways, many at a time.

What a connection promises: requests arrive in the order in which they were sent.
Answers may come in any order; `opaque` says which request one belongs to.  A broker
asks its clients over the connections that the clients opened.
"""

from rmqlab.remoting.client import RemotingClient
from rmqlab.remoting.connection import Connection
from rmqlab.remoting.server import ANY_ADDRESS, LOOPBACK, RemotingServer

__all__ = ["ANY_ADDRESS", "LOOPBACK", "Connection", "RemotingClient", "RemotingServer"]
