"""The player in a real browser: by keyboard, at a phone's width, one at a time, and what without JavaScript remains."""

import pytest
from playwright.async_api import Page
from sqlalchemy import func, select

from shared.database import Database
from shared.models import AuditEvent
from tests.browser import OpenAs
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import Office, spoken, talking
from tests.tickets.pages.test_accessibility import problems

REGIONS: tuple[dict[str, object], ...] = (
    {"start": 0.0, "end": 2.4, "kind": "speech"},
    {"start": 2.4, "end": 7.0, "kind": "silence"},
    {"start": 7.0, "end": 12.0, "kind": "speech", "unheard": [[10.0, 12.0]]},
)


async def voicemail(office: Office) -> int:
    """Twelve seconds: a sentence, silence, another sentence."""
    return await office.voicemail(
        [
            spoken("Buenos días, habla Rosario Peñaloza.", unsure=("Peñaloza",)),
            spoken("Mi número es cinco cinco cinco.", start=7.0, flags=("doubtful_digits",)),
            {"start": 10.0, "end": 11.0, "text": "Gracias por ver", "flags": ["boilerplate"], "in_text": False},
        ],
        flags=["doubtful_digits"],
        audio=talking((0.0, 2.4), (7.0, 10.0)),
        regions=REGIONS,
    )


async def at(page: Page) -> float:
    return float(await page.evaluate("document.querySelector('audio').currentTime"))


async def heard(page: Page, since: float, until: float = 12.0) -> list[float]:
    """It plays, and its place comes to be between the two; the places on the way there."""
    places = []
    for _ in range(300):
        places.append(await at(page))
        if since <= places[-1] <= until and not await page.evaluate("document.querySelector('audio').paused"):
            return places
        await page.wait_for_timeout(50)
    pytest.fail(f"not heard from {since} s on: {await at(page)}")


async def test_without_javascript_it_is_the_browsers_player_and_the_words(as_person: SignIn, office: Office) -> None:
    ticket = await voicemail(office)
    page = (await (await as_person("mateo")).get(f"/tickets/{ticket}")).text
    assert '<audio controls preload="none"' in page
    assert "Silencio, 4 segundos" in page
    assert "Omitido: Estas pueden ser palabras" in " ".join(page.split())
    assert "Aquí alguien habla durante 2 segundos" in page
    assert '<button type="button" class="word' not in page


@pytest.mark.browser
async def test_by_keyboard_at_a_phones_width(office: Office, open_as: OpenAs, database: Database) -> None:
    ticket = await voicemail(office)
    page = await open_as(office["mateo"], f"/tickets/{ticket}", viewport={"width": 320, "height": 800})
    await page.wait_for_selector(".player__wave .quiet", state="attached")
    assert await problems(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    async with database.transaction() as session:
        listened = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "recording.listen")
        assert await session.scalar(listened) == 0  # nothing is loaded before it is played
    slider = page.locator(".player__position")
    await page.keyboard.press("f")  # the second sentence
    assert await slider.get_attribute("aria-valuetext") == "0:07 de 0:12"
    await page.keyboard.press(",")
    await page.keyboard.press("p")
    await heard(page, 1.3, 6.9)
    await page.wait_for_selector(".word.is-said")
    async with database.transaction() as session:
        assert await session.scalar(listened) == 1
    # Enter on a word plays from there; the arrows walk, and one word only is a stop of the Tab key.
    await page.locator(".word[role=button]").focus()
    await page.keyboard.press("End")
    await page.keyboard.press("ArrowLeft")
    assert await page.locator(".word[tabindex]").count() == 1
    await page.keyboard.press("Enter")
    await heard(page, 8.5)
    # Silence is skipped: nobody hears the most of it.
    await page.check("[data-skip]")
    await page.evaluate("document.querySelector('audio').currentTime = 3.2")
    assert not [place for place in await heard(page, 6.5) if 5.0 < place < 6.5]
    await page.select_option("[data-speed]", "1.5")
    await page.keyboard.press("Escape")
    await page.click("[data-do=play]")
    stopped = await at(page)
    # Anything on the page can say where to play; speed and place are there again after a reload.
    await page.reload()
    assert float(await slider.input_value()) == pytest.approx(stopped, abs=0.3)
    assert await page.input_value("[data-speed]") == "1.5"
    mark = "<button data-seek='1.2' id='hear'>1.2</button>"
    await page.evaluate("mark => document.querySelector('h1').insertAdjacentHTML('beforeend', mark)", mark)
    await page.click("#hear")
    await heard(page, 1.2, 6.0)
    assert await page.evaluate("document.querySelector('audio').playbackRate") == 1.5
