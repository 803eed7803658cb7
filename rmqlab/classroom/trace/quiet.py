"""What goes on in a cluster without end, whether anybody sends messages or not."""

from __future__ import annotations

from rmqlab.classroom.trace import LOG, Event
from rmqlab.protocol.codes import RequestCode, ResponseCode

CODES = frozenset(
    code.name
    for code in (
        RequestCode.HEART_BEAT,
        RequestCode.REGISTER_BROKER,
        RequestCode.QUERY_DATA_VERSION,
        RequestCode.GET_ROUTEINFO_BY_TOPIC,
        RequestCode.GET_BROKER_CLUSTER_INFO,
        RequestCode.GET_CONSUMER_LIST_BY_GROUP,
        RequestCode.UPDATE_CONSUMER_OFFSET,
        RequestCode.QUERY_CONSUMER_OFFSET,
        RequestCode.GET_ALL_TOPIC_CONFIG,
        RequestCode.GET_ALL_CONSUMER_OFFSET,
        RequestCode.GET_ALL_DELAY_OFFSET,
        RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
        RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
    )
)
PULL = RequestCode.PULL_MESSAGE.name


class Murmur:
    """Tells the steady murmur from what a learner looks for; ask it event by event."""

    def __init__(self) -> None:
        self._reports: dict[object, int] = {}

    def has(self, event: Event) -> bool:
        """Whether an event is part of it."""
        kind = event["kind"]
        if kind == "frame":
            if event["code"] == PULL:
                return bool(event.get("response") != ResponseCode.SUCCESS.name)
            return str(event["code"]) in CODES
        if kind == "report":
            known = self._reports.get(event["connection"])
            self._reports[event["connection"]] = event["offset"]
            return bool(known == event["offset"])
        if kind == "piece":
            return not event["size"]
        if kind == "flush":
            return bool(event["what"] != LOG)
        return bool(kind == "connected")
