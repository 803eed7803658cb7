"""Claims about the article's files as they were published."""

from __future__ import annotations

from rmqlab.classroom.conform.claim import ARTICLE, claim
from rmqlab.classroom.conform.normal import Json
from rmqlab.classroom.conform.routing import cluster
from rmqlab.classroom.conform.stage import NAMES, Stage


@claim("10", ARTICLE)
async def only_one_broker_of_each_host_starts(stage: Stage) -> Json:
    """The article's brokers share a host's store: the second finds it locked."""
    dead = sorted(name for name, one in stage.nodes.items() if not one.is_alive)
    locked = "Lock failed,MQ already started"
    return {
        "dead": dead,
        "say why": [bool(stage.said(name, locked)) for name in dead],
        "told": await cluster(stage, NAMES),
    }
