"""Who really wrote: what a mail's authentication says, when a checked identity ends, who may be told facts. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """Of one mail. That the domain is the sender's says nothing about who the person is."""

    VERIFIED = "verified"  # it comes from the domain it names
    NOT_VERIFIED = "not_verified"  # the domain publishes nothing to check
    FAILED = "failed"  # the check says that it does not come from there
    UNKNOWN = "unknown"  # nobody whom we believe has looked


_VERDICTS = {"pass": Verdict.VERIFIED, "fail": Verdict.FAILED, "none": Verdict.NOT_VERIFIED}


class Standing(StrEnum):
    """Of an address that an answer goes to."""

    VERIFIED = "verified"  # its newest mail here comes from its domain
    CHECKED = "checked"  # somebody made sure whose it is
    STAFF = "staff"
    LOOKALIKE = "lookalike"  # verified, but it looks like somebody else's
    NOT_VERIFIED = "not_verified"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NEVER_WROTE = "never_wrote"  # nothing came from it on this ticket


MAY_BE_TOLD = frozenset({Standing.VERIFIED, Standing.CHECKED, Standing.STAFF})


@dataclass(frozen=True)
class Mail:
    """A person's mail on the timeline."""

    entry_id: int
    address: str
    verdict: Verdict


@dataclass(frozen=True)
class Check:
    """An identity that somebody checked; `entry_id` is its place on the timeline."""

    id: int
    entry_id: int
    address: str
    taken_back: bool = False


def verdict_of(authentication: Mapping[str, Any]) -> Verdict:
    """From `message.authentication`, as the inbox writes it. Whatever is missing is not known."""
    if authentication.get("verified_by") not in ("server", "here"):
        return Verdict.UNKNOWN
    return _VERDICTS.get(str(authentication.get("verdict")), Verdict.UNKNOWN)


def ended_by(check: Check, mails: Sequence[Mail], checks: Sequence[Check]) -> Mail | None:
    """The mail after which a check no longer counts: a new address that nothing vouches for, or a forgery of its own.

    Somebody who wrote before the check was seen by whoever made it, and so was every address checked by itself.
    """
    seen = {mail.address for mail in mails if mail.entry_id < check.entry_id}
    seen |= {other.address for other in checks if not other.taken_back}
    for mail in mails:
        if mail.entry_id < check.entry_id:
            continue
        if mail.address == check.address:
            if mail.verdict is Verdict.FAILED:
                return mail
        elif mail.verdict is not Verdict.VERIFIED and mail.address not in seen:
            return mail
    return None


def standing(
    address: str,
    mails: Sequence[Mail],
    checks: Sequence[Check],
    staff: Iterable[str] = (),
    alike: Iterable[str] = (),
) -> Standing:
    """What is known of an address on this ticket. Its newest mail counts; a check helps where that does not.

    `alike`: addresses that look like somebody else's. An impostor's own domain authenticates as well as anybody's.
    """
    if address in staff:
        return Standing.STAFF
    newest = next((mail for mail in reversed(mails) if mail.address == address), None)
    verified = newest is not None and newest.verdict is Verdict.VERIFIED
    if verified and address not in alike:
        return Standing.VERIFIED
    for check in checks:
        if check.address == address and not check.taken_back and ended_by(check, mails, checks) is None:
            return Standing.CHECKED
    if verified:
        return Standing.LOOKALIKE
    return Standing(newest.verdict.value) if newest is not None else Standing.NEVER_WROTE
