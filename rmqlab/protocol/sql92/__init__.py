"""SQL92 filters: a condition on a message's properties, ``price > 5 AND city = 'Rom'``.

    text ──tokens.py──► words ──grammar.py──► terms ──terms.py──► true, false, unknown

A message matches where its properties make the condition true.  Unknown, which is what
a property that is not there makes of most conditions, is no match, and neither is a
comparison that makes no sense, such as of a property ``x`` with 5.

Source: SqlFilter.java, SelectorParser.jj, release 4.9.7; every rule was tried on it.
"""

from rmqlab.protocol.sql92.grammar import parse
from rmqlab.protocol.sql92.terms import Condition
from rmqlab.protocol.sql92.tokens import SqlError

__all__ = ["Condition", "SqlError", "parse"]
