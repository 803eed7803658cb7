"""Two machines for every test that asks for them."""

from __future__ import annotations

import pytest

from tests.sim.two import Two


@pytest.fixture
def two():
    with Two() as both:
        yield both
