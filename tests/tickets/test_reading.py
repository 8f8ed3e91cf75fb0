"""Whatever strangers write, reading it ends, quickly, with an answer that the store can hold."""

import time
from datetime import date

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from services.tickets.facts import FactKind, as_e164, callback_of, find, numbers_in
from services.tickets.markdown import to_html
from services.tickets.priority import is_angry, triage
from services.tickets.sanitise import safe_html
from services.tickets.thread import bare_subject, is_reply, subject_number
from services.tickets.topics import emergency_phrases, known, match_topic
from shared.language import Evidence as LanguageEvidence
from shared.language import decide, read_text
from shared.models import Level, Priority

WORDS = st.sampled_from(
    [
        "oh",
        "one",
        "siete",
        "cuarenta",
        "y",
        "triple",
        "dash",
        "guion",
        "cien",
        "555",
        "-",
        ",",
        "my number is",
        "gas",
        "amp",
    ]
)
SENTENCES = st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=60).map(" ".join))


@tries(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=SENTENCES, subject=st.text(max_size=80))
@example(text="\ud800", subject="")
@example(text="cien triple", subject="[#1")
def test_any_text_can_be_read(text: str, subject: str) -> None:
    found = triage(match_topic(text, subject), text, subject)
    assert known(found.topic)
    assert isinstance(found.priority, Priority)
    assert isinstance(found.level, Level)
    last = 0
    for fact in find(text, date(2026, 11, 27)):
        assert last <= fact.start < fact.end <= len(text), "in order, none overlapping"
        last = fact.end
        if fact.kind is FactKind.PHONE:
            assert as_e164(fact.value) == fact.value or len(fact.value) == 7
        if fact.kind is FactKind.ACCOUNT:
            assert len(fact.value.replace("-", "")) in (10, 11)
    decision = decide(LanguageEvidence(text=read_text(text)))
    assert 0 <= decision.confidence <= 1
    assert len(decision.language) == 2 or decision.language in ("mixed", "unknown")
    assert bare_subject(bare_subject(subject)) == bare_subject(subject)
    assert not is_reply(bare_subject(subject), [])
    number = subject_number(subject)
    assert number is None or number >= 0
    assert "<script" not in safe_html(text, {}).lower()
    assert "<script" not in to_html(text).lower()


@pytest.mark.parametrize(
    "text",
    [
        "amp " * 50_000,
        "1" * 200_000,
        "707-555-" * 30_000,
        "account " * 30_000,
        "cuarenta y " * 30_000,
        "triple five " * 30_000,
        "My name is " * 20_000,
        "Soy A" * 40_000,
        "de la " * 40_000,
        " " * 200_000,
        "\n" * 200_000,
        "a." * 100_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_text_is_read_quickly(text: str) -> None:
    started = time.perf_counter()
    triage(match_topic(text, text[:500]), text, text[:500])
    find(text, date(2026, 11, 27))
    read_text(text)
    is_angry(text)
    assert time.perf_counter() - started < 60


@pytest.mark.parametrize(
    ("text", "account", "callback"),
    [
        ("SA IDs 5050505050 and 6060606060", None, None),
        ("My account is 1020304050", "1020304050", None),
        ("Mi cuenta: 1020304050-6", "1020304050-6", None),
        ("1020304050-6", "1020304050-6", None),
        ("call 7075550131", None, "+17075550131"),
        ("T 707-555-0128 | F 707-555-0129", None, "+17075550128"),
        ("fax: (707) 555-0129", None, None),
        ("+1 707 555 0131", None, "+17075550131"),
        ("siete cero siete, 555-0188", None, "+17075550188"),
        ("$1,234.56 on 2026-11-23 at 12:30, 94952-1234", None, None),
    ],
)
def test_ten_digits_are_never_guessed(text: str, account: str | None, callback: str | None) -> None:
    found = numbers_in(text)
    assert [each.value for each in found if each.kind is FactKind.ACCOUNT] == [*filter(None, [account])]
    assert callback_of(found) == callback


@pytest.mark.parametrize(
    ("text", "emergency"),
    [
        ("I smell gas", True),
        ("we smelled gas near the stove", True),
        ("There are downed wires on Main Street", True),
        ("the transformer exploded", True),
        ("HUELE MUCHO A GAS... huele a gas!", True),
        ("hay un cable tirado en la calle", True),
        ("My gas bill is high", False),
        ("natural gas furnace replacement", False),
        ("the line was busy", False),
        ("no hay luz en mi calle", False),
    ],
)
def test_emergencies(text: str, emergency: bool) -> None:
    assert bool(emergency_phrases(text)) == emergency
