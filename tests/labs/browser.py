"""A server of the classroom's, and Chromium to look at it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from contextlib import asynccontextmanager, suppress

import pytest

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
START_S, END_S = 120, 60
START_MS, CLICK_MS = 120_000, 60_000
ADDRESS = re.compile(r"http://127\.0\.0\.1:\S+token=\S+")


@asynccontextmanager
async def serving(folder, *command, **environment):
    """Run a command of rmqlab's that serves; yield its address, the token included."""
    said = folder / "said.log"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONASYNCIODEBUG"}
    with said.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "rmqlab.cli", *command),
            *("--no-browser", "--port", str(free_port())),
            cwd=folder,
            env=env | environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        await until(lambda: ADDRESS.search(said.read_text()), within_s=START_S)
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
