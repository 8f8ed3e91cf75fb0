"""Whatever a test of the tickets service does, it is done in the one order of locks."""

from collections.abc import Iterator

import pytest

from tests.lock_order import watched


@pytest.fixture(autouse=True)
def _one_lock_order() -> Iterator[None]:
    with watched() as wrong:
        yield
    assert wrong == []
