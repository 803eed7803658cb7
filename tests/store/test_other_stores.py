"""Stores that other programs wrote, or damaged: refused, or read as far as they go."""

from __future__ import annotations

import struct

import pytest

from rmqlab.errors import StoreError
from rmqlab.protocol.record import NEWER_MAGIC
from tests.store.small_store import PATHS, look, machine, small_store

ENDS = pytest.mark.parametrize("was_stopped", [True, False], ids=["stopped", "killed"])


@ENDS
@pytest.mark.parametrize("place", [0, 132, 1600, 3339])
def test_a_message_that_only_rocketmq_5_reads_is_refused_and_the_log_stays(
    place, was_stopped
):
    """Where recovery meets it: it would cut off all that follows."""
    was = small_store(was_stopped=was_stopped)
    start = place - place % 1600
    path = f"{PATHS.commit_log}/{start:020d}"
    data = bytearray(was.files[path])
    struct.pack_into(">I", data, place - start + 4, NEWER_MAGIC)
    files = was.files | {path: bytes(data)}
    # A crash before any checkpoint, or queues that are gone: the whole log is read.
    files = {
        one: data
        for one, data in files.items()
        if one != PATHS.checkpoint and PATHS.consume_queues not in one
    }
    with machine(files) as host:
        with pytest.raises(StoreError, match=f"at offset {place} of the log is a mess"):
            host.opened()
        left = {path: data for path, data in host.files.items() if path in files}
        logs = was.paths("commitlog")
        assert [left[path] for path in logs] == [files[path] for path in logs]


def test_records_with_the_address_of_another_broker_are_no_reason_to_refuse():
    """A master's name and address may change, and a slave has its master's records."""
    was = small_store(was_stopped=True)
    assert {one.store_host[0] for one in was.sent} == {"10.0.0.1"}
    with machine(was.files) as host:  # it has another one
        assert look(host).lacks(was.queued) == []
