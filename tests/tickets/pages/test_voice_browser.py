"""A voicemail's ticket by keyboard alone, on a phone's width: the card plays its places, the words are corrected."""

import pytest

from tests.browser import OpenAs
from tests.tickets.pages.office import Office, talking
from tests.tickets.pages.test_caller import SAID
from tests.tickets.pages.test_player import at, heard

PHONE = {"width": 320, "height": 800}


@pytest.mark.browser
@pytest.mark.parametrize(
    ("who", "summary", "corrected"),
    [("carla", "Correct the transcript", "Corrected by"), ("mateo", "Corregir la transcripción", "Corregida por")],
)
async def test_the_card_plays_and_the_transcript_is_corrected_by_keyboard(
    office: Office, open_as: OpenAs, who: str, summary: str, corrected: str
) -> None:
    ticket = await office.voicemail([SAID], flags=[], audio=talking((2.0, 11.0)))
    page = await open_as(office[who], f"/tickets/{ticket}", viewport=PHONE)
    await page.wait_for_selector(".player__wave .quiet", state="attached")
    link = page.locator("#caller a[data-seek]").first
    place = float(await link.get_attribute("data-seek") or 0)
    assert place >= 2.0
    await link.focus()
    await page.keyboard.press("Enter")
    await heard(page, place)  # and the page has not been left
    await page.keyboard.press("Escape")
    await page.locator("summary", has_text=summary).focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    text = page.locator("[id^=correct-] textarea")
    assert await text.evaluate("field => field === document.activeElement")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("Huele a gas.")  # no letter of it is a shortcut here
    assert await text.input_value() == "Huele a gas."
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    section = page.locator("section", has_text=corrected)
    await section.first.wait_for()
    assert "Huele a gas." in await section.first.inner_text()
    assert await at(page) >= 0
