"""Both catalogs are whole: each sentence of screens, errors and the timeline stands in both languages."""

import ast
import re
from datetime import time, timedelta
from pathlib import Path

import pytest

from services.tickets.pages import wording, wording_moves, wording_waiting
from shared import clock
from shared.web import i18n, messages, vocabulary

ROOT = Path(messages.__file__).parent.parent.parent
PLACEHOLDER = re.compile(r"\{(\w*)\}")


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_sentence_is_missing(language: str) -> None:
    missing = messages.untranslated(language, messages.extracted())
    assert missing == [], "run `python -m shared.web.messages` and translate what it lists"


def test_translations_fill_in_the_same_values() -> None:
    wrong = []
    for message in messages.read("es"):
        if not message.id:
            continue
        english = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
        spanish = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        names = {name for text in english for name in PLACEHOLDER.findall(text)}
        if any(set(PLACEHOLDER.findall(text or "")) != names for text in spanish):
            wrong.append(message.id)
    assert wrong == []


def test_spanish_is_not_english() -> None:
    """A sentence of several words that was left as it was is not translated."""
    same = [
        message.id
        for message in messages.read("es")
        if isinstance(message.id, str) and message.id == message.string and len(message.id.split()) > 2
    ]
    assert same == []


def test_errors_are_raised_with_sentences_that_the_catalogs_know() -> None:
    """What is raised is a literal, or a name whose literal is marked for the catalogs."""
    known = {message.id for message in messages.read("es") if isinstance(message.id, str)}
    unknown = []
    for place in messages.PLACES:
        for path in sorted((ROOT / place).rglob("*.py")):
            tree = ast.parse(path.read_text("utf-8"))
            constants = {
                target.id: node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for node in ast.walk(tree):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                    continue
                if node.func.id not in messages.ERRORS:
                    continue
                first: ast.expr = node.args[0]
                if isinstance(first, ast.Name):
                    first = constants.get(first.id, first)
                if isinstance(first, ast.Call) and first.args:
                    first = first.args[0]
                if isinstance(first, ast.Constant) and first.value not in known:
                    unknown.append(f"{path.relative_to(ROOT)}:{node.lineno} {first.value!r}")
    assert unknown == []


def test_every_flag_and_reason_has_its_word() -> None:
    for table in (wording.REASONS, wording.FLAGS, wording_moves.ASSIGN_FLAGS):
        for sentence in table.values():
            assert i18n.translate("es", sentence) != sentence


def test_stored_values_have_words_in_both_languages() -> None:
    from services.tickets.views.mailboxes import Condition
    from services.tickets.views.models import DeliveryStatus
    from shared.models import (
        AlertKind,
        Channel,
        Intent,
        LanguageSource,
        Level,
        Machine,
        Priority,
        RecordingState,
        Role,
        Security,
        SignInWith,
        Situation,
        TicketState,
    )

    for kind, values in {
        "state": TicketState, "priority": Priority, "channel": Channel, "level": Level, "role": Role,
        "intent": Intent, "language_source": LanguageSource, "delivery": DeliveryStatus, "recording": RecordingState,
        "machine": Machine, "alert": AlertKind, "mailbox_condition": Condition, "sign_in_with": SignInWith,
        "security": Security, "situation": Situation,
    }.items():  # fmt: skip
        assert set(vocabulary.LABELS[kind]) == {member.value for member in values}, kind


def test_numbers_of_things() -> None:
    assert i18n.ntranslate("es", "{n} ticket", "{n} tickets", 1) == "1 caso"
    assert i18n.ntranslate("es", "{n} ticket", "{n} tickets", 2) == "2 casos"
    assert i18n.ntranslate("en", "{n} ticket", "{n} tickets", 0) == "0 tickets"


def test_an_unknown_sentence_is_shown_as_it_is() -> None:
    assert i18n.translate("es", "Something nobody wrote {x}", x=1) == "Something nobody wrote 1"
    assert i18n.translate("es", "A brace { alone", x=1) == "A brace { alone"


def test_telephone_numbers_are_written_as_people_read_them() -> None:
    assert i18n.phone("+17075550142") == "(707) 555-0142"
    assert i18n.phone("+525512345678") == "+52 55 1234 5678"
    assert i18n.phone("anonymous") == "anonymous"


def test_the_days_beside_today_have_a_word_in_each_language() -> None:
    now = clock.now()
    said = [i18n.instant(language, "UTC", now + timedelta(days=days)) for language in ("en", "es") for days in (-1, 1)]
    assert [each.split()[0] for each in said] == ["yesterday", "tomorrow", "ayer", "mañana"]


def test_a_longer_time_never_reads_as_a_shorter_one() -> None:
    hour = 3600
    assert [i18n.span("en", hours * hour) for hours in (1.5, 2, 25, 36, 48)] == [
        "90 minutes", "2 hours", "25 hours", "36 hours", "2 days",
    ]  # fmt: skip
    assert (i18n.span("es", 20), i18n.span("es", 63)) == ("20 segundos", "1 minuto")


def test_an_abbreviations_period_ends_its_sentence() -> None:
    noon = i18n.clock_time("es", time(12))
    assert noon.endswith(".m.")
    assert i18n.translate("es", "You have been calling since {time}.", time=noon).endswith("12:00\u202fp.m.")


def test_one_and_many_are_told_apart() -> None:
    """What a count of people says of them, where both languages say it in another way of one and of several."""
    tables = (wording._RULES, wording_waiting._COULD, wording_waiting._CANNOT)
    alike = [
        (language, one)
        for table in tables
        for one, many in table.values()
        for language in i18n.LANGUAGES
        if i18n.translate(language, one) == i18n.translate(language, many)
    ]
    assert alike == []


def test_the_zone_of_times_has_a_name_that_people_say() -> None:
    assert i18n.zone_name("en", "America/Los_Angeles") == "Pacific Time"
    assert i18n.zone_name("es", "America/Los_Angeles") == "hora del Pacífico"
