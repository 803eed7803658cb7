"""Histories: what clients were told and given, judged by what each mode promises.

    events of a trace ──► facts ──► faults ──► rules ──► verdict
                          told, given, logs    stored    findings and counts
                                               copies
                                               given

`check` takes the events of `rmqlab.classroom.trace`, a `log` event of every store at
the end among them, and names the first event that broke a promise.  It knows what may
be lost, and says why; it tells a refusal, which is definite, from silence.

Reading order: `verdict` (the list of promises), `facts`, `faults`, then the rules.

    turns      another judge, of groups whose listeners take their time and fail

Not here: how events come about (`trace`), which histories to look at
(`simulated.campaign`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from rmqlab.classroom.history.copies import copies, given_early
from rmqlab.classroom.history.facts import NOT_STORED, Facts
from rmqlab.classroom.history.faults import Faults
from rmqlab.classroom.history.given import Rules, given
from rmqlab.classroom.history.stored import stored
from rmqlab.classroom.history.verdict import (
    PROMISES,
    Event,
    Finding,
    Verdict,
    in_order,
)
from rmqlab.classroom.trace import BadTrace

__all__ = ["PROMISES", "Event", "Finding", "Verdict", "check"]


def check(events: Iterable[Event]) -> Verdict:
    """Return what a history shows.

    Raises:
        BadTrace: its first line is missing: there the nodes are told.
    """
    facts = Facts(events)
    if not facts.nodes:
        raise BadTrace(
            "a history begins with its trace's first line, which names the nodes: "
            "give `check` the recorder's `first`, too"
        )
    faults = Faults(facts)
    rules = (stored(facts, faults), copies(facts, faults), given(facts, faults))
    verdict = Verdict(in_order(itertools.chain(*rules, _opaque(facts))))
    verdict.outcomes.update(told.outcome for told in facts.told)
    verdict.given = len(facts.given)
    verdict.early_given = given_early(facts)
    verdict.waiting = Rules(facts, faults).waiting()
    verdict.silence_s = _silence_s(facts)
    return verdict


def _opaque(facts: Facts) -> Iterator[Finding]:
    """Look for two requests of one number on one connection; one-way, none cares."""
    seen: set[tuple[object, ...]] = set()
    for index, event in facts.requests:
        if event.get("oneway"):
            continue
        use = event.get("connection"), event["node"], event.get("opaque")
        if use in seen:
            why = f"{event['node']} used number {use[2]} twice for {event.get('peer')}"
            yield Finding("opaque", True, index, event, "", why)
        seen.add(use)


def _silence_s(facts: Facts) -> float:
    """Return the longest time without an acknowledgement, while something was sent."""
    sent = [facts.at_s(index) for index in facts.sent.values()]
    kept = [one.index for one in facts.told if one.outcome not in NOT_STORED]
    if not sent:
        return 0.0
    times = [min(sent), *map(facts.at_s, kept)]
    times.append(max([*times, *sent]))
    return max(after - before for before, after in itertools.pairwise(times))
