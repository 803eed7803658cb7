"""`python -m rmqlab.mqadmin COMMAND …`."""

from __future__ import annotations

from rmqlab.mqadmin.line import main

main()
