"""The center of the intake's tests, for those of calls."""

from tests.tickets.intake.conftest import center

__all__ = ["center"]
