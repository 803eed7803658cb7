"""Exercise 14: two applications in one consumer group."""

from __future__ import annotations

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.grading.witness import Witness

EXERCISE = Exercise("14_fix_subscription_conflict", topology="1m")

SENT = {"orders": 40, "refunds": 24}
"""By topic, how many messages were sent."""
APPLICATIONS = {"billing": "orders", "paying-back": "refunds"}
"""By application, what it is for."""


@EXERCISE.check(points=3)
def each_application_has_a_group_of_its_own(see: Witness) -> None:
    """The two applications belong to different consumer groups."""
    groups = _groups(see)
    if sorted(groups) != sorted(APPLICATIONS) or len(set(groups.values())) != 2:
        fail(
            expected=f"two different groups for {sorted(APPLICATIONS)}",
            found=f"{groups}",
            why="all members of a group must want the same: they share its queues "
            "among themselves, and the broker keeps one subscription a group",
            next_step="give each application a group name of its own",
            reproduce=see.look("topicStatus", see.topic("orders")),
        )


@EXERCISE.check(points=4)
def everything_is_consumed_by_who_is_to(see: Witness) -> None:
    """Each application has consumed all messages of its topic, and is at its end."""
    groups = _groups(see)
    found = {
        application: sum(
            see.offsets("broker-a", groups.get(application, ""), topic).values()
        )
        for application, name in APPLICATIONS.items()
        for topic in [see.topic(name)]
    }
    wanted = {name: SENT[topic] for name, topic in APPLICATIONS.items()}
    if found != wanted:
        fail(
            expected=f"consumed: {wanted}",
            found=f"consumed: {found}",
            why="queues are shared out among all members of a group, also to those "
            "who do not want the topic: nobody reads their share",
            next_step="see who is in the group, and what each of them subscribes to: "
            "mqadmin consumerConnection",
            reproduce=see.look("topicStatus", see.topic("orders")),
        )


@EXERCISE.check(points=3)
def nobody_is_given_what_is_not_his(see: Witness) -> None:
    """No group has consumed anything of the other's topic."""
    groups = _groups(see)
    strays = {
        application: see.offsets("broker-a", group, see.topic(topic))
        for application, group in groups.items()
        for topic in SENT
        if topic != APPLICATIONS.get(application)
    }
    if any(any(one.values()) for one in strays.values()) or not strays:
        fail(
            expected="no offset of a group in the other application's topic",
            found=f"{strays}",
            why="a group that has consumed a message has it for good: the other "
            "application will never see it",
            next_step="let each application subscribe to its own topic only",
            reproduce=see.look("topicStatus", see.topic("refunds")),
        )


def _groups(see: Witness) -> dict[str, str]:
    """Return the groups that were answered, by application."""
    found = see.answers().get("groups", {})
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
