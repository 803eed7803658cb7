"""Every test of labs has a home of its own.

A lab ends the cluster that an earlier run of it left: two tests of lab 00 side by side
would end each other's, and that of whoever is learning on this machine.
"""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    """Have the clusters of a test in a folder of its own."""
    monkeypatch.setenv("RMQLAB_HOME", str(tmp_path / "home"))
