"""What went through a broker by topic and by group, in a minute, an hour, a day.

    TOPIC_PUT_NUMS, TOPIC_PUT_SIZE                    topic
    GROUP_GET_NUMS, GROUP_GET_SIZE, SNDBCK_PUT_NUMS   topic@group
    BROKER_PUT_NUMS, BROKER_GET_NUMS                  the cluster's name

Counting is one addition.  Every ten seconds all counters are looked at; a rate is that
between the oldest and the newest look of the last minute (hour, day), so it is up to
ten seconds (ten minutes, an hour) old.

Not here: how long a get takes (nothing here waits), how far a group is behind the log
(RocketMQ counts it, and no request can ask for it).

Source: BrokerStatsManager.java, StatsItem.java, release 4.9.7.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

SAMPLE_MS = 10_000
MOST_COUNTERS = 10_000
"""More are not counted; one that stands still for a day makes room."""


class Span(NamedTuple):
    """What a look is taken for: its answer's name, how often, how many are kept."""

    name: str
    every: int
    """In samples."""
    kept: int


MINUTE = Span("statsMinute", 1, 7)
HOUR = Span("statsHour", 60, 7)
DAY = Span("statsDay", 360, 25)
SPANS = (MINUTE, HOUR, DAY)


class Look(NamedTuple):
    """A counter as it was at a time."""

    at_ms: int
    value: int
    times: int


class Rate(NamedTuple):
    """What was counted over a span: in all, a second, and each time."""

    sum: int = 0
    tps: float | None = 0.0
    avgpt: float = 0.0

    @classmethod
    def between(cls, first: Look, last: Look) -> Rate:
        """Return what came between two looks; no rate where no time has passed."""
        total, times = last.value - first.value, last.times - first.times
        passed_ms = last.at_ms - first.at_ms
        return cls(
            total,
            total * 1000 / passed_ms if passed_ms else None,
            total / times if times else 0.0,
        )


class Counter:
    """One value that only grows, and what it was at earlier times."""

    __slots__ = ("looks", "times", "value")

    def __init__(self) -> None:
        self.value = self.times = 0
        self.looks: tuple[deque[Look], ...] = tuple(
            deque(maxlen=one.kept) for one in SPANS
        )

    def look(self, place: int, now_ms: int) -> None:
        """Keep what it is now; before the first look it was 0, a sample earlier."""
        looks = self.looks[place]
        if not looks:
            looks.append(Look(now_ms - SPANS[place].every * SAMPLE_MS, 0, 0))
        looks.append(Look(now_ms, self.value, self.times))

    def rate(self, place: int) -> Rate:
        """Return what came over a span."""
        looks = self.looks[place]
        return Rate.between(looks[0], looks[-1]) if looks else Rate()

    @property
    def is_idle(self) -> bool:
        """Whether nothing came for as long as anybody could ask for."""
        looks = self.looks[-1]
        is_full = len(looks) == looks.maxlen
        return is_full and looks[0].value == self.value


class Stats:
    """All counters of a broker, by name and key."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._counters: dict[tuple[str, str], Counter] = {}
        self._samples = 0

    def __len__(self) -> int:
        """Return how many counters there are."""
        return len(self._counters)

    def add(self, name: str, key: str, value: int, times: int = 1) -> None:
        """Count `value` more, that came in `times` parts."""
        counter = self._counters.get((name, key))
        if counter is None:
            if len(self._counters) >= MOST_COUNTERS:
                return
            counter = self._counters[name, key] = Counter()
        counter.value += value
        counter.times += times

    def put(self, topic: str, messages: int, size: int) -> None:
        """Count messages that were sent to a topic; `size` in bytes, as in the log."""
        self.add("TOPIC_PUT_NUMS", topic, messages)
        self.add("TOPIC_PUT_SIZE", topic, size)
        self.add("BROKER_PUT_NUMS", self._cluster, messages, 0)

    def got(self, group: str, topic: str, messages: int, size: int) -> None:
        """Count messages that a group was given; `size` in bytes."""
        key = f"{topic}@{group}"
        self.add("GROUP_GET_NUMS", key, messages)
        self.add("GROUP_GET_SIZE", key, size)
        self.add("BROKER_GET_NUMS", self._cluster, messages, 0)

    def sent_back(self, group: str, topic: str) -> None:
        """Count a message that a group could not consume."""
        self.add("SNDBCK_PUT_NUMS", f"{topic}@{group}", 1)

    def sample(self, now_ms: int) -> None:
        """Look at all counters; to be called every ten seconds."""
        due = [n for n, one in enumerate(SPANS) if self._samples % one.every == 0]
        self._samples += 1
        for key, counter in list(self._counters.items()):
            for place in due:
                counter.look(place, now_ms)
            if counter.is_idle:
                del self._counters[key]

    def get_tps(self, group: str, topic: str) -> float:
        """Return how many messages a second a group was given in the last minute."""
        counter = self._counters.get(("GROUP_GET_NUMS", f"{topic}@{group}"))
        return (counter.rate(0).tps or 0.0) if counter else 0.0

    def to_json(self, name: str, key: str) -> dict[str, Any] | None:
        """Return a counter's rates as VIEW_BROKER_STATS_DATA answers; None without it.

        A rate that cannot be told is null, as fastjson writes it.
        """
        counter = self._counters.get((name, key))
        if counter is None:
            return None
        rates = {one.name: counter.rate(n) for n, one in enumerate(SPANS)}
        return {
            span: {"avgpt": one.avgpt, "sum": one.sum, "tps": one.tps}
            for span, one in sorted(rates.items())
        }
