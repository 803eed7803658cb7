"""The course as a learner has it: JupyterLab in a real browser, clicks on real buttons.

A copy of the course is served by `rmqlab lab`; Chromium opens it.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from contextlib import asynccontextmanager, suppress

import pytest

from rmqlab.classroom import notebooks
from rmqlab.classroom.course import course_folder
from tests.conftest import missing
from tests.support import free_port, until

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = (
    "--no-sandbox",  # a container's root has no namespaces for one
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WATCH = """
for state in ("paused", "usable"):
    wait_until(lambda: cluster.node("broker-a").state == state)
    print("seen:", state)
"""
START_MS, RUN_MS, CLICK_MS = 60_000, 120_000, 30_000
END_S = 20
ADDRESS = re.compile(r"http://127\.0\.0\.1:\S+token=\w+")


@asynccontextmanager
async def served(course):
    """Serve a course with `rmqlab lab`; yield lab 00's address, its token included."""
    said = course / "said.log"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONASYNCIODEBUG"}
    # Else it opens what whoever works on this machine had open.
    env["JUPYTERLAB_WORKSPACES_DIR"] = str(course / "workspaces")
    with said.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "rmqlab.cli", "lab", "--no-browser", "--port", str(free_port())),
            cwd=course,
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        await until(lambda: ADDRESS.search(said.read_text()))
        yield ADDRESS.search(said.read_text())[0]
    finally:
        await end(process)


async def end(process):
    """End a server with all that it started; force what does not go by itself."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, TimeoutError):
            os.killpg(process.pid, how)
            await asyncio.wait_for(process.wait(), END_S)


@asynccontextmanager
async def chromium_page(screenshot):
    """Yield a page of a browser, or skip; however it ends, keep its last look."""
    playwright_api = pytest.importorskip("playwright.async_api")
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        missing("browser", "no Chromium is on the PATH")
    async with playwright_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*OPTIONS]
        )
        page = await browser.new_page(viewport={"width": 1400, "height": 1400})
        page.set_default_timeout(CLICK_MS)
        try:
            yield page
        finally:
            await page.screenshot(path=screenshot)
            await browser.close()


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
    async with served(course) as address, chromium_page(course / "seen.png") as page:
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
