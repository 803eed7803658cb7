"""Each strategy gives each member here what it gives it in the real client."""

from __future__ import annotations

import subprocess
from random import Random

from rmqlab.client import allocate
from rmqlab.protocol.message import MessageQueue
from tests.interop import jars

CASES = 2_000
ROOMS = ["east", "west", "north"]


def room_of(name):
    return name.partition("@")[0]


def nearby(inner):
    return allocate.machine_room_nearby(
        inner, lambda queue: room_of(queue.broker_name), room_of
    )


def strategies(queues):
    """Return ours by the names that java/AllocateLines.java knows theirs by."""
    return {
        "averagely": allocate.averagely,
        "circle": allocate.by_circle,
        "config": allocate.by_config(queues[:1]),
        "hash": allocate.by_consistent_hash(),
        "room": allocate.by_machine_room({"east", "west"}),
        "nearby-averagely": nearby(allocate.averagely),
        "nearby-hash": nearby(allocate.by_consistent_hash()),
    }


def case(random):
    """Make up queues, members and who asks, who is sometimes not among them."""
    names = {random.choice(ROOMS) + random.choice("@@@-") + one for one in "abc"}
    queues = sorted(
        MessageQueue(random.choice(["orders", "ORDERS"]), name, number)
        for name in names
        for number in range(random.randint(1, 8))
    )
    ids = [f"{random.choice(ROOMS)}@{random.randrange(100)}" for _ in range(7)]
    members = sorted(set(ids[: random.randint(1, 7)]))
    return random.choice([*members, "east@absent"]), queues, members


def written(queues):
    return " ".join(":".join(map(str, queue)) for queue in queues)


def test_every_strategy_shares_out_as_the_real_client_does():
    real, random = jars.release("4.9.7"), Random(8)
    cases = [
        (name, one)
        for one in (case(random) for _ in range(CASES))
        for name in strategies(one[1])
    ]
    done = subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-cp", real.class_path, "AllocateLines"],
        input="\n".join(
            "\t".join([name, own_id, written(queues), " ".join(members)])
            for name, (own_id, queues, members) in cases
        ),
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    theirs = done.stdout.split("\n")
    others = [
        (name, one, answer)
        for (name, one), answer in zip(cases, theirs[:-1], strict=True)
        if written(strategies(one[1])[name](*one)) != answer
    ]
    assert others == []
    assert len(set(theirs)) > CASES
