"""Waits that end, and say what they waited for: for calls that know no time-out of their own."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def within(seconds: float, what: str, awaited: Awaitable[T]) -> T:
    """Its result. Raises AssertionError with `what` when it does not come."""
    try:
        async with asyncio.timeout(seconds) as bound:
            return await awaited
    except TimeoutError as error:
        if not bound.expired():
            raise
        raise AssertionError(f"within {seconds:.0f} s there was not: {what}") from error
