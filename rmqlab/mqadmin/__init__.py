"""`mqadmin`: RocketMQ's commands for operators, with its flags, columns and texts.

    command    what a command is: its flags, and rows that print themselves
    catalogue  all commands
    line       the command line
    places     who is meant: a broker, or a whole cluster
    cluster, topics, groups, clients, offsets, messages, brokers, stats
               the commands, by subject

A command yields rows.  Here each is printed as RocketMQ's own mqadmin prints it;
`rmqlab admin` shows the same rows as tables or as JSON.  They ask only what RocketMQ's
servers answer, so they work against a real cluster, too.

Source: the SubCommand classes of release 4.9.7.
"""

from __future__ import annotations

from rmqlab.mqadmin.catalogue import COMMANDS
from rmqlab.mqadmin.line import main, run

__all__ = ["COMMANDS", "main", "run"]
