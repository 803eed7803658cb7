"""The course as a learner has it: JupyterLab in a real browser, clicks on real buttons.

A copy of the course is served by `rmqlab lab`; Chromium opens it.
"""

from __future__ import annotations

import re
import shutil

import pytest

from rmqlab.classroom import notebooks
from rmqlab.classroom.course import course_folder
from tests.labs.browser import START_MS, chromium_page, serving

WATCH = """
for state in ("paused", "usable"):
    wait_until(lambda: cluster.node("broker-a").state == state)
    print("seen:", state)
"""
RUN_MS = 120_000


@pytest.fixture
def course(tmp_path):
    """Return a copy of the labs, lab 00 without outputs: what is seen is new."""
    shutil.copytree(course_folder() / "labs", tmp_path / "labs")
    path = tmp_path / "labs" / "00_welcome.ipynb"
    notebooks.save(notebooks.without_answers(notebooks.load(path)), path)
    return tmp_path


async def open_lab_00(page, address):
    """Open the lab and wait for its kernel: before that, Run All asks for one."""
    await page.goto(address, timeout=START_MS)
    await page.get_by_text(re.compile(r"\| Idle$")).wait_for(timeout=START_MS)


async def run_all(page):
    """Run all cells and wait for what the last one prints."""
    await page.get_by_text("Run", exact=True).first.click()
    await page.get_by_text("Run All Cells", exact=True).click()
    last = page.locator(".jp-OutputArea-output", has_text="SEND_OK at").last
    await last.wait_for(timeout=RUN_MS)


def row(page, node):
    """Return the panel's row of one node."""
    button = page.get_by_title(f"Kill {node}", exact=True)
    return page.locator(".widget-hbox").filter(has=button).last


async def run_new_cell(page, code):
    """Add a cell below the last one and run it, without waiting for its end."""
    await page.locator(".jp-MarkdownCell").last.click()
    await page.keyboard.press("b")
    await page.keyboard.press("Enter")
    await page.keyboard.insert_text(code)
    await page.keyboard.press("Shift+Enter")


async def test_a_learner_runs_lab_00_kills_a_master_and_brings_it_back(course):
    # Else it opens what whoever works on this machine had open.
    workspaces = {"JUPYTERLAB_WORKSPACES_DIR": str(course / "workspaces")}
    async with (
        serving(course, "lab", **workspaces) as address,
        chromium_page(course / "seen.png") as page,
    ):
        await open_lab_00(page, address)
        await run_all(page)
        master = row(page, "broker-a")
        await master.get_by_text("usable").wait_for()
        await master.get_by_text("Kill").click()
        await master.get_by_text("killed").wait_for()
        await master.get_by_text("Restart").click()
        await master.get_by_text("usable").wait_for()

        await run_new_cell(page, WATCH)  # it runs as long as the rest of this test
        await page.locator("[data-status=busy]").first.wait_for()
        await master.get_by_text("Pause").click()
        await master.get_by_text("paused").wait_for()
        await page.get_by_text("seen: paused").wait_for()
        await master.get_by_text("Resume").click()
        await master.get_by_text("usable").wait_for()
        await page.get_by_text("seen: usable").wait_for()
