"""What failed first in a journey is what is told, whatever else fails while everybody goes home."""

from typing import cast

import pytest
from playwright.async_api import Page

from tests.journeys.house import House


class Screen:
    url = "http://house/work"

    async def inner_text(self, _selector: str, **_options: object) -> str:
        return "My work\n\nNo offers"


class Falling(House):
    """A house whose desk cannot be left any more."""

    def __init__(self) -> None:
        self.left: list[str] = []

    async def sign_in(self, key: str, *, available: bool = True) -> Page:
        return cast(Page, Screen())

    async def set_intent(self, page: Page, intent: str) -> None:
        raise RuntimeError(f"500 for {intent}")

    async def leave(self, page: Page) -> None:
        self.left.append(page.url)


async def test_what_failed_at_the_desk_is_raised_with_what_was_seen_and_what_failed_then() -> None:
    house = Falling()
    with pytest.raises(TimeoutError, match="no offer") as failed:
        async with house.at_desk("ben", "ana"):
            raise TimeoutError("no offer")
    assert failed.value.__notes__ == [
        "ben saw http://house/work: My work No offers",
        "ana saw http://house/work: My work No offers",
        *["and on the way home: RuntimeError('500 for offline')"] * 2,
    ]
    assert len(house.left) == 2


async def test_who_cannot_leave_fails_a_journey_that_went_well() -> None:
    house = Falling()
    with pytest.raises(RuntimeError, match="500 for offline"):
        async with house.at_desk("ben"):
            pass
    with pytest.raises(ExceptionGroup, match="on the way home"):
        async with house.at_desk("ben", "ana"):
            pass
    assert len(house.left) == 3
