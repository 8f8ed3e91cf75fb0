"""The content security policy in a real browser: a ticket with a formatted mail leaves the console clean."""

import pytest

from tests.browser import OpenAs
from tests.tickets.pages.office import ENGLISH, SPANISH, Office

pytestmark = pytest.mark.browser
NEWSLETTER = (
    "<html><head><style>p{color:red}</style></head><body style='margin:0' bgcolor=white><table width=600 "
    "align=center style=''><tr><td style='color:red' align=right><font color=red>Hola</font>"
    "<img src='http://tracker.example/x.png' style='' width=1><p style=''>Gracias</p></td></tr></table></body></html>"
)


async def test_the_console_stays_clean_with_formatted_mail_and_after_a_swap(office: Office, open_as: OpenAs) -> None:
    ticket = await office.mail("Mi recibo", SPANISH, html=NEWSLETTER)
    page = await open_as(office["mateo"], f"/tickets/{ticket}")  # which fails afterwards on any complaint
    await page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
    await page.frame_locator("iframe.mail-frame").get_by_text("Gracias").wait_for()
    # As after a gap in the live connection: the open page fetches itself and swaps.
    async with page.expect_response(lambda answer: answer.url.endswith(f"/tickets/{ticket}") and answer.ok):
        await page.evaluate("document.body.dispatchEvent(new CustomEvent('live', {detail: {names: ['resync']}}))")
    await page.wait_for_timeout(300)
    await page.goto(f"/tickets/{await office.mail('Two companies?', ENGLISH)}")
