"""A simulated machine's disk: what reads see, and what is left after which end."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from rmqlab.errors import DiskFull, StoreError, StoreLocked
from rmqlab.protocol.record import encode, size_of
from rmqlab.sim import disk as simulated_disk
from rmqlab.sim.machine import Simulation
from rmqlab.store.real_disk import RealDisk
from tests.store.shelf import NOW_MS, bodies, entries, make_store, record

PAGE, SECTOR, GIB = 4096, 512, 1 << 30
ROOT = "/data/store"
LOG = f"{ROOT}/commitlog/{0:020d}"
QUEUE = f"{ROOT}/consumequeue/orders/0/{0:020d}"
TABLE = f"{ROOT}/config/topics.json"
ALL_KEPT, ALL_LOST, ALL_TORN = (1.0, 0.0), (0.0, 0.0), (0.0, 1.0)


class Rig:
    """A machine, and a process on it that uses its disk."""

    def __init__(self, seed: int = 0) -> None:
        self.simulation = Simulation(seed)
        self.machine = self.simulation.machine("one", "10.0.0.1")
        self.disk = self.machine.disk
        self.told = []
        self.simulation.timeline.observers.append(self._note)
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.simulation.close()

    def _note(self, at_s, kind, facts):
        self.told.append((kind, facts))

    def start(self):
        """Have a new process use the disk from now on."""
        self.process = self.machine.process("broker")
        self.mount = self.process.disk

    def kill(self):
        self.process.kill()
        self.start()

    def crash(self):
        """Have the machine crash and boot; return by path what was lost."""
        already = len(self.told)
        self.machine.crash()
        self.machine.boot()
        self.start()
        losses = [facts for kind, facts in self.told[already:] if kind == "lost"]
        return {one["path"]: (one["lost"], one["torn"]) for one in losses}

    def do(self, work):
        return self.simulation.complete(self.process, work)

    def open(self, path=LOG, size=8 * PAGE):
        return self.mount.open(path, size)

    def content(self, path=LOG):
        """Return what a file has in it; None where there is none."""
        is_there = self.mount.size(path) is not None
        return self.open(path).read(0, GIB) if is_there else None

    def store(self, *records, **settings):
        """Open a store and put messages; nothing is flushed."""
        store = make_store(ROOT, self.mount, **settings)
        store.found = store.open()
        for one in records:
            store.put(one)
        store.dispatch()
        return store


@pytest.fixture
def rig():
    with Rig() as made:
        yield made


@pytest.fixture
def mood(monkeypatch):
    """Decide what crashes do to pages."""

    def decide(*moods):
        monkeypatch.setattr(simulated_disk, "MOODS", moods)

    return decide


def letters(count, size=600):
    """Return messages; some of them lie across two pages."""
    return [
        record(bytes([97 + n % 26]) * size, store_timestamp=NOW_MS + n)
        for n in range(count)
    ]


# What a process sees


def test_a_new_file_has_its_size_and_zeroes_and_takes_no_room(rig):
    file = rig.open(size=GIB)
    assert file.size == rig.mount.size(LOG) == GIB
    assert file.read(GIB - 3, 10) == bytes(3)
    assert rig.disk.used_bytes == 0
    file.write(GIB // 2, b"coffee")
    assert rig.disk.used_bytes == PAGE


def test_what_was_written_is_read_and_nothing_else_changes(rig):
    file, data = rig.open(), bytes(range(1, 256)) * 40
    file.write(PAGE - 10, data)
    assert file.read(0, GIB) == (bytes(PAGE - 10) + data).ljust(8 * PAGE, b"\0")
    assert file.read(8 * PAGE, 10) == file.read(9 * PAGE, 10) == b""


def wait_until_flushed(real):
    """Return once the disk's thread has flushed what it was given."""
    real._flusher.submit(int).result()


def test_the_simulated_disk_answers_as_the_real_one_does(tmp_path, rig):
    dice, real = Random(4), RealDisk()

    def act(disk, verb, path, offset, data):
        file, found = disk.open(path, 20_000), None
        match verb:
            case "read":
                found = file.size, file.read(offset, 9000)
            case "write":
                file.write(offset, data)
            case "cut":
                file.cut(offset)
            case "remove":
                disk.remove(path)
            case "replace":
                disk.replace_text(f"{path}.json", data.hex())
                wait_until_flushed(real)
            case "names":
                names = disk.names(path.rpartition("/")[0])
                found = names, [disk.size(f"{tmp_path}/a/{one}") for one in names]
            case "text":
                found = [disk.read_text(f"{path}.{end}") for end in ("json", "txt")]
        file.close()
        return found

    verbs = ("read", "write", "cut", "remove", "replace", "names", "text")
    for _ in range(600):
        path, data = f"{tmp_path}/{dice.choice('ab')}/log", dice.randbytes(9000)
        size = dice.choice((0, 1, 500, 9000))
        step = dice.choice(verbs), path, dice.randrange(11_000), data[:size]
        assert act(rig.mount, *step) == act(real, *step)
    real.close()


def test_a_file_has_no_names_in_it_and_what_is_not_there_has_nothing(rig):
    rig.open()
    assert rig.mount.names("/data") == rig.mount.names("/data/") == ["store"]
    assert rig.mount.names("/") == ["data"]
    assert rig.mount.names("/dat") == []
    assert rig.mount.size(ROOT) is None
    with pytest.raises(StoreError, match=rf"cannot list {LOG}: Not a directory"):
        rig.mount.names(LOG)


def test_a_write_beyond_a_files_end_is_an_error_and_changes_nothing(rig):
    file = rig.open(size=100)
    with pytest.raises(StoreError, match=f"cannot write {LOG} at byte 95: File too l"):
        file.write(95, b"coffee")
    assert file.read(0, 100) == bytes(100)


def test_two_processes_see_the_same_files_and_one_of_them_has_the_lock(rig):
    rig.open().write(0, b"coffee")
    other = rig.machine.process("other").disk
    held = rig.mount.lock(f"{ROOT}/lock")
    assert other.open(LOG, 0).read(0, 6) == b"coffee"
    for mount in (rig.mount, other):
        with pytest.raises(StoreLocked, match="Lock failed,MQ already started"):
            mount.lock(f"{ROOT}/lock")
    held.release()
    other.lock(f"{ROOT}/lock")
    assert rig.mount.read_text(f"{ROOT}/lock") == "lock"


# Flushing


def test_flushes_take_their_time_and_are_served_one_after_the_other(rig):
    rig.disk.flush_s = 0.25
    ended = {}

    async def flush(name):
        await rig.open(name).flush()
        ended[name] = rig.simulation.now_s

    async def flush_all():
        await asyncio.gather(*(flush(name) for name in "abc"))
        rig.disk.flush_s = 2.0
        await flush("slow")

    rig.do(flush_all())
    assert ended == {"a": 0.25, "b": 0.5, "c": 0.75, "slow": 2.75}


def test_what_is_written_during_a_flush_is_not_flushed(rig, mood):
    mood(ALL_LOST)
    file = rig.open()

    async def flush():
        file.write(0, b"before")
        flushing = asyncio.ensure_future(file.flush())
        await asyncio.sleep(0)
        file.write(0, b"during")
        file.write(PAGE, b"during")
        await flushing

    rig.do(flush())
    assert file.read(0, 6) == b"during"
    assert rig.crash() == {LOG: ([0, PAGE], [])}
    assert rig.content().rstrip(b"\0") == b"before"


def test_a_crash_during_a_flush_may_leave_any_part_of_it():
    found = set()
    for seed in range(60):
        with Rig(seed) as rig:
            file = rig.open()
            file.write(0, b"old")
            rig.do(file.flush())
            file.write(0, b"new")
            rig.process.start(file.flush())
            rig.simulation.run(0.0005)
            file.write(0, b"now")
            rig.crash()
            found.add(rig.content()[:3])
    assert found == {b"old", b"new", b"now"}


def test_the_flush_of_a_dead_machine_says_nothing_of_the_next_start(rig, mood):
    mood(ALL_LOST)
    file = rig.open()
    file.write(0, b"old")
    rig.process.start(file.flush())
    rig.simulation.run(0.0005)
    rig.crash()
    file = rig.open()
    file.write(0, b"new")
    rig.simulation.run(1)  # the old flush's end is past
    assert rig.crash() == {LOG: ([0], [])}


def test_a_flush_that_nobody_awaits_any_more_still_is_one(rig, mood):
    mood(ALL_LOST)
    file = rig.open()
    file.write(0, b"coffee")

    async def hurry():
        async with asyncio.timeout(0.0001):
            await file.flush()

    with pytest.raises(TimeoutError):
        rig.do(hurry())
    rig.simulation.run(1)
    assert rig.crash() == {}
    assert rig.content()[:6] == b"coffee"


def test_a_paused_process_learns_of_its_flush_when_it_goes_on(rig):
    task = rig.process.start(rig.open().flush())
    rig.simulation.run(0.0005)
    rig.process.pause()
    rig.simulation.run(60)
    assert not task.done()
    rig.process.resume()
    rig.simulation.run(0)
    assert task.done()


# The end of a process


def test_a_killed_process_leaves_what_it_wrote_and_frees_its_locks(rig):
    rig.mount.lock(f"{ROOT}/lock")
    rig.mount.replace_text(TABLE, "{}")
    rig.open().write(5000, b"coffee")
    rig.kill()
    assert rig.open().read(5000, 6) == b"coffee"
    assert rig.mount.read_text(TABLE) == "{}"
    rig.mount.lock(f"{ROOT}/lock")


def test_what_a_killed_process_was_flushing_is_flushed_but_nobody_learns_of_it(
    rig, mood
):
    mood(ALL_LOST)
    file, ended = rig.open(), []
    file.write(0, b"coffee")

    async def flush():
        await file.flush()
        ended.append("flush")

    rig.process.start(flush())
    rig.simulation.run(0.0005)
    rig.kill()
    rig.simulation.run(1)
    assert not ended
    assert rig.crash() == {}


@pytest.mark.parametrize("end", ["kill", "crash"])
def test_what_a_dead_process_still_does_has_no_effect_and_is_no_error(rig, mood, end):
    mood(ALL_KEPT)
    dead, file, lock = rig.mount, rig.open(), rig.mount.lock(f"{ROOT}/lock")
    file.write(0, b"coffee")
    dead.replace_text(TABLE, "old")
    getattr(rig, end)()
    rig.mount.lock(f"{ROOT}/lock")
    rig.disk.fail("read")
    rig.disk.fail("write")
    names, told = list(rig.disk.files), len(rig.told)
    lock.release()
    dead.lock(f"{ROOT}/lock")
    file.write(0, b"tea")
    file.cut(0)
    assert file.read(0, 3) == bytes(3)
    dead.open(f"{ROOT}/new", 100).write(0, b"new")
    dead.replace_text(TABLE, "new")
    dead.remove(LOG)
    dead.names(ROOT)
    dead.size(LOG)
    dead.read_text(TABLE)
    dead.close()
    assert (list(rig.disk.files), len(rig.told)) == (names, told)
    rig.disk.fail("read", 0)
    rig.disk.fail("write", 0)
    assert rig.content()[:6] == b"coffee"
    assert rig.mount.read_text(TABLE) == "old"
    with pytest.raises(StoreLocked):
        rig.mount.lock(f"{ROOT}/lock")


def test_code_that_unwinds_when_its_process_is_killed_writes_nothing(rig):
    way_out = []

    async def serve():
        store = rig.store(*letters(3))
        try:
            await asyncio.Event().wait()
        finally:
            way_out.append("began")
            await store.close()
            way_out.append("ended")

    rig.process.start(serve())
    rig.simulation.run(1)
    rig.kill()
    assert way_out == ["began"]
    assert rig.mount.size(f"{ROOT}/abort") == 0
    assert rig.store().found.was_crash


# The end of a machine


def test_a_crash_may_lose_all_that_was_not_flushed_and_nothing_else(rig, mood):
    mood(ALL_LOST)
    file = rig.open()
    file.write(0, b"x" * 3 * PAGE)
    rig.do(file.flush())
    file.write(PAGE, b"y" * PAGE)
    file.cut(2 * PAGE + 10)
    file.write(5 * PAGE, b"y")
    assert rig.crash() == {LOG: ([PAGE, 2 * PAGE, 5 * PAGE], [])}
    assert rig.content() == (b"x" * 3 * PAGE).ljust(8 * PAGE, b"\0")


def test_a_crash_may_keep_all(rig, mood):
    mood(ALL_KEPT)
    file = rig.open()
    file.write(0, b"x" * 3 * PAGE)
    file.cut(PAGE)
    assert rig.crash() == {}
    assert rig.content() == (b"x" * PAGE).ljust(8 * PAGE, b"\0")


def test_a_torn_page_is_new_up_to_a_sector_and_old_from_there_on(mood):
    mood(ALL_TORN)
    sectors = set()
    for seed in range(40):
        with Rig(seed) as rig:
            file = rig.open()
            file.write(0, b"o" * PAGE)
            rig.do(file.flush())
            file.write(0, b"n" * PAGE)
            assert rig.crash() == {LOG: ([], [0])}
            new = len(rig.content()[:PAGE].rstrip(b"o"))
            assert rig.content()[:PAGE] == b"n" * new + b"o" * (PAGE - new)
            assert new % SECTOR == 0
            sectors.add(new // SECTOR)
    assert sectors == set(range(1, 8))


def test_crashes_often_lose_all_often_nothing_and_often_something():
    counts = dict.fromkeys(("all", "nothing", "some", "torn"), 0)
    for seed in range(200):
        with Rig(seed) as rig:
            rig.open().write(0, b"x" * 8 * PAGE)
            lost, torn = rig.crash().get(LOG, ([], []))
            counts["all"] += len(lost) == 8
            counts["nothing"] += not lost + torn
            counts["some"] += 0 < len(lost) < 8
            counts["torn"] += bool(torn)
    assert min(counts.values()) >= 20


def test_after_a_crash_everything_is_durable(rig):
    rig.open().write(0, b"x" * 8 * PAGE)
    rig.crash()
    found = rig.content()
    for _ in range(10):
        assert rig.crash() == {}
        assert rig.content() == found


def test_a_text_comes_back_whole_as_the_new_or_the_old_one():
    found = set()
    for seed in range(100):
        with Rig(seed) as rig:
            rig.mount.replace_text(TABLE, "old")
            rig.do(rig.open().flush())
            rig.mount.replace_text(TABLE, "newer")
            rig.mount.replace_text(TABLE, "newest")
            rig.mount.replace_text(f"{TABLE}.first", "first")
            lost = rig.crash()
            text, first = (
                rig.mount.read_text(TABLE),
                rig.mount.read_text(f"{TABLE}.first"),
            )
            assert (text == "old") == (lost.get(TABLE) == ([0], []))
            assert (first is None) == (f"{TABLE}.first" in lost)
            found.add((text, first))
            assert rig.crash() == {}
    assert found == {(a, b) for a in ("old", "newest") for b in (None, "first")}


def test_what_was_removed_is_gone_after_a_crash(rig, mood):
    mood(ALL_LOST)
    rig.mount.replace_text(TABLE, "text")
    rig.open().write(0, b"x")
    rig.mount.remove(TABLE)
    rig.mount.remove(LOG)
    assert rig.crash() == {}
    assert rig.mount.names("/") == []


def test_the_same_seed_loses_the_same():
    def losses(seed):
        with Rig(seed) as rig:
            for n in range(20):
                rig.open(f"{ROOT}/{n % 7}").write(PAGE * (n % 5), b"x" * 1000)
            return [rig.crash(), [rig.content(f"{ROOT}/{n}") for n in range(7)]]

    assert losses(3) == losses(3)
    assert len({str(losses(seed)) for seed in range(30)}) > 10


# Faults


def test_a_full_disk_takes_writes_to_pages_that_it_has_and_no_others(rig):
    file = rig.open()
    file.write(0, b"x" * PAGE)
    rig.disk.capacity_bytes = 2 * PAGE
    at = PAGE - 10
    with pytest.raises(DiskFull, match=f"{LOG} at byte {at}: No space left on device"):
        file.write(at, b"y" * 2 * PAGE)
    assert file.read(0, at) == b"x" * at
    assert file.read(PAGE, GIB) == bytes(7 * PAGE)
    file.write(at, b"z" * 20)
    assert file.read(0, at + 20) == b"x" * at + b"z" * 20
    with pytest.raises(DiskFull, match=f"cannot write {TABLE}: No space left"):
        rig.mount.replace_text(TABLE, "text")
    assert rig.mount.read_text(TABLE) is None
    rig.mount.remove(LOG)
    rig.mount.replace_text(TABLE, "text")
    assert ("fault", "disk full") in [(kind, f.get("what")) for kind, f in rig.told]


def test_reads_writes_and_flushes_fail_so_often_or_until_the_disk_is_mended(rig):
    file = rig.open()
    file.write(0, b"coffee")
    rig.mount.replace_text(TABLE, "old")
    rig.disk.fail("read", 1)
    with pytest.raises(StoreError, match=f"cannot read {LOG} at byte 7: Input/output"):
        file.read(7, 1)
    assert file.read(0, 6) == b"coffee"
    rig.disk.fail("flush", 1)
    with pytest.raises(StoreError, match=f"cannot flush {LOG}: Input/output error"):
        rig.do(file.flush())
    rig.disk.fail("write")
    for _ in range(3):
        with pytest.raises(StoreError, match=f"cannot write {LOG} at byte 8: Input/"):
            file.write(8, b"tea")
        with pytest.raises(StoreError, match=f"cannot cut {LOG} at byte 2: Input/"):
            file.cut(2)
        with pytest.raises(StoreError, match=f"cannot write {TABLE}: Input/output"):
            rig.mount.replace_text(TABLE, "new")
    rig.disk.fail("write", 0)
    assert file.read(0, 8) == b"coffee\0\0"
    assert rig.mount.read_text(TABLE) == "old"
    rig.disk.fail("remove", 1)
    with pytest.raises(StoreError, match=f"cannot remove {LOG}: Input/output error"):
        rig.mount.remove(LOG)
    assert rig.mount.size(LOG)
    rig.mount.remove(LOG)
    assert rig.mount.size(LOG) is None


def test_a_write_that_fails_leaves_any_part_of_it():
    found = set()
    for seed in range(40):
        with Rig(seed) as rig:
            file = rig.open()
            file.write(0, b"-" * 8)
            rig.disk.fail("write", 1)
            with pytest.raises(StoreError):
                file.write(2, b"tea")
            found.add(file.read(0, 8))
    assert found == {b"--------", b"--t-----", b"--te----", b"--tea---"}


def failed_flush(rig, evicts=0.0):
    """Return a file whose first page was flushed and whose new pages were not."""
    file = rig.open()
    file.write(0, b"old")
    rig.do(file.flush())
    file.write(0, b"new")
    file.write(PAGE, b"new")
    rig.disk.evicts = evicts
    rig.disk.fail("flush", 1)
    with pytest.raises(StoreError):
        rig.do(file.flush())
    return file


@pytest.mark.parametrize("again", [0, 1, 2])
def test_a_flush_that_failed_made_nothing_durable_and_nor_does_the_next(
    rig, mood, again
):
    mood(ALL_LOST)
    file = failed_flush(rig)
    for _ in range(again):
        rig.do(file.flush())
    assert file.read(0, 3) == file.read(PAGE, 3) == b"new"
    assert rig.crash() == {LOG: ([0, PAGE], [])}
    assert rig.content().rstrip(b"\0") == b"old"


def test_what_is_written_again_after_a_failed_flush_becomes_durable(rig, mood):
    mood(ALL_LOST)
    file = failed_flush(rig)
    file.write(0, b"new")
    rig.do(file.flush())
    assert rig.crash() == {LOG: ([PAGE], [])}
    assert rig.content().rstrip(b"\0") == b"new"


def test_pages_that_could_not_be_flushed_may_be_read_as_they_are_durable(rig, mood):
    mood(ALL_KEPT)
    file = failed_flush(rig, evicts=1.0)
    assert file.read(0, GIB).rstrip(b"\0") == b"old"
    assert rig.crash() == {}


def test_a_flush_that_fails_beside_another_leaves_that_ones_promise(rig, mood):
    mood(ALL_LOST)
    file = rig.open()

    async def flush():
        file.write(0, b"one")
        first = asyncio.ensure_future(file.flush())
        await asyncio.sleep(0)
        file.write(0, b"two")
        rig.disk.fail("flush", 1)
        with pytest.raises(StoreError):
            await file.flush()
        await first

    rig.do(flush())
    assert file.read(0, 3) == b"two"
    rig.crash()
    assert rig.content()[:3] == b"one"


def test_files_that_are_closed_are_not_kept_in_mind(rig):
    for _ in range(3):
        rig.open().close()
    assert not rig.mount.opened


def test_a_disk_is_as_full_as_its_touched_pages_make_it(rig):
    assert rig.mount.used_ratio("/") == 0.0
    rig.open().write(0, b"x" * 3 * PAGE)
    rig.disk.capacity_bytes = 4 * PAGE
    assert rig.mount.used_ratio("/data/store/new") == 0.75


@pytest.mark.parametrize("kept", [ALL_KEPT, ALL_LOST])
def test_a_flipped_bit_is_flipped_in_the_cache_and_for_good(rig, mood, kept):
    mood(kept)
    file = rig.open()
    file.write(PAGE, b"old")
    rig.do(file.flush())
    file.write(PAGE, b"new")
    rig.disk.flip(LOG, PAGE + 1, 2)
    assert file.read(PAGE, 3) == b"naw"
    rig.disk.flip(LOG, 0)
    rig.crash()
    assert rig.content()[0] == 1
    assert rig.content()[PAGE : PAGE + 3] == (b"naw" if kept == ALL_KEPT else b"ohd")


def test_a_wiped_folder_is_empty_and_others_are_not(rig):
    for path in (LOG, TABLE, f"{ROOT}2/log"):
        rig.open(path)
    rig.disk.wipe(f"{ROOT}/")
    assert rig.mount.names("/data") == ["store2"]
    rig.disk.wipe()
    assert rig.mount.names("/") == []


def test_observers_are_told_what_happens(rig, mood):
    mood(ALL_LOST)
    file = rig.open(size=4 * PAGE)
    file.write(10, b"x" * PAGE)
    rig.do(file.flush())
    file.cut(100)
    rig.disk.flip(LOG, 3, 1)
    rig.disk.crash()
    here = {"host": "one", "path": LOG}
    flush = rig.told.pop(2)
    assert flush[1].pop("took_s") == pytest.approx(0.001)
    assert [flush, *rig.told] == [
        ("flush", {**here, "pages": 2}),
        ("write", {**here, "offset": 10, "size": PAGE}),
        ("flushing", here),
        ("cut", {**here, "offset": 100}),
        ("fault", {**here, "what": "flip", "offset": 3, "bit": 1}),
        ("lost", {**here, "lost": [0, PAGE], "torn": []}),
    ]


# A store on it


def test_a_store_that_is_closed_loses_nothing_in_a_crash(mood):
    for seed in range(20):
        with Rig(seed) as rig:
            rig.do(rig.store(*letters(30)).close())
            assert rig.crash().keys() <= {f"{ROOT}/lock"}
            store = rig.store()
            assert store.found == (30 * size_of(letters(1)[0]), 1, False, None)
            assert bodies(store) == [one.body for one in letters(30)]


def test_a_store_whose_process_is_killed_has_everything(rig):
    rig.store(*letters(30))
    with pytest.raises(StoreLocked):
        make_store(ROOT, rig.machine.process("other").disk).open()
    rig.kill()
    store = rig.store()
    assert store.found == (30 * size_of(letters(1)[0]), 30, True, None)
    assert bodies(store) == [one.body for one in letters(30)]


@pytest.mark.parametrize("seed", range(60))
def test_a_crash_takes_nothing_that_was_flushed_and_recovery_comes_to_an_end(seed):
    sent, flushed = letters(40), seed % 25
    with Rig(seed) as rig:
        store = rig.store(*sent[:flushed])
        rig.do(store.flush_log())
        for one in sent[flushed:]:
            store.put(one)
        store.dispatch()
        rig.crash()
        store = rig.store()
        found = [encode(one) for one in store.log.scan(0)]
        assert found == [encode(one) for one in sent[: len(found)]]
        assert len(found) >= flushed
        after = rig.content(), rig.content(QUEUE), entries(store)
        rig.kill()
        again = rig.store()
        assert again.found[:3] == store.found[:3]
        assert again.found.damage is None
        assert (rig.content(), rig.content(QUEUE), entries(again)) == after


def test_what_was_not_flushed_is_lost_in_some_crashes_and_kept_in_others():
    left = set()
    for seed in range(60):
        with Rig(seed) as rig:
            rig.store(*letters(40))
            rig.crash()
            left.add(rig.store().found.records)
    assert {0, 40} < left


def test_a_store_on_a_full_disk_refuses_and_goes_on_when_there_is_room(rig):
    store = rig.store(*letters(3))
    rig.disk.capacity_bytes = rig.disk.used_bytes
    for one in letters(2):
        store.put(one)  # to pages that are there
    end = store.log.end
    with pytest.raises(DiskFull):
        store.put(record(b"large" * PAGE))
    assert store.log.end == end
    rig.disk.capacity_bytes += 10 * PAGE
    assert store.put(record(b"later")).record.physical_offset == end
    assert bodies(store)[:3] == [one.body for one in letters(3)]


def test_a_flipped_bit_in_a_body_ends_the_log_there(rig):
    rig.store(*letters(3))
    rig.disk.flip(LOG, size_of(letters(1)[0]) + 100)
    rig.kill()
    assert bodies(rig.store()) == [letters(1)[0].body]
