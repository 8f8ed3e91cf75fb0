"""Whatever the writers of tickets do, they do it in the one order of locks."""

from collections.abc import Iterator

import pytest

from tests.lock_order import watched

# Router, pull, answers to offers, supervisors and their undo, presence, the ladder, clocks, calls, what comes in for
# a ticket that stands: whoever changes a ticket that somebody else may be changing.
WRITERS = {
    "routing/test_offers.py", "routing/test_supervise.py", "routing/test_reassign.py", "tickets/test_presence.py",
    "ladder/test_climb.py", "clocks/test_moves.py", "calls/test_calls.py", "intake/test_threads.py",
    "intake/test_merge.py", "intake/test_split.py",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_lock_order(request: pytest.FixtureRequest) -> Iterator[None]:
    if "/".join(request.path.parts[-2:]) not in WRITERS:
        yield
        return
    with watched() as wrong:
        yield
    assert wrong == []
