"""Exercise 11: a disk that is full."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from rmqlab.classroom.checks import Exercise, fail
from rmqlab.classroom.checks.alone import ROOT, Alone
from rmqlab.classroom.grading.trial import Trial
from rmqlab.classroom.simulated.lab import MachineShelf, SimLab
from rmqlab.classroom.verbs import Table
from rmqlab.config import Property, read
from rmqlab.errors import ConfigError, DiskFull
from rmqlab.settings import ClientConfig, StoreConfig
from rmqlab.sim.machine import Machine
from rmqlab.store.retention import hours_of

EXERCISE = Exercise("11_fix_disk_full", topology="1m", runtime="sim")

GIVEN = {
    "deleteWhen": "04",
    "fileReservedTime": "120",
    "diskMaxUsedSpaceRatio": "88",
    "cleanFileForciblyEnable": "false",
}
"""The article's own values; the last one somebody added."""
DUMP, DATABASE = "/usr/local/rocketmq/java_pid4711.hprof", "/var/lib/shop/shop.db"
DISK_BYTES, DUMP_SHARE, DATABASE_SHARE = 4_000_000, 0.42, 0.05
HOUR_BYTES, HOURS_A_FILE = (30_000, 44_000), 4
"""What an hour brings, as one message; a day's hours are alike."""
DAYS, STAY_H, SEEDS = 10, 48, 4
FOUND_FULL = 0.91
HOUR_S, FIRST_LOOK_S = 3600.0, 70.0

RATIOS = (88, 70)
LIMITS = ("old", "young", "refused")
NEAR = (0.3, 0.9)
"""How many percent below and above a limit it is tried."""


def found() -> SimLab:
    """Return the cluster as it was found, to be looked into: its sends are refused."""
    small = {"mappedFileSizeCommitLog": f"{HOURS_A_FILE * HOUR_BYTES[1]}"} | {
        "maxHashSlotNum": "10", "maxIndexNum": "1000",
    }  # fmt: skip
    cluster = SimLab.up("1m", name=EXERCISE.id, settings=GIVEN | small)
    cluster.client_config = ClientConfig(compress_msg_body_over_howmuch=DISK_BYTES)
    machine, sender = cluster.crew.machine("host1"), cluster.producer()
    put_foreign_files(machine)
    while machine.disk.used_bytes < DISK_BYTES * FOUND_FULL:
        sender.send("orders", "." * HOUR_BYTES[0])
    machine.disk.capacity_bytes = DISK_BYTES
    cluster.run(FIRST_LOOK_S)
    return cluster


def put_foreign_files(machine: Machine) -> None:
    """Put what is not the store's on a machine's disk."""
    for path, share in ((DATABASE, DATABASE_SHARE), (DUMP, DUMP_SHARE)):
        size, process = int(DISK_BYTES * share), machine.process("another")
        process.disk.open(path, size).write(0, b"x" * size)
        process.end()


def files_of(cluster: SimLab) -> Table:
    """Return the files of the broker's machine, the largest first."""
    disk = cluster.crew.machine("host1").disk
    shelf = MachineShelf(disk)
    sizes = sorted(((shelf.on_disk(path), path) for path in disk.files), reverse=True)
    rows = [(path, f"{size / DISK_BYTES:.1%}") for size, path in sizes]
    return Table(("file", "of the disk"), rows)


# ── the limits ────────────────────────────────────────────────────────────────


@EXERCISE.check(points=3)
def the_limits_are_known(see: Trial) -> None:
    """You know above how much old files go, young files go, and sends are refused."""
    limits = see.answer("limits", dict, "a dictionary: ratio → (old, young, refused)")
    for ratio in RATIOS:
        given = tuple(map(float, limits[ratio]))
        for what, percent in zip(LIMITS, given, strict=True):
            near = Random(f"{what}/{see.seed}").uniform(*NEAR)  # noqa: S311
            seen = [happens(what, ratio, percent + by) for by in (-near, near)]
            if seen != [False, True]:
                found = "already" if seen[0] else "not even"
                by = -near if seen[0] else near
                fail(
                    expected=f"diskMaxUsedSpaceRatio={ratio}: {WORDS[what]} above "
                    f"{percent:g} %",
                    found=f"{found} at {percent + by:.1f} %",
                    why="three limits, and only one of them is a setting; who moves "
                    "that one above the second moves the second, too",
                    next_step="read the picture at the head of "
                    "rmqlab/store/retention.py, and the line below it",
                    reproduce=see.reproduce,
                )


WORDS = {"old": "old files go", "young": "young files go", "refused": "sends refused"}


def happens(what: str, ratio: int, percent: float) -> bool:
    """Return whether it happens when the disk is so full, outside of deleteWhen."""
    config = config_of({"diskMaxUsedSpaceRatio": f"{ratio}", "fileReservedTime": "72"})
    config.delete_when = "23"
    with Alone(config, seed=0) as alone:
        alone.open()
        alone.put(HOUR_BYTES[0])
        while len(alone.store.log.files.file_starts) == 1:
            alone.put(HOUR_BYTES[0])
        alone.simulation.run((73 if what == "old" else 1) * HOUR_S)
        alone.disk.capacity_bytes = alone.disk.used_bytes / (percent / 100)
        cleaning = alone.cleaning()
        alone.do(cleaning.step())
        if what == "refused":
            return alone.store.is_disk_full
        return alone.store.log.start > 0


# ── ten days ──────────────────────────────────────────────────────────────────


@dataclass
class Life:
    """What ten days with an answer brought; the first time of each is enough."""

    refused: str = ""
    """When a send was refused, and how full the disk was."""
    lost: str = ""
    """What was not there although it had to be."""


def lived(removed: list[str], settings: dict[str, str], seed: int) -> Life:
    """Remove files, start the broker with these settings, and let ten days pass.

    Raises:
        ConfigError: the settings cannot be used.
    """
    life, dice, size = Life(), Random(seed), 0  # noqa: S311
    with incident(seed) as alone:
        for path in removed:
            alone.disk.files.pop(path, None)
        alone.config = config_of(settings)
        alone.open()
        cleaning = alone.cleaning()
        for hour in range(DAYS * 24):
            size = size if hour % 24 else dice.randint(*HOUR_BYTES)
            alone.clean(cleaning)
            when = f"day {hour // 24 + 1}, {hour % 24:02}:00"
            life.refused = life.refused or _send(alone, size, when)
            life.lost = life.lost or _too_young(alone, when)
            alone.simulation.run(HOUR_S)
    return life


def incident(seed: int) -> Alone:
    """Return the store as the incident left it: its broker stopped, the disk full."""
    alone = Alone(config_of(GIVEN), seed)
    put_foreign_files(alone.machine)
    alone.open()
    while alone.disk.used_bytes < DISK_BYTES * FOUND_FULL:
        alone.put(HOUR_BYTES[0])
        alone.simulation.run(HOUR_S)
    alone.stop()
    alone.disk.capacity_bytes = DISK_BYTES
    return alone


def config_of(settings: dict[str, str]) -> StoreConfig:
    """Return a store's settings, with files small enough for this exercise.

    Raises:
        ConfigError: one has no effect.
    """
    config = StoreConfig(
        mapped_file_size_commit_log=HOURS_A_FILE * HOUR_BYTES[1],
        mapped_file_size_consume_queue=4000,
        max_hash_slot_num=10,
        max_index_num=1000,
    )
    lines = [Property(key, str(value), 0) for key, value in settings.items()]
    for problem in read(lines, config):
        raise ConfigError(f"{problem.key}={problem.value}: {problem.what}")
    return config


def _send(alone: Alone, size: int, when: str) -> str:
    """Send this hour's message; return why it is refused, if it is."""
    try:
        is_stored = alone.put(size)
    except DiskFull as error:
        return f"{when}: {error}"
    return "" if is_stored else f"{when}: the disk is {alone.disk.used_ratio:.0%} full"


def _too_young(alone: Alone, when: str) -> str:
    """Return the youngest message that is gone, if it should be there."""
    gone_ms = alone.stored_ms[: alone.first_served][-1:]
    age_h = (alone.now_ms - max(gone_ms, default=0)) / HOUR_S / 1000
    return f"{when}: a message {age_h:.0f} hours old is gone" if age_h < STAY_H else ""


def _settings(see: Trial) -> dict[str, str]:
    """Return the settings that were answered, all of them sound."""
    settings = see.answer("settings", dict, "a dictionary: key → value")
    try:
        unknown = ", ".join(map(str, settings.keys() - GIVEN.keys()))
        problem = f"{unknown}: not asked for" if unknown else ""
        hours_of(config_of(settings).delete_when)
    except ConfigError as error:
        problem = str(error)
    if problem:
        fail(
            expected=f"settings: values for {', '.join(GIVEN)}",
            found=problem,
            why="RocketMQ drops a key that it does not know, and a value that does not "
            "parse, without a word",
            next_step="write these four as the broker's file has them",
            reproduce=see.reproduce,
        )
    return GIVEN | settings


def _removed(see: Trial) -> list[str]:
    """Return the files that were to go, none of them anybody else's."""
    removed = see.answer("remove", list, "a list of paths, empty if none is to go")
    for path in removed:
        whose = "the store" if str(path).startswith(ROOT) else "the shop"
        if path != DUMP:
            fail(
                expected="remove: files that nobody needs, and that are there",
                found=f"{path!r}: it is {whose}'s, or not there"[:200],
                why="a store's files are removed by its broker, oldest first, so that "
                "log, queues and index still agree; a database by nobody",
                next_step="list the files by size, and ask of each what wrote it and "
                "who would miss it",
                reproduce=see.reproduce,
            )
    return removed


@EXERCISE.check(points=3)
def sends_go_on(see: Trial) -> None:
    """With your settings, on the disk that you left, no send is refused in ten days."""
    settings, removed = _settings(see), _removed(see)
    for seed in see.seeds(SEEDS):
        if refused := lived(removed, settings, seed).refused:
            fail(
                expected="every send stored, for ten days",
                found=f"refused on {refused} (seed {seed})",
                why="what is not old yet stays, and the disk fills up; above 90 % a "
                "broker takes nothing, whoever filled the disk",
                next_step="work out how many hours of messages fit, beside what else "
                "lies there, below diskMaxUsedSpaceRatio; an hour brings up to 1.1 %",
                reproduce=see.reproduce,
            )


@EXERCISE.check(points=4)
def what_must_stay_stays(see: Trial) -> None:
    """In these ten days no message goes that is younger than 48 hours."""
    removed, settings = _removed(see), _settings(see)
    for seed in see.seeds(SEEDS):
        life = lived(removed, settings, seed)
        if life.lost or life.refused:
            never = f"what came on {life.refused}: that was never taken"
            fail(
                expected=f"every message taken, and there for {STAY_H} hours",
                found=f"{life.lost or never} (seed {seed})",
                why="fileReservedTime says how old is old; and where the disk is fuller"
                " than 85 %, a broker that may cleans forcibly: the oldest goes, old "
                "or not",
                next_step="keep messages for as long as they must stay, and see to it "
                "that the disk has room for that",
                reproduce=see.reproduce,
            )
