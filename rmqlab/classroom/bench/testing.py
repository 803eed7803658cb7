"""`bench testing`: a RocketMQ for each test, as the fixture `rocketmq` gives it.

fresh      a broker a test, in the test's own process, one after the other
process    `python -m rmqlab.testing`, from its start to the line that it prints
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from rmqlab.classroom.bench.own_process import in_own_process
from rmqlab.classroom.bench.part import BenchError, Better, Measure, Part, Probe, Sizes
from rmqlab.classroom.bench.watch import Watch
from rmqlab.testing import RocketMQ

TOPIC = "orders"
READY_MS, TESTS_S = 100.0, 15.0
TESTS = 50
STORE_BYTES = 1_000_000
COMMAND = [sys.executable, "-m", "rmqlab.testing", "--until-eof"]
END_S = 30


def fresh(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Be so many tests: start a broker, send to it, read that, end it."""
    ready_s, test_s = [], []
    for _ in range(sizes["brokers"]):
        ready, test, store = Watch(), Watch(), folder / "fresh"
        with test.running():
            rocketmq = RocketMQ(store)
            with ready.running():
                rocketmq.start()
            rocketmq.send(TOPIC, "coffee")
            if len(rocketmq.messages(TOPIC)) != 1:
                raise BenchError("what was sent to a fresh broker is not there alone")
            rocketmq.close()
        ready_s.append(ready.seconds)
        test_s.append(test.seconds)
        shutil.rmtree(store)
    return {
        "ready, median": 1000 * statistics.median(ready_s),
        "ready, the slowest": 1000 * max(ready_s),
        f"{TESTS} tests with a broker each": TESTS * statistics.mean(test_s),
    }


def process(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Start a process and wait for its line."""
    watch = Watch()
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as started:
        assert started.stdin is not None
        assert started.stdout is not None
        with watch.running():
            line = started.stdout.readline()
        started.stdin.close()
        if not line or started.wait(END_S):
            raise BenchError("python -m rmqlab.testing did not start, or not end well")
    return {"a process, ready": 1000 * watch.seconds}


PART = Part(
    name="testing",
    about="a name server and a broker for each test, in one process",
    probes=(
        Probe(
            "fresh",
            in_own_process(f"{__name__}:fresh"),
            (
                Measure("ready, median", "ms", Better.LOWER, READY_MS),
                Measure("ready, the slowest", "ms", Better.LOWER),
                Measure(
                    f"{TESTS} tests with a broker each", "s", Better.LOWER, TESTS_S
                ),
            ),
        ),
        Probe("process", process, (Measure("a process, ready", "ms", Better.LOWER),)),
    ),
    sizes={"brokers": TESTS},
    quick={"brokers": 5},
    room=lambda sizes: sizes["brokers"] * STORE_BYTES,
)
