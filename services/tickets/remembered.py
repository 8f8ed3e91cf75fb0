"""What every contact needs and nobody changes by the second, kept for a few seconds in each process."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")


class Remembered(Generic[T]):
    """Values by key, for each database apart; a change is seen after `seconds` at the latest."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: WeakKeyDictionary[Engine | Connection, dict[object, tuple[float, T]]] = WeakKeyDictionary()

    async def get(self, session: AsyncSession, key: object, load: Callable[[], Awaitable[T]]) -> T:
        """The kept value, or what `load` returns, kept from now on."""
        values = self._kept.setdefault(session.get_bind(), {})
        kept = values.get(key)
        if kept is not None and monotonic() - kept[0] < self._seconds:
            return kept[1]
        value = await load()
        values[key] = (monotonic(), value)
        return value
