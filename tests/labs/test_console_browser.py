"""The console as an operator has it: `rmqlab console` in a real browser.

Of the article's cluster: both pairs seen, a message found, a master killed.
"""

from __future__ import annotations

import re

import psutil
import pytest

from rmqlab.classroom.cluster import Cluster
from rmqlab.client.blocking import BlockingProducer
from rmqlab.protocol.message import Message
from tests.labs.browser import START_MS, chromium_page, serving

KILL = "Kill broker-a"


@pytest.fixture
def pairs(own_home):
    """Run two pairs, with one order in them."""
    with Cluster.up("2m-2s-sync") as cluster:
        with BlockingProducer("shop", cluster.name_servers) as producer:
            producer.send(Message("orders", b"one coffee", keys="order-7"))
        yield cluster


def left_by_the_console(folder):
    """Return the files and the kernels that it left."""
    commands = (one.info["cmdline"] for one in psutil.process_iter(["cmdline"]))
    kernels = [
        one for one in commands if one and f"{folder}/rmqlab-console" in str(one)
    ]
    return [*folder.glob("rmqlab-console*"), *kernels]


async def turn_to(page, title):
    """Turn to a page of the console."""
    await page.get_by_role("tab", name=title).click()


async def test_both_pairs_are_seen_a_message_is_found_and_a_master_is_killed(
    pairs, tmp_path
):
    elsewhere = []
    async with (
        serving(tmp_path, "console", TMPDIR=str(tmp_path)) as address,
        chromium_page(tmp_path / "seen.png") as page,
    ):
        here = re.match(r"http://[^/]+/", address)[0]
        page.on("request", lambda one: elsewhere.append(one.url))
        await page.goto(address, timeout=START_MS)
        for node in pairs.status().nodes:
            await page.get_by_role("cell", name=node.address).first.wait_for()

        await turn_to(page, "Messages")
        await page.get_by_role("button", name="key", exact=True).click()
        await page.get_by_placeholder("key or id").fill("order-7")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_text("one coffee").wait_for()

        await turn_to(page, "Topology")
        await page.get_by_title(KILL, exact=True).click()
        await page.get_by_text("● killed").wait_for()
        await page.get_by_text("gone since").last.wait_for()
        await turn_to(page, "Cluster")
        await page.get_by_text("gone since").first.wait_for()
    assert pairs.node("broker-a").state == "killed"
    fetched = [one for one in elsewhere if one.startswith("http")]
    assert [one for one in fetched if not one.startswith(here)] == []
    assert left_by_the_console(tmp_path) == []
