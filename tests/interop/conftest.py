"""What the checks share: their assertions say what differs, as those of tests do."""

import pytest

pytest.register_assert_rewrite("tests.interop.catalogue")
