"""The key indexes that the real RocketMQ wrote, read here and made anew."""

from __future__ import annotations

import shutil

import pytest

from rmqlab.errors import CorruptRecord
from rmqlab.protocol.record import properties_of
from rmqlab.store.checkpoint import Checkpoint
from rmqlab.store.commit_log import CommitLog
from rmqlab.store.file_pool import FilePool
from rmqlab.store.index import Index
from rmqlab.store.index_file import HEADER, Shape
from tests.store.shelf import DISK
from tests.support import golden_facts, golden_store

VERSIONS = ("4.4.0", "4.9.7")
STORES = [f"{version}-{end}" for version in VERSIONS for end in ("clean", "kill9")]
EACH = pytest.mark.parametrize("name", STORES)
SHAPE = Shape(500, 1000)


@pytest.fixture
def pool():
    pool = FilePool(DISK)
    yield pool
    pool.close()


def index_of(root, pool, **loading):
    index = Index(DISK, pool, str(root / "index"), SHAPE)
    index.load(**loading)
    return index


def offer(index, root, pool):
    """Enter every record of the store's log that the index says it needs."""
    log = CommitLog(DISK, pool, str(root / "commitlog"), 1 << 20)
    log.files.load()
    try:
        for record in log.scan(index.start_needed(0)):
            index.enter(record, properties_of(record))
    except CorruptRecord:
        pass  # the end: zeroes
    index.save()


def contents(root):
    return [path.read_bytes() for path in sorted((root / "index").iterdir())]


def answers(index, name):
    """Return what the index says to what Java asked, and what Java was told."""
    queries = golden_facts(name)["keyQueries_physicalOffsets"]
    assert len(queries) > 10
    given = {
        key: sorted(index.find(*key.split("#"), 64, 0, 1 << 62)) for key in queries
    }
    return given, queries


@EACH
def test_every_key_of_a_real_store_is_found_where_java_found_it(name, tmp_path, pool):
    given, wanted = answers(index_of(golden_store(name, tmp_path), pool), name)
    assert given == wanted


@EACH
def test_an_index_made_anew_from_a_real_log_answers_the_same(name, tmp_path, pool):
    root = golden_store(name, tmp_path)
    shutil.rmtree(root / "index")
    index = index_of(root, pool)
    offer(index, root, pool)
    given, wanted = answers(index, name)
    assert given == wanted


@EACH
def test_an_index_made_anew_from_a_real_log_has_the_real_ones_bytes(
    name, tmp_path, pool
):
    """But for the count of used slots in 4.4.0, which counts entries."""
    root = golden_store(name, tmp_path)
    real = contents(root)
    shutil.rmtree(root / "index")
    offer(index_of(root, pool), root, pool)
    own = contents(root)
    if name.startswith("4.4.0"):
        real, own = (list(map(without_slot_count, files)) for files in (real, own))
    assert len(real) == 4
    assert own == real


def without_slot_count(data):
    header = HEADER.unpack_from(data)
    return (header[:4], header[5], data[HEADER.size :])


@EACH
def test_a_real_index_that_is_gone_on_with_changes_by_nothing(name, tmp_path, pool):
    root = golden_store(name, tmp_path)
    before = contents(root)
    offer(index_of(root, pool), root, pool)
    assert contents(root) == before


@pytest.mark.parametrize("version", VERSIONS)
def test_after_a_real_crash_the_files_that_the_checkpoint_knows_are_kept(
    version, tmp_path, pool
):
    name = f"{version}-kill9"
    root = golden_store(name, tmp_path)
    before = contents(root)
    checkpoint = Checkpoint(DISK, str(root / "checkpoint"))
    safe_ms = checkpoint.index_ms
    checkpoint.close()
    index = index_of(root, pool, safe_ms=safe_ms)
    kept = contents(root) if (root / "index").exists() else []
    assert len(kept) < len(before)
    assert kept == before[: len(kept)]
    offer(index, root, pool)
    given, wanted = answers(index, name)
    assert given == wanted
