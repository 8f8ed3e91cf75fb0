"""Whose words a mail is judged by: the author's, not those they answer, quote or pass on."""

from datetime import UTC, datetime
from typing import Any

from services.tickets.intake_reading import forwarded_words, read, searchable
from services.tickets.topics import EMERGENCY
from shared.models import Message
from shared.settings import Settings

SETTINGS = Settings.model_construct(timezone="America/Los_Angeles")

BILL = {"name": "Billing", "address": "bills@utility.example.com", "subject": "Past due", "text": (
    "This is a notice that your service will be disconnected. Call us at 707-555-0199 if you have any questions."
)}  # fmt: skip


def mail(text_new: str, **values: Any) -> Message:
    return Message(
        **{"text_new": text_new, "text_full": text_new, "subject": "", "in_reply_to": [], "forwarded": [],
           "received_at": datetime(2026, 11, 27, 18, tzinfo=UTC), "from_name": "Ana",
           "from_address": "ana@example.com", **values}
    )  # fmt: skip


def test_a_spanish_mail_with_an_english_one_passed_on_is_spanish() -> None:
    reading = read(SETTINGS, mail("¿Me pueden ayudar con este aviso, por favor?", forwarded=[BILL]))
    assert reading.language.language == "es"
    assert reading.callback_number is None  # the number is the utility's
    assert "text" not in reading.text


def test_without_a_word_of_its_own_the_mail_passed_on_says_the_language() -> None:
    assert read(SETTINGS, mail("", forwarded=[BILL])).language.language == "en"


def test_an_emergency_passed_on_is_an_emergency() -> None:
    tenant = {**BILL, "text": "It smells like gas in my kitchen and nobody answers."}
    assert read(SETTINGS, mail("FYI, from my tenant", forwarded=[tenant])).triage.topic == EMERGENCY


def test_lines_that_are_answered_are_not_the_authors() -> None:
    answers = "> Do you smell gas in the house? Please tell us at once.\n\nNo, ya no. Muchas gracias por su ayuda."
    reading = read(SETTINGS, mail(answers, subject="Re: x", in_reply_to=["<1@center.example.org>"]))
    assert reading.language.language == "es"
    assert reading.triage.topic != EMERGENCY


def test_a_first_mail_may_begin_its_lines_with_the_mark() -> None:
    assert (
        read(SETTINGS, mail("Two things:\n> I smell gas in the kitchen\n> the meter hisses")).triage.topic == EMERGENCY
    )


def test_what_was_passed_on_is_found_by_search() -> None:
    message = mail("Look", forwarded=[BILL])
    assert forwarded_words(message) == BILL["text"]
    for words in ("Look", "bills@utility.example.com", "Past due", "disconnected"):
        assert words in searchable(message)
