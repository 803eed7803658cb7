"""Serves the console by Voilà: one notebook of one cell, a kernel for each open page.

    browser ◄── http, a token in the address ──► Voilà ◄──► kernels, each running `app`

The template is Voilà's own without what it would fetch from elsewhere: a lab may have
no network.  A page that is closed ends its kernel; one that vanished, after a while.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from traitlets.config import Config
from voila.app import Voila
from voila.voila_identity_provider import VoilaIdentityProvider

from rmqlab.classroom import notebooks
from rmqlab.remoting import ANY_ADDRESS, LOOPBACK

TEMPLATES = Path(__file__).parent / "template"
CELL = "from rmqlab.classroom.console.app import show\nshow({!r}, {!r})"
TITLE = "RocketMQ console"
WIDGETS = "@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"
"""The only extensions of JupyterLab's that a page needs."""
END_S = 1.0
"""For a kernel to end by itself."""
UNSEEN_S, LOOK_FOR_UNSEEN_S = 120, 30


class _Server(Voila):
    """Tells where it is once it listens, in place of opening a browser by itself."""

    told: Callable[[str], None]

    def launch_browser(self) -> None:
        here = LOOPBACK if self.ip == ANY_ADDRESS else self.ip
        self.told(f"http://{here}:{self.port}/?token={self.token}")


def serve(
    name: str | None,
    name_servers: str | None,
    ip: str,
    port: int,
    told: Callable[[str], None],
) -> None:
    """Serve the console until Ctrl-C or SIGTERM; `told` is given its address.

    Its kernels end with it.
    """
    logging.getLogger("tornado").setLevel(logging.ERROR)  # units that Jupyter mixes up
    paths = [str(TEMPLATES), os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, paths))
    with TemporaryDirectory(prefix="rmqlab-console-") as folder:
        page = Path(folder) / "console.ipynb"
        code = CELL.format(name, name_servers)
        notebooks.save(notebooks.of_one_cell(code, TITLE), page)
        server = _Server(config=_config(folder), ip=ip, port=port, port_retries=0)
        server.told = told
        server.token = secrets.token_urlsafe()
        server.initialize([str(page)])  # type: ignore[no-untyped-call]
        with suppress(KeyboardInterrupt):  # a second one, while kernels end
            server.start()  # type: ignore[no-untyped-call]


def _config(folder: str) -> Config:
    config = Config()
    config.Voila.config_file_paths = []  # nobody's own settings of Voilà
    config.Voila.connection_dir_root = folder
    config.Voila.log_level = "ERROR"
    # A page that is closed says so without the cookie's twin; it names its kernel.
    config.Voila.tornado_settings = {"disable_check_xsrf": True}
    config.Voila.identity_provider_class = VoilaIdentityProvider  # no passwords
    config.VoilaConfiguration.template = "rmqlab"
    config.VoilaConfiguration.extension_allowlist = list(WIDGETS)
    config.KernelManager.transport_encryption = "auto"  # of this user alone
    config.KernelManager.shutdown_wait_time = END_S
    config.MappingKernelManager.cull_idle_timeout = UNSEEN_S
    config.MappingKernelManager.cull_interval = LOOK_FOR_UNSEEN_S
    return config
