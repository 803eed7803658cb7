"""What live panels share: they look once a second, and are shown as a widget.

They look from a thread of their own, so they go on while a cell runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import ipywidgets as widgets

from rmqlab.classroom.runtime import ClusterError

REFRESH_S = 1.0


class Watch:
    """Looks once a second, or when told to, until it is closed or the cluster gone."""

    def __init__(
        self, look: Callable[[], object], gone: Callable[[str], object]
    ) -> None:
        self._look, self._gone = look, gone
        self._is_closed, self._due = False, threading.Event()
        threading.Thread(target=self._run, name="rmqlab-panel", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._due.wait(REFRESH_S)
            self._due.clear()
            if self._is_closed:
                return
            try:
                self._look()
            except ClusterError as error:
                self._gone(str(error))
                return

    def look_now(self) -> None:
        """Look without waiting for the second to be over."""
        self._due.set()

    def close(self) -> None:
        """Stop looking."""
        self._is_closed = True
        self._due.set()


def display_widget(widget: widgets.Widget, text: str) -> None:
    """Show a widget in a notebook; `text` stands where there are no widgets.

    A fixed text: outputs of different runs can be compared.
    """
    from IPython.display import display  # noqa: PLC0415

    display(  # type: ignore[no-untyped-call]
        {
            "text/plain": text,
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": widget.model_id,
            },
        },
        raw=True,
    )
