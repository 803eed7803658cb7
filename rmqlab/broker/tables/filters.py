"""The SQL92 filters of the groups, as their heartbeats told them.

A filter whose group has gone, or consumes the topic no more, is dead; it is kept for a
day, for the group may come back.  After a start all are dead until they are heard.

Source: ConsumerFilterManager.java, FilterDataMapByTopic, release 4.9.7.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from rmqlab.errors import WireError
from rmqlab.protocol.bodies import Body
from rmqlab.protocol.membership import Subscription
from rmqlab.protocol.sql92 import Condition, SqlError, parse

log = logging.getLogger(__name__)

MOST_FILTERS = 10_000
"""Of one broker.  RocketMQ has no limit; a filter beyond it is not kept."""
KIND = "SQL92"


@dataclass(slots=True)
class Filter(Body):
    """One group's filter of one topic; it is dead where `dead_time` is not 0.

    `client_version` is that of the subscription.
    """

    consumer_group: str
    topic: str
    expression: str
    expression_type: str
    client_version: int
    born_time: int
    dead_time: int = 0

    @property
    def condition(self) -> Condition:
        """What it says."""
        return condition_of(self.expression_type, self.expression)


def condition_of(kind: str, expression: str) -> Condition:
    """Return what an expression says.

    Raises:
        SqlError: it says nothing, or is of another kind than SQL92.
    """
    if kind != KIND:
        raise SqlError(f"an expression of type {kind}, known are TAG and {KIND}")
    return parse(expression)


class Filters:
    """All filters, by group and topic."""

    FILE = "consumerFilter.json"

    def __init__(self, clean_ms: int, most: int = MOST_FILTERS) -> None:
        self._clean_ms, self._most = clean_ms, most
        self._filters: dict[str, dict[str, Filter]] = {}
        self._changes = 0

    def get(self, topic: str, group: str) -> Filter | None:
        """Return a group's filter, dead or not."""
        return self._filters.get(group, {}).get(topic)

    def heard(self, group: str, wanted: list[Subscription], now_ms: int) -> None:
        """Take the filters of a group's heartbeat; all others of the group are dead."""
        for one in wanted:
            if not one.is_tag_filter and one.sub_string:
                self._hear(group, one, now_ms)
        topics = {one.topic for one in wanted}
        for topic, known in self._filters.get(group, {}).items():
            if topic not in topics:
                self._set_dead(known, now_ms)

    def group_gone(self, group: str, now_ms: int) -> None:
        """The last member of a group went: its filters are dead."""
        self.heard(group, [], now_ms)

    def _set_dead(self, known: Filter, at_ms: int) -> None:
        if not (known.dead_time and at_ms):
            self._changes += known.dead_time != at_ms
            known.dead_time = at_ms

    def _hear(self, group: str, told: Subscription, now_ms: int) -> None:
        known = self.get(told.topic, group)
        if known and told.sub_version < known.client_version:
            return
        is_same = known is not None and (
            (known.expression, known.expression_type)
            == (told.sub_string, told.expression_type)
        )
        if known and (is_same or told.sub_version == known.client_version):
            known.client_version = told.sub_version
            self._set_dead(known, 0)
            return
        if known:
            del self._filters[group][told.topic]
        self._add(
            Filter(
                group,
                told.topic,
                told.sub_string,
                told.expression_type,
                told.sub_version,
                now_ms,
            )
        )

    def _add(self, one: Filter) -> None:
        self._forget_dead(one.born_time)
        try:
            one.condition  # noqa: B018
        except SqlError as error:
            log.warning(
                "no filter group=%s topic=%s: %s", one.consumer_group, one.topic, error
            )
            return
        if sum(map(len, self._filters.values())) >= self._most:
            log.warning("too many filters group=%s", one.consumer_group)
            return
        self._filters.setdefault(one.consumer_group, {})[one.topic] = one
        self._changes += 1

    def _forget_dead(self, now_ms: int) -> None:
        oldest = now_ms - self._clean_ms
        for group, by_topic in list(self._filters.items()):
            left = {
                topic: one
                for topic, one in by_topic.items()
                if not one.dead_time or one.dead_time >= oldest
            }
            if left:
                self._filters[group] = left
            else:
                del self._filters[group]

    @property
    def state(self) -> object:
        """What differs after every change."""
        return self._changes

    def to_json(self) -> dict[str, Any]:
        """Return the table as in consumerFilter.json, by topic and then by group.

        RocketMQ's has a bloom filter with each, which only enableCalcFilterBitMap uses.
        """
        topics: dict[str, Any] = {}
        for group, by_topic in self._filters.items():
            for topic, one in by_topic.items():
                of_topic = {"groupFilterData": {}, "topic": topic}
                found = topics.setdefault(topic, of_topic)
                found["groupFilterData"][group] = one.to_json()
        return {"filterDataByTopic": topics}

    def load(self, found: Any) -> None:
        """Take over what consumerFilter.json holds; nobody of it was heard yet.

        Raises:
            WireError: it is no consumerFilter.json.
        """
        try:
            topics = found["filterDataByTopic"].values()
            filters = [one for of in topics for one in of["groupFilterData"].values()]
        except (TypeError, KeyError, AttributeError) as error:
            raise WireError(f"no table of filters: {found!r:.200}") from error
        for one in map(Filter.from_json, filters):
            one.dead_time = one.dead_time or one.born_time
            self._filters.setdefault(one.consumer_group, {})[one.topic] = one
        self._changes += 1
