"""Words who really wrote: a mail's verdict, senders who look like others, identities that were checked."""

from services.tickets.lookalike import Likeness, Trick
from services.tickets.trust import Verdict
from services.tickets.views.models import EntryView, SuspicionView
from shared.models import EntryKind
from shared.web import vocabulary
from shared.web.i18n import N_, translate

_VERDICTS = {
    Verdict.VERIFIED: N_("This mail really comes from {domain}. It does not say which person wrote it."),
    Verdict.NOT_VERIFIED: N_("Nothing proves that this mail comes from {domain}: anybody can write such a sender."),
    Verdict.FAILED: N_("This mail does not seem to come from {domain}. Somebody may be using the address."),
    Verdict.UNKNOWN: N_("Nobody has checked whether this mail comes from {domain}."),
}
_LIKE = {
    Likeness.STAFF_NAME: N_("«{found}» is the name of our colleague {like}, but this is not their address."),
    Likeness.CENTER_NAME: N_("The sender is called «{found}», as our center is, but does not write from it."),
    Likeness.PROTECTED_NAME: N_("The sender is called «{found}» but does not write from the domain of {like}."),
    Likeness.ADDRESS_IN_NAME: N_("The name shows the address {found}, but the mail was sent from {like}."),
    Likeness.REPLY_TO: N_("Answers are asked for at {found}, another domain than {like}."),
}
_TRICKS = {
    Trick.LETTERS: N_("The domain {found} looks like {like} but is written with other letters."),
    Trick.SPELLING: N_("The domain {found} is spelled almost like {like}."),
    Trick.ENDING: N_("The domain {found} has another ending than {like}."),
    Trick.ADDED_WORDS: N_("The domain {found} is {like} with words added."),
    Trick.INSIDE: N_("The domain {found} only begins like {like}; it belongs to somebody else."),
}
_ENTRIES = {
    (EntryKind.IDENTITY, False): N_("{actor} checked the identity of {address}: {method}."),
    (EntryKind.IDENTITY, True): N_("{actor} took the identity check of {address} back."),
    (EntryKind.SPAM, False): N_("{actor} closed it as spam."),
    (EntryKind.SPAM, True): N_("{actor} said that it is no spam."),
}


def verdict(language: str, value: Verdict, address: str) -> str:
    """What a mail's check means, for somebody who has never heard of SPF."""
    domain = address.rpartition("@")[2] or address or "?"
    return translate(language, _VERDICTS[value], domain=domain)


def suspicion(language: str, found: SuspicionView) -> str:
    sentence = _TRICKS[found.trick] if found.trick is not None else _LIKE[found.kind]
    return translate(language, sentence, found=found.found, like=found.like)


def entry(language: str, line: EntryView) -> str:
    """What somebody did about a sender; empty for other entries."""
    sentence = _ENTRIES.get((line.kind, bool(line.detail.get("taken_back"))))
    if sentence is None:
        return ""
    return translate(
        language,
        sentence,
        actor=line.actor.name if line.actor else "—",
        address=str(line.detail.get("address") or "—"),
        method=vocabulary.label(language, "identity_method", line.detail.get("method", "")).lower(),
    )
