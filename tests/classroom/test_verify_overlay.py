"""The overlay: a disk that behaves like the real one, and never writes below."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmqlab.classroom.verify.files import HostFiles
from rmqlab.classroom.verify.overlay import PAGE_BYTES, Overlay
from rmqlab.errors import DiskFull, StoreError
from rmqlab.store.real_disk import RealDisk
from tests.classroom.verified import tree

SIZE = 3 * PAGE_BYTES
NAMES = ("a", "b", "folder/c", "folder/deep/d")
REAL = RealDisk()

places = some.integers(0, SIZE - 1)
near = some.sampled_from([0, 1, PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1, SIZE - 1])
verbs = some.lists(
    some.tuples(
        some.sampled_from(["write", "cut", "remove", "open"]),
        some.sampled_from(NAMES),
        places | near,
        some.binary(min_size=1, max_size=40) | some.just(b"x" * (PAGE_BYTES + 7)),
    ),
    max_size=12,
)


def fill(root):
    """Make some of the files; one is full, one has only its beginning."""
    (root / "folder").mkdir()
    (root / "a").write_bytes(bytes(range(1, 256)) * (SIZE // 255) + b"end")
    (root / "folder" / "c").write_bytes(b"begin" + bytes(SIZE - 5))


def do(disk, root, verb, name, at, data):
    """Do one thing on a disk."""
    path = f"{root}/{name}"
    if verb == "remove":
        disk.remove(path)
    else:
        file = disk.open(path, SIZE)
        if verb == "cut":
            file.cut(min(at, file.size))
        elif verb == "write":
            file.write(at, data[: max(0, file.size - at)])
        file.close()


def seen(disk, root):
    """Return what a disk says of every name: size, bytes, and what folders have."""
    files = {}
    for name in NAMES:
        size = disk.size(f"{root}/{name}")
        files[name] = size and disk.open(f"{root}/{name}", size).read(0, size + 9)
    return files, disk.names(str(root)), disk.names(f"{root}/folder/deep")


@given(verbs)
def test_an_overlay_is_what_a_real_disk_would_be(deeds):
    with TemporaryDirectory() as folder:
        below, real = Path(folder) / "below", Path(folder) / "real"
        below.mkdir()
        fill(below)
        shutil.copytree(below, real)
        before = tree(below)
        overlay = Overlay(HostFiles())
        for verb, name, at, data in deeds:
            do(overlay, below, verb, name, at, data)
            do(REAL, real, verb, name, at, data)
        there = {name for name in NAMES if (real / name).exists()}
        (files, names, deep), (wanted, real_names, real_deep) = (
            seen(overlay, below),
            seen(REAL, real),
        )
        assert files == wanted
        assert deep == real_deep
        # A folder that a removed file was in stays on the real disk.
        assert set(names) - {"folder"} == set(real_names) - {"folder"}
        assert tree(below) == before
        assert_changes(overlay, below, real, there)


def assert_changes(overlay, below, real, there):
    """Compare what the overlay says it changed with the two folders."""
    said = {}
    for change in overlay.changes():
        name = change.path.removeprefix(f"{below}/")
        old = (below / name).read_bytes() if (below / name).exists() else b""
        new = (real / name).read_bytes() if name in there else b""
        assert change.end_before == len(old.rstrip(b"\0")), change
        assert change.end_after == len(new.rstrip(b"\0")), change
        if change.what == "changed":
            assert old[: change.first] == new[: change.first]
            assert (
                old[change.first : change.first + 1]
                != (new[change.first : change.first + 1])
            )
        said[name] = change.what
    old = {name for name in NAMES if (below / name).exists()}
    both = {
        name
        for name in old & there
        if (below / name).read_bytes() != (real / name).read_bytes()
    }
    assert said == {
        **dict.fromkeys(there - old, "made"),
        **dict.fromkeys(old - there, "removed"),
        **dict.fromkeys(both, "changed"),
    }


def test_more_than_the_bound_is_refused_and_what_is_cut_or_removed_gives_room(tmp_path):
    overlay = Overlay(HostFiles(), most_bytes=2 * PAGE_BYTES)
    file = overlay.open(f"{tmp_path}/a", SIZE)
    file.write(0, b"x" * 2 * PAGE_BYTES)
    with pytest.raises(DiskFull, match="more than 8192 bytes"):
        file.write(2 * PAGE_BYTES, b"y")
    file.cut(10)
    file.write(2 * PAGE_BYTES, b"y")
    overlay.remove(f"{tmp_path}/a")
    overlay.open(f"{tmp_path}/b", SIZE).write(0, b"x" * 2 * PAGE_BYTES)


def test_a_small_text_is_replaced_as_a_whole(tmp_path):
    (tmp_path / "topics.json").write_text("a long text")
    overlay = Overlay(HostFiles())
    overlay.replace_text(f"{tmp_path}/topics.json", "short")
    assert overlay.read_text(f"{tmp_path}/topics.json") == "short"
    assert overlay.read_text(f"{tmp_path}/nosuch.json") is None
    assert (tmp_path / "topics.json").read_text() == "a long text"


def test_an_overlay_reads_files_that_may_only_be_read(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"coffee")
    path.chmod(0o444)
    overlay = Overlay(HostFiles())
    overlay.open(str(path), 6).write(0, b"tea")
    assert overlay.read(str(path), 0, 6) == b"teafee"
    assert path.read_bytes() == b"coffee"


def test_what_cannot_be_read_is_an_error_with_its_path(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot list .*file"):
        HostFiles().names(f"{tmp_path}/file")
    with pytest.raises(StoreError, match=r"cannot read .*nosuch"):
        HostFiles().read(f"{tmp_path}/nosuch", 0, 1)


def test_the_files_of_a_host_are_below_its_folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_bytes(b"coffee")
    host = HostFiles(tmp_path)
    assert host.names("/data") == ["a"]
    assert host.size("/data/a") == 6
    assert host.size("/data") is None
    assert host.read("/data/a", 3, 2) == b"fe"
