"""What counts as a fact of somebody's account: counted on replies in both languages and on the invented mails."""

import json
from pathlib import Path
from time import process_time

import pytest

from services.tickets import reply_templates
from services.tickets.account_facts import MAX_FACTS, FactKind, find

SAMPLES = Path(__file__).parent / "samples"
REPLIES = [json.loads(line) for line in (SAMPLES / "replies.jsonl").read_text("utf-8").splitlines()]
MAILS = [json.loads(line) for line in (SAMPLES / "emails.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("language", ["en", "es"])
def test_replies_are_told_apart(language: str) -> None:
    """The replies were written with the patterns: a ceiling and a guard against getting worse, not an accuracy."""
    wrong = {
        each["id"]: sorted(fact.kind.value for fact in find(each["text"], files=each.get("files", ())))
        for each in REPLIES
        if each["language"] == language
        and sorted(fact.kind.value for fact in find(each["text"], files=each.get("files", ()))) != sorted(each["facts"])
    }
    assert wrong == {}
    assert sum(each["language"] == language for each in REPLIES) >= 30


def test_false_alarms_on_the_invented_mails_are_counted() -> None:
    """Customers' own mails: only what names an account, a service or where it is. Labelled by hand."""
    labelled = {"E02", "E03", "E08", "E14", "E22", "E24", "E29", "E30", "E37"}
    found = {each["id"] for each in MAILS if find(each["body"])}
    named = {each["id"] for each in MAILS if each["expected"]["account_number"]}
    assert found - labelled == set(), "false alarms"
    assert labelled - found == set(), "missed"
    assert named <= found


def test_our_own_templates_hold_no_facts() -> None:
    values = {"utility_phone": "1-800-743-5000", "outage_phone": "1-800-743-5002", "center": "Center", "number": "42"}
    for key, template in reply_templates.shipped().items():
        assert find(reply_templates.fill(template.body, values)) == [], key


def test_each_fact_has_its_words() -> None:
    text = "Dear Marcus,\n\nThank you for waiting. Your balance of $412.77 is right; nothing was billed twice."
    [fact] = find(text)
    assert (fact.kind, fact.found) == (FactKind.AMOUNT, "$412.77")
    assert "Your balance of $412.77 is right" in fact.quote
    assert len(fact.quote) < 110


def test_a_number_that_the_recipient_named_is_not_told_by_repeating_it() -> None:
    reply = "About your account 1020304050-6: your balance is $80.12."
    told = ["Hello, account 1020304050-6, what do I owe?"]
    assert [fact.kind for fact in find(reply)] == [FactKind.ACCOUNT_NUMBER, FactKind.AMOUNT]
    assert [fact.kind for fact in find(reply, told=told)] == [FactKind.AMOUNT]
    assert [fact.kind for fact in find(reply, told=["I owe $80.12."])] == [FactKind.ACCOUNT_NUMBER, FactKind.AMOUNT]


@pytest.mark.parametrize("text", ["$5 " * 33_000, "your " * 20_000, "1 a " * 25_000, "." * 100_000, "7" * 100_000])
def test_no_text_takes_long(text: str) -> None:
    before = process_time()
    assert len(find(f"Your balance {text}")) <= MAX_FACTS
    assert process_time() - before < 5  # of this process alone; backtracking would take hours
