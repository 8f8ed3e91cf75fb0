"""Who may be told facts: verdicts, checked identities and when they end. And when mail that looks like spam waits."""

from typing import Any

import pytest

from services.tickets.spam import is_held
from services.tickets.trust import Check, Mail, Standing, Verdict, ended_by, standing, verdict_of

ANA, OTHER = "ana@example.com", "other@example.net"


@pytest.mark.parametrize(
    ("authentication", "verdict"),
    [
        ({"verdict": "pass", "verified_by": "server", "domain": "example.com"}, Verdict.VERIFIED),
        ({"verdict": "pass", "verified_by": "here"}, Verdict.VERIFIED),
        ({"verdict": "pass", "verified_by": None}, Verdict.UNKNOWN),
        ({"verdict": "fail", "verified_by": "server"}, Verdict.FAILED),
        ({"verdict": "none", "verified_by": "here"}, Verdict.NOT_VERIFIED),
        ({"spf": "pass", "dkim": "pass", "trusted": True}, Verdict.UNKNOWN),
        ({"verdict": "excellent", "verified_by": "server"}, Verdict.UNKNOWN),
        ({}, Verdict.UNKNOWN),
    ],
)
def test_only_a_verdict_that_somebody_we_believe_reached_counts(
    authentication: dict[str, Any], verdict: Verdict
) -> None:
    assert verdict_of(authentication) is verdict


def mail(entry_id: int, address: str = ANA, verdict: Verdict = Verdict.NOT_VERIFIED) -> Mail:
    return Mail(entry_id, address, verdict)


CHECK = Check(1, entry_id=10, address=ANA)


@pytest.mark.parametrize(
    ("mails", "counts"),
    [
        ([mail(5)], True),
        ([mail(5), mail(15)], True),
        ([mail(5), mail(15, verdict=Verdict.FAILED)], False),
        ([mail(5, verdict=Verdict.FAILED)], True),  # whoever checked had seen it
        ([mail(5), mail(15, OTHER)], False),
        ([mail(5), mail(15, OTHER, Verdict.UNKNOWN)], False),
        ([mail(5), mail(15, OTHER, Verdict.VERIFIED)], True),
        ([mail(4, OTHER), mail(5), mail(15, OTHER)], True),  # not new
    ],
)
def test_a_check_ends_when_a_new_unverified_address_appears(mails: list[Mail], counts: bool) -> None:
    assert (ended_by(CHECK, mails, [CHECK]) is None) is counts


def test_an_address_that_is_checked_as_well_ends_nothing() -> None:
    mails = [mail(5), mail(15, OTHER)]
    also = Check(2, 20, OTHER)
    assert ended_by(CHECK, mails, [CHECK, also]) is None
    assert ended_by(CHECK, mails, [CHECK, Check(2, 20, OTHER, taken_back=True)]) is not None


def test_the_standing_of_who_gets_an_answer() -> None:
    verified = [mail(5, verdict=Verdict.VERIFIED)]
    assert standing(ANA, verified, []) is Standing.VERIFIED
    assert standing(ANA, [*verified, mail(6, verdict=Verdict.FAILED)], []) is Standing.FAILED
    assert standing(ANA, [mail(5)], []) is Standing.NOT_VERIFIED
    assert standing(ANA, [mail(5)], [CHECK]) is Standing.CHECKED
    assert standing(ANA, [mail(5)], [Check(1, 10, ANA, taken_back=True)]) is Standing.NOT_VERIFIED
    assert standing(OTHER, [mail(5)], [CHECK]) is Standing.NEVER_WROTE
    assert standing(OTHER, [], [], {OTHER}) is Standing.STAFF


def held(**values: Any) -> bool:
    usual: dict[str, Any] = {
        "called_spam": True, "judged_spam": None, "verdict": Verdict.UNKNOWN, "known": False, "goes_on": False,
        "emergency": False,
    }  # fmt: skip
    return is_held(**usual | values)


def test_what_looks_like_spam_waits_for_a_person() -> None:
    assert held()
    assert not held(called_spam=False)
    assert not held(known=True)
    assert not held(goes_on=True)


def test_an_emergency_is_never_held() -> None:
    assert not held(emergency=True)
    assert not held(emergency=True, judged_spam=True)


def test_what_a_person_said_about_the_sender_counts_more() -> None:
    assert held(called_spam=False, judged_spam=True)
    assert held(judged_spam=True, known=True)
    assert not held(judged_spam=False)
    assert held(judged_spam=False, verdict=Verdict.FAILED)  # a word for the sender helps nobody who forges it
    assert not held(judged_spam=True, goes_on=True)
