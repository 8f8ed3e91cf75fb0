"""Words the timeline's facts and the router's reasons in the reader's language."""

from collections.abc import Callable
from typing import Any

from services.tickets.pages import (
    wording_caller,
    wording_calls,
    wording_clocks,
    wording_ladder,
    wording_moves,
    wording_trust,
)
from services.tickets.views.models import EntryView
from shared.models import EntryKind
from shared.web import vocabulary
from shared.web.i18n import N_, language_name, ntranslate, translate

# What the system did has no actor; the customer's own doings are shown as cards, not as sentences.
_BY_PERSON: dict[EntryKind, str] = {
    EntryKind.ACCEPTED: N_("{actor} accepted it."),
    EntryKind.DECLINED: N_("{actor} declined it."),
    EntryKind.LINKED: N_("{actor} linked it to ticket #{ticket}."),
    EntryKind.TRANSCRIPT_CORRECTED: N_("{actor} corrected the transcript of the voicemail."),
    EntryKind.DELIVERY_CANCELLED: N_("{actor} took the reply to {to} back before it left. Nobody received it."),
    EntryKind.DELIVERY_AGAIN: N_("{actor} sent the mail to {to} again as it was."),
}
_BY_SYSTEM: dict[EntryKind, str] = {
    EntryKind.ACCEPTED: N_("It was accepted."),
    EntryKind.DECLINED: N_("It was declined."),
    EntryKind.LINKED: N_("It is linked to ticket #{ticket}."),
    EntryKind.TRANSCRIPT: N_("The voicemail was transcribed."),
    EntryKind.TRANSCRIPT_CORRECTED: N_("The transcript of the voicemail was corrected."),
    EntryKind.DELIVERY_CANCELLED: N_("The reply to {to} was taken back before it left. Nobody received it."),
    EntryKind.DELIVERY_AGAIN: N_("The mail to {to} was sent again as it was."),
    EntryKind.DELIVERY_SENT: N_("The mail to {to} was sent."),
    EntryKind.DELIVERY_FAILED: N_("The mail to {to} could not be delivered."),
    EntryKind.BOUNCE: N_("Our mail did not reach {to}: their mail server sent it back."),
}
# What stands in `what` (of machines' mail: in `machine`) → the sentence; the first is for what has none.
_BY_WHAT: dict[EntryKind, dict[str, str]] = {
    EntryKind.SPLIT: {
        "to": N_("{actor} split off what belongs to ticket #{ticket}."),
        "from": N_("{actor} split this ticket off ticket #{ticket}."),
    },
    EntryKind.MERGED: {
        "from": N_("{actor} let ticket #{ticket} go on here."),
        "into": N_("{actor} let this ticket go on in ticket #{ticket}."),
        "apart": N_("{actor} took this ticket and ticket #{ticket} apart again."),
    },
    EntryKind.PARTICIPANT: {
        "added": N_("{actor} let {address} speak on this ticket."),
        "removed": N_("{actor} removed {address}: their mail opens a ticket of its own."),
        "declined": N_("{actor} did not let {address} in, who was in copy."),
    },
    EntryKind.RETURNED: {
        "dismissed": N_("{actor} saw that the answer to {addresses} came back."),
        "resent": N_("{actor} sent the answer that came back from {addresses} again."),
        "called": N_("{actor} called because the answer to {addresses} came back."),
        "closed": N_("{actor} closed it after the answer to {addresses} came back."),
    },
    EntryKind.MACHINE_MAIL: {
        "auto_reply": N_("An automatic reply; it is never answered."),
        "complaint": N_("{addresses} called a mail of ours spam. Nothing automatic is written there any more."),
        "receipt": N_("A receipt: a mail of ours was read or arrived."),
        "challenge": N_("Their mail system wants to know that a person wrote to them before it lets our mail through."),
        "list": N_("A mailing list's mail arrived; it is never answered."),
        "loop": N_("Our own mail came back."),
    },
}
# Why the desk itself did something; what people write is shown as they wrote it.
REASONS = {
    "left": N_("the person left"),
    "away": N_("the customer wrote again and the person is not there"),
    "offline": N_("the person went offline"),
    "break": N_("the person went on a break"),
    "busy": N_("the person is busy"),
    "language": N_("it now needs somebody verified in its language"),
    "level": N_("it now needs a higher level"),
    "role": N_("the person's role changed"),
    "works": N_("the person no longer takes tickets"),
    "inactive": N_("the person no longer works here"),
    "deactivated": N_("the person no longer works here"),
    "reassigned": N_("a supervisor moved it"),
    "undone": N_("a supervisor undid the move"),
    "closed": N_("it was closed"),
    "customer_mail": N_("the customer wrote again"),
    "customer_voicemail": N_("the customer called again"),
    "stranger": N_("somebody who is not part of that ticket answered it"),
    "closed_long_ago": N_("that ticket was closed long ago"),
    "answers_both": N_("one mail of the customer answers both"),
    "merged": N_("it goes on in another ticket"),
    "call_due": N_("it is time to call again and the person is not there"),
    "no_words": N_("nobody spoke in the call"),
}
_RULES = {
    "role": (N_("{n} does not take tickets"), N_("{n} do not take tickets")),
    "available": (N_("{n} is not available"), N_("{n} are not available")),
    "live": (N_("{n} is not at the screen"), N_("{n} are not at the screen")),
    "responsive": (N_("{n} has just missed an offer"), N_("{n} have just missed an offer")),
    "on_shift": (N_("{n} is not on shift"), N_("{n} are not on shift")),
    "shift_end": (N_("{n} goes home in a moment"), N_("{n} go home in a moment")),
    "language": (N_("{n} is not verified in the language"), N_("{n} are not verified in the language")),
    "level": (N_("{n} has a level too low for it"), N_("{n} have a level too low for it")),
    "intern": (N_("{n} is an intern and this is not simple work"), N_("{n} are interns and this is not simple work")),
    "capacity": (N_("{n} has enough work"), N_("{n} have enough work")),
    "barred": (N_("{n} has just had it"), N_("{n} have just had it")),
    "sticky": (N_("{n} waits for the person who knows it"), N_("{n} wait for the person who knows it")),
    "reserve": (N_("{n} is kept for Spanish work"), N_("{n} are kept for Spanish work")),
}
_OFFER_FLAGS = {
    "interpreter": N_("Nobody here is verified in this language: an interpreter may be needed."),
    "over_capacity": N_("An emergency does not wait for room: nobody who may take it had any left."),
}
FLAGS = {
    "no_speech": N_("No speech was heard: listen to the recording."),
    "doubtful": N_("The machine was not sure: listen before you rely on it."),
    "doubtful_digits": N_("A number was not heard well: listen before you call it."),
    "loop": N_("The machine repeated itself: listen to the recording."),
    "boilerplate": N_("These may be words nobody said: listen to the recording."),
    "prompt_echo": N_("These may be words nobody said: listen to the recording."),
    "translated": N_("The text is not in the language that was spoken: listen to the recording."),
    "unheard": N_("Somebody speaks here without words in the transcript: listen to the recording."),
    "faint": N_("Hardly a voice: listen to the recording."),
    "other_language": N_("Spoken in a language that we do not answer in."),
    "too_fast": N_("More words than anybody says in that time: listen to the recording."),
    "repeated_tries": N_("It took several tries to make out the words."),
    "silence": N_("There is only silence."),
    "language_uncertain": N_("It is not certain which language was spoken."),
    "mixed_language": N_("More than one language was spoken."),
    "too_short": N_("The recording is very short."),
}


def _name(entry: EntryView) -> str:
    return entry.actor.name if entry.actor else ""


def _text(value: object) -> str:
    return "" if value is None else str(value)


def reasons(language: str, detail: dict[str, Any]) -> tuple[str, str]:
    """(the desk's own cause in the reader's language, a person's words as they are); either may be empty."""
    cause = _text(detail.get("cause"))
    return translate(language, REASONS[cause]) if cause in REASONS else "", _text(detail.get("reason"))


def flag(language: str, value: str) -> str:
    return translate(language, FLAGS[value]) if value in FLAGS else value.replace("_", " ")


def _changed(
    language: str, entry: EntryView, by_person: str, by_system: str, word: Callable[[str], str], agreed: str = ""
) -> str:
    """`agreed`: somebody said that what stood there is right."""
    before, after = _text(entry.detail.get("from")), _text(entry.detail.get("to"))
    values = {"actor": _name(entry), "before": word(before) if before else "—", "after": word(after) if after else "—"}
    if agreed and entry.actor and before == after:
        return translate(language, agreed, **values)
    return translate(language, by_person if entry.actor else by_system, **values)


def sentence(language: str, entry: EntryView, topic_name: Callable[[str], str], timezone: str = "UTC") -> str:
    """One line that says what happened. The cards (mail, voicemail, note) have it as their heading."""
    detail = entry.detail
    kind = entry.kind
    if kind is EntryKind.LANGUAGE:
        return _changed(
            language,
            entry,
            N_("{actor} set the language from {before} to {after}."),
            N_("The language was set from {before} to {after}."),
            lambda value: language_name(language, value),
            N_("{actor} confirmed the language: {after}."),
        )
    if kind is EntryKind.TOPIC:
        return _changed(
            language,
            entry,
            N_("{actor} set the topic from «{before}» to «{after}»."),
            N_("The topic was set from «{before}» to «{after}»."),
            topic_name,
            N_("{actor} confirmed the topic: «{after}»."),
        )
    if kind is EntryKind.PRIORITY:
        return _changed(
            language,
            entry,
            N_("{actor} set the priority from {before} to {after}."),
            N_("The priority was set from {before} to {after}."),
            lambda value: vocabulary.label(language, "priority", value).lower(),
            N_("{actor} confirmed the priority: {after}."),
        )
    if kind is EntryKind.STATE:
        return _state(language, entry)
    if kind in (EntryKind.CALL, EntryKind.PROMISE):
        return wording_calls.entry(language, entry, timezone)
    if kind is EntryKind.CLOCK:
        return wording_clocks.entry(language, entry, timezone)
    if kind in (EntryKind.IDENTITY, EntryKind.SPAM):
        return wording_trust.entry(language, entry)
    if kind in (EntryKind.CALLER, EntryKind.KIND):
        return wording_caller.entry(language, entry)
    if kind is EntryKind.LADDER:
        return wording_ladder.entry(language, entry, timezone)
    if kind is EntryKind.OFFERED:
        person = _person(detail)
        return (
            translate(language, N_("It was offered to {person}."), person=person)
            if person
            else translate(language, N_("It was offered to a representative."))
        )
    if kind is EntryKind.EXPIRED:
        person = _person(detail)
        return (
            translate(language, N_("{person} did not answer the offer in time."), person=person)
            if person
            else (translate(language, N_("The offer was not answered in time.")))
        )
    if kind in (EntryKind.ASSIGNED, EntryKind.PIN):
        return wording_moves.entry(language, entry)
    if kind is EntryKind.RELEASED:
        return wording_moves.released(language, entry, timezone)
    if kind is EntryKind.BOUNCE and detail.get("delayed"):
        return translate(language, N_("The mail to {to} is delayed; the mail server keeps trying."), to=_to(entry))
    if kind is EntryKind.BOUNCE and detail.get("permanent") is False:
        return translate(language, N_("The mail did not reach {to} in time; it may work later."), to=_to(entry))
    if kind is EntryKind.ALERT:
        word = vocabulary.label(language, "alert", _text(detail.get("alert") or detail.get("kind")))
        return translate(language, N_("Alert for the supervisors: {alert}."), alert=word)
    values = {
        "actor": _name(entry) or translate(language, N_("The system")),
        "ticket": _text(detail.get("ticket_id") or detail.get("ticket")),
        "to": _to(entry),
        "address": _text(detail.get("address")),
        "addresses": ", ".join(_text(each) for each in detail.get("addresses") or []) or "—",
    }
    if kind in _BY_WHAT:
        sentences = _BY_WHAT[kind]
        what = _text(detail.get("machine") if kind is EntryKind.MACHINE_MAIL else detail.get("what"))
        return translate(language, sentences.get(what, next(iter(sentences.values()))), **values)
    table = _BY_PERSON if entry.actor and kind in _BY_PERSON else _BY_SYSTEM
    return translate(language, table[kind], **values) if kind in table else ""


def _to(entry: EntryView) -> str:
    if entry.delivery and entry.kind is not EntryKind.BOUNCE:
        return ", ".join(entry.delivery.to)
    recipients = entry.detail.get("recipients") or entry.detail.get("to") or []
    if isinstance(recipients, str):
        return recipients
    if not entry.detail.get("delayed"):  # of a report about several: those who did not get it
        recipients = [each for each in recipients if not isinstance(each, dict) or each.get("kind") != "delayed"]
    return ", ".join(_text(each.get("address")) if isinstance(each, dict) else _text(each) for each in recipients)


def _person(detail: dict[str, Any]) -> str:
    return _text(detail.get("person_name") or detail.get("name") or detail.get("person"))


def _state(language: str, entry: EntryView) -> str:
    after = _text(entry.detail.get("to"))
    actor = _name(entry)
    if entry.detail.get("cause") == "taken_back":
        word = vocabulary.label(language, "state", after)
        return translate(language, N_("It is again as it was before the reply: {state}."), state=word)
    if after == "closed":
        return translate(language, N_("{actor} closed it.") if actor else N_("It was closed."), actor=actor)
    if after == "waiting":
        return translate(
            language,
            N_("{actor} set it to wait for the customer.") if actor else N_("It waits for the customer."),
            actor=actor,
        )
    if _text(entry.detail.get("from")) == "closed":
        return translate(language, N_("{actor} opened it again.") if actor else N_("It was opened again."), actor=actor)
    return _changed(
        language,
        entry,
        N_("{actor} moved it from «{before}» to «{after}»."),
        N_("It moved from «{before}» to «{after}»."),
        lambda value: vocabulary.label(language, "state", value),
    )


def why(language: str, explanation: dict[str, Any], *, mine: bool = True) -> list[str]:
    """Why this person: the router's stored explanation in sentences."""
    say: list[str] = []
    if explanation.get("previous"):
        say.append(
            translate(language, N_("You know this ticket already.") if mine else N_("Knows this ticket already."))
        )
    required = explanation.get("required_language")
    if required and required not in ("any", "en"):
        name = language_name(language, str(required))
        mode = vocabulary.label(language, "mode", explanation.get("mode", "")).lower()
        say.append(
            translate(
                language,
                N_("You are verified in {name} ({mode}).") if mine else N_("Verified in {name} ({mode})."),
                name=name,
                mode=mode,
            )
        )
    elif required == "any":
        say.append(translate(language, N_("A verified bilingual is needed.")))
    idle = explanation.get("idle_minutes")
    if isinstance(idle, (int, float)) and idle >= 1:
        sentence_ = N_("Free for {n} minute."), N_("Free for {n} minutes.")
        say.append(ntranslate(language, *sentence_, round(idle)))
    candidates = explanation.get("candidates") or []
    if len(candidates) > 1:
        say.append(
            ntranslate(
                language,
                N_("{n} other could take it as well."),
                N_("{n} others could take it as well."),
                len(candidates) - 1,
            )
        )
    rejected = explanation.get("rejected") or {}
    parts = [words for rule, people in rejected.items() if people and (words := refused(language, rule, len(people)))]
    if parts:
        say.append(translate(language, N_("Not asked: {list}."), list=", ".join(parts)))
    return [*say, *flags(language, explanation)]


def refused(language: str, rule: str, n: int) -> str:
    """«3 are not verified in the language»; empty for what says nothing, as that managers take no tickets."""
    return ntranslate(language, *_RULES[rule], n) if rule in _RULES and rule != "role" else ""


def flags(language: str, explanation: dict[str, Any]) -> list[str]:
    """What was unusual about an offer."""
    found = explanation.get("flags") or []
    return [translate(language, sentence) for name, sentence in _OFFER_FLAGS.items() if name in found]
