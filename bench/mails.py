"""Invented mails for measurements: plain questions in English and Spanish, each with its own words and sender."""

from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from local.config import HELP_ADDRESS
from shared import clock

TEXTS = (
    "Hello,\n\nI got my bill and do not understand the generation charge. Could somebody explain it?\n\nThanks,\n",
    "Buenas tardes:\n\nMe llegó la factura y no entiendo el cargo de generación. ¿Me lo explican?\n\nGracias,\n",
    "Good morning,\n\nWe are moving next month. How do we stop the service at the old address?\n\nBest,\n",
    "Hi,\n\nIs there a rebate for a heat pump water heater this year, and how do I apply?\n\nRegards,\n",
)


ENGLISH = (TEXTS[0], *TEXTS[2:])


def mail(number: int, texts: tuple[str, ...] = TEXTS) -> EmailMessage:
    """The mail of that number; the same number gives the same words."""
    message = EmailMessage()
    message["From"] = f"Customer {number} <customer{number}@example.com>"
    message["To"] = HELP_ADDRESS
    message["Subject"] = f"bench-{number:05d}"
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain="example.com")
    message.set_content(texts[number % len(texts)] + f"Customer {number}\n")
    return message
