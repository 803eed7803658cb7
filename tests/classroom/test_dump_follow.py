"""Dumps that go on while a store is written: in this process, and as a command."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys

import pytest

from rmqlab.classroom.dump import Look, Range
from tests.classroom.conftest import run
from tests.classroom.dumps import SHELF, SMALL_LOG, overwrite, queue_of
from tests.store.shelf import letters, log_files, opened, record, stop


@pytest.fixture(autouse=True)
def interruptible():
    """Have processes know Ctrl-C, even where the tests run in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def following(path, *options):
    """Run `rmqlab dump … --follow --json` in a process of its own."""
    command = [sys.executable, "-m", "rmqlab.cli", "dump", str(path), *options]
    with subprocess.Popen(
        [*command, "--follow", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def body_of(process):
    return json.loads(process.stdout.readline())["body_start"]


def put(store, *bodies):
    for body in bodies:
        store.put(record(body))
    store.dispatch()


class Script:
    """What happens each time when a follower waits; then it ends."""

    def __init__(self, *acts):
        self.acts = list(acts)

    def __call__(self):
        if not self.acts:
            return False
        self.acts.pop(0)()
        return True


def followed(path, *acts, **chosen):
    """Return the rows of a log or queue while the acts happen, one after the other."""
    look = Look(SHELF, str(path), Range(**chosen))
    return list(look.follow(Script(*acts)))


def shown(rows):
    return [row.facts["body_start"] for row in rows if row.kind == "record"]


def nothing():
    """Do nothing: the follower looks again."""


def test_records_are_shown_as_they_come(tmp_path):
    with opened(tmp_path) as store:
        put(store, b"a")
        found = followed(
            tmp_path / "commitlog",
            lambda: put(store, b"b"),
            nothing,
            lambda: put(store, b"c", b"d"),
        )
    assert shown(found) == ["a", "b", "c", "d"]


def test_a_log_is_followed_from_file_to_file(tmp_path):
    with opened(tmp_path, mapped_file_size_commit_log=SMALL_LOG) as store:
        put(store, b"first")
        acts = [lambda: put(store, bytes(1500)) for _ in range(5)]
        found = followed(tmp_path / "commitlog", *acts)
    assert len(shown(found)) == 6
    assert len({row.file for row in found}) == 3


def test_of_a_single_file_the_end_is_the_end(tmp_path):
    def never():
        pytest.fail("nothing can come to a full file")

    stop(tmp_path, *letters(bytes(60)), mapped_file_size_commit_log=SMALL_LOG)
    assert followed(log_files(tmp_path)[0], never)[-1].kind == "blank"


def test_a_queues_entries_are_shown_as_they_come(tmp_path):
    with opened(tmp_path) as store:
        put(store, b"a")
        found = followed(queue_of(tmp_path), lambda: put(store, b"b"))
    assert [row.facts["queue_offset"] for row in found] == [0, 1]


def test_an_indexs_entries_are_shown_as_they_come_after_its_header(tmp_path):
    def put_key(store, key):
        store.put(record(properties=b"KEYS\x01" + key))
        store.dispatch()
        store.index.save()

    shape = {"max_hash_slot_num": 50, "max_index_num": 200}
    with opened(tmp_path, **shape) as store:
        put_key(store, b"k1")
        found = followed(
            tmp_path / "index", lambda: put_key(store, b"k2 k3"), nothing, last=1
        )
    assert [row.kind for row in found] == ["index_header"] + ["index_entry"] * 3


def test_a_follower_may_have_enough_after_a_count(tmp_path):
    with opened(tmp_path) as store:
        put(store, b"a")
        found = followed(
            tmp_path / "commitlog",
            lambda: put(store, b"b", b"c"),
            lambda: pytest.fail("it has enough"),
            count=2,
        )
    assert shown(found) == ["a", "b"]


def test_what_is_half_written_is_waited_for(tmp_path):
    stop(tmp_path, *letters(b"ab"))
    (file,) = log_files(tmp_path)
    whole = file.read_bytes()[:196]
    at = 150  # within the second record
    overwrite(file, at, bytes(len(whole) - at))
    found = followed(
        tmp_path / "commitlog", lambda: overwrite(file, at, whole[at:]), nothing
    )
    assert shown(found) == ["a", "b"]
    assert not any(row.is_damage for row in found)


def test_what_stays_damaged_is_damage_and_the_end(tmp_path):
    stop(tmp_path, *letters(b"ab"))
    overwrite(log_files(tmp_path)[0], 4, b"none")
    found = followed(tmp_path / "commitlog", nothing, lambda: pytest.fail("enough"))
    assert [row.kind for row in found] == ["damage"]


def test_files_that_the_broker_removes_meanwhile_are_not_missed(tmp_path):
    with opened(tmp_path, mapped_file_size_commit_log=SMALL_LOG) as store:
        put(store, bytes(3900), b"in the second")
        first = log_files(tmp_path)[0]
        found = followed(
            tmp_path / "commitlog", first.unlink, lambda: put(store, b"later")
        )
    assert shown(found)[1:] == ["in the second", "later"]
    assert not any(row.is_damage for row in found)


@pytest.mark.parametrize("path", ["checkpoint", "", "abort"])
def test_what_does_not_grow_cannot_be_followed(tmp_path, path):
    stop(tmp_path, *letters(b"ab"))
    (tmp_path / "abort").touch()
    done = run("dump", str(tmp_path / path), "--follow")
    assert done.exit_code == 1
    assert "follow" in done.stderr


# As a command


def test_the_command_shows_what_comes_until_ctrl_c(tmp_path):
    with opened(tmp_path) as store:
        put(store, b"a", b"b")
        with following(tmp_path / "commitlog", "--last", "1") as process:
            assert body_of(process) == "b"
            put(store, b"c")
            assert body_of(process) == "c"
            process.send_signal(signal.SIGINT)
            rest, said = process.communicate()
    assert (process.returncode, rest, said) == (0, "", "")


def test_the_command_ends_when_nobody_reads_any_more(tmp_path):
    with opened(tmp_path) as store:
        put(store, b"a")
        with following(tmp_path / "commitlog") as process:
            assert body_of(process) == "a"
            process.stdout.close()
            said = process.stderr.read()  # nothing new comes, and it ends even so
            assert process.wait() == 0
    assert said == ""


def test_a_long_dump_ends_quietly_when_its_reader_has_enough(tmp_path):
    stop(tmp_path, *(record(bytes(10)) for _ in range(2000)))
    with subprocess.Popen(
        [sys.executable, "-m", "rmqlab.cli", "dump", str(tmp_path), "--all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_a_running_brokers_store_is_dumped_while_it_writes(one_master):
    files = one_master.store("broker-a")
    with one_master.producer() as producer:
        producer.send("orders", "one coffee")
        with following(files.root / "commitlog", "--last", "1") as process:
            assert body_of(process) == "one coffee"
            for number in range(50):
                producer.send("orders", f"{number}")
            assert [body_of(process) for _ in range(50)] == [*map(str, range(50))]
    done = run("dump", str(files.root), "--json")
    assert done.exit_code == 0, done.output
    assert one_master.node("broker-a").is_alive


def test_damage_ends_the_command_with_exit_code_one(tmp_path):
    stop(tmp_path, *letters(b"ab"))
    overwrite(log_files(tmp_path)[0], 4, b"none")
    with following(tmp_path / "commitlog") as process:
        told, _ = process.communicate()
    assert process.returncode == 1
    assert json.loads(told)["kind"] == "damage"
