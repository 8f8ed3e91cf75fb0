"""What is urgent in a message: the kinds, what takes a sign back, days, and writers whom the rules never met."""

from datetime import UTC, date, datetime

import pytest

from services.tickets.priority import triage
from services.tickets.topics import TopicMatch
from services.tickets.triage.understand import topic_of
from services.tickets.urgency.answers import danger_of, text_for
from services.tickets.urgency.find import find
from services.tickets.urgency.kept import kept, kinds_of, together
from services.tickets.urgency.kinds import Kind, Reason
from services.tickets.urgency.signs import Signs
from services.tickets.urgency.words import words_of
from shared.models import Level, Priority, SafetyKey
from training.samples import Split, corpus

FRIDAY = date(2026, 11, 27)
# A label of the corpus, and the kinds that answer to it.
ANSWERS = {
    "disconnection": {Kind.DISCONNECTION, Kind.DISCONNECTED},
    "life_support": {Kind.LIFE_SUPPORT},
    "vulnerable": {Kind.VULNERABLE},
    "crisis": {Kind.CRISIS},
    "threat": {Kind.THREAT},
    "press": {Kind.PRESS, Kind.REGULATOR},
    "legal": {Kind.LEGAL, Kind.REGULATOR},
}


@pytest.mark.parametrize(
    ("text", "kind", "words", "day"),
    [
        ("Por favor, me cortan la luz mañana.", Kind.DISCONNECTION, "me cortan la luz mañana", date(2026, 11, 28)),
        ("they gona shut me off tmrw pls call", Kind.DISCONNECTION, "shut me off tmrw", date(2026, 11, 28)),
        ("Tengo un aviso de corte de 48 horas", Kind.DISCONNECTION, "aviso de corte", date(2026, 11, 29)),
        ("it says they will shut us off on Tuesday", Kind.DISCONNECTION, "shut us off on Tuesday", date(2026, 12, 1)),
        ("El aviso dice corte el 2 de diciembre", Kind.DISCONNECTION, "corte", date(2026, 12, 2)),
        ("Disconnection notice: 12/04", Kind.DISCONNECTION, "Disconnection notice", date(2026, 12, 4)),
        ("me desconectan el dia nueve", Kind.DISCONNECTION, "me desconectan", date(2026, 12, 9)),
        ("ya me la cortaron pague ayer", Kind.DISCONNECTED, "me la cortaron", None),
        ("our power was turned off yesterday for nonpayment", Kind.DISCONNECTED, "turned off", None),
        ("mi esposa usa oxigeno y se fue la luz", Kind.LIFE_SUPPORT, "oxigeno", None),
        ("no power since last night and my baby is freezing", Kind.VULNERABLE, "baby", None),
        ("si me cortan la luz me mato", Kind.CRISIS, "me mato", None),
        ("i dont want to live no more", Kind.CRISIS, "dont want to live", None),
        ("les voy a quemar la oficina", Kind.THREAT, "quemar la oficina", None),
        ("I know where your office is and I have a gun", Kind.THREAT, "where your office", None),
        ("no he pagado y me cortan mañana", Kind.DISCONNECTION, "me cortan mañana", date(2026, 11, 28)),
        ("Hi, the shutoff's tomorrow and I have half", Kind.DISCONNECTION, "shutoff's tomorrow", date(2026, 11, 28)),
        ("48 horas dice el papel, ¿qué hago?", Kind.DISCONNECTION, "48 horas dice", date(2026, 11, 29)),
        ("vino un señor con chaleco a cerrar el medidor", Kind.DISCONNECTION, "a cerrar el medidor", None),
        ("the tag on the door says Friday, or we sit in the dark", Kind.DISCONNECTION, "sit in the dark", FRIDAY),
        ("me pegaron un papel rosado en la puerta", Kind.DISCONNECTION, "papel rosado", None),
        ("I owe $200, they cut me off Monday and it is so windy", Kind.DISCONNECTION, "cut me off", date(2026, 11, 30)),
        ("they shut off our ridge for the wind and he sleeps on a c pap", Kind.LIFE_SUPPORT, "c pap", None),
        ("it has a machine that must run day and night", Kind.LIFE_SUPPORT, "machine", None),
        ("I went out meaning not to come back in", Kind.CRISIS, "meaning not to come back", None),
        ("they'd be better off with the insurance than with me", Kind.CRISIS, "better off", None),
        ("díganle a mi señora que me perdone, traigo un lazo en la troca", Kind.CRISIS, "perdone", None),
        ("the next one on my porch goes home in a bag", Kind.THREAT, "goes home in a bag", None),
        ("al que venga lo mando al hospital", Kind.THREAT, "mando al hospital", None),
        ("I write a weekly column for the Coastal Gleaner", Kind.PRESS, "weekly column", None),
        ("three times I faxed it and three times you lost it", Kind.REPEATED, "three times", None),
        ("ya van cuatro llamadas por el mismo cobro", Kind.REPEATED, "cuatro llamadas", None),
        ("I already talked to a reporter at KQED", Kind.PRESS, "reporter", None),
        ("I filed with the C P U C", Kind.REGULATOR, "C P U C", None),
        ("Van a recibir un citatorio del juzgado", Kind.LEGAL, "juzgado", None),
    ],
)
def test_what_is_urgent_comes_with_its_words_and_its_day(text: str, kind: Kind, words: str, day: date | None) -> None:
    found = find(text, today=FRIDAY).of(kind)
    assert found is not None
    quotes = found.quotes
    assert any(words in text[quote.start : quote.end] for quote in quotes), quotes
    assert found.on == day
    assert found.rule


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        ("In 1983 they already shut our power off.", Kind.DISCONNECTED, Reason.PAST),
        ("Una vez, hace veinte años, me cortaron la luz.", Kind.DISCONNECTED, Reason.PAST),
        ("In the end they will not disconnect us.", Kind.DISCONNECTION, Reason.OVER),
        ("Thanks to your colleague the shutoff notice was withdrawn.", Kind.DISCONNECTION, Reason.OVER),
        ("What if they will shut us off?", Kind.DISCONNECTION, Reason.IF),
        ("I am not suing you, I only ask.", Kind.LEGAL, Reason.NOT),
        ("They say they will turn our ridge off Saturday for the wind.", Kind.DISCONNECTION, Reason.WIND),
        ("Van a cortar la luz el martes por trabajos en los postes", Kind.DISCONNECTION, Reason.WIND),
        ("Se cortó la luz anoche en todo el edificio", Kind.DISCONNECTED, Reason.WIND),
        ("they might cut us off tonight, it was on the radio", Kind.DISCONNECTION, Reason.WIND),
        ("¿Es cierto que en invierno no le pueden cortar la luz a uno?", Kind.DISCONNECTION, Reason.ASK),
        ("A caller says they are going to shut me off, pay by gift card", Kind.DISCONNECTION, Reason.SCAM),
        ("que pague con zelle o me cortan hoy", Kind.DISCONNECTION, Reason.SCAM),
        ("In the movie he says he is going to kill himself.", Kind.CRISIS, Reason.OTHERS),
        ("I'll hang myself with this form, haha", Kind.CRISIS, Reason.JOKE),
    ],
)
def test_what_takes_a_sign_back_is_named(text: str, kind: Kind, why: Reason) -> None:
    found = find(text, today=FRIDAY)
    assert kind not in found.kinds
    assert found.taken_back.get(kind) is why


@pytest.mark.parametrize(
    "text",
    [
        "This bill is killing me",
        "me muero de risa con su musiquita",
        "I'm dying to know why my bill went down",
        "se cortó la llamada cuando daba mi número",
        "Please disconnect service at the barn Dec 1, we tore it down",
        "Is there a rebate for a heat recovery ventilator?",
        "I deliver the newspaper and your gate is shut",
        "Tengo ochenta años y quiero saber qué tarifa me conviene",
        "You guys are killing it, keep it up",
        "Please put us back on the standard rate",
        "put me back on plain p g and e",
        "can you switch us to the greener one",
        "we moved out on the first so shut her off",
        "ya tenemos las llaves, pongan la luz allá y me la quiten aquí",
        "llevo una hora en la línea con la musiquita y se corta",
        "does an old notice stay on my record?",
        "Tell my wife the bill is paid, I'll be there at noon, ahí lo espero",
        "se nos fue juntando el recibo y mi esposo se cayó",
        "The gentleman on the phone disconnected me in the middle of a sentence",
        "",
    ],
)
def test_idioms_and_plain_questions_are_not_urgent(text: str) -> None:
    assert find(text, today=FRIDAY).findings == ()


def test_the_gravest_decides() -> None:
    match = TopicMatch("payment_assistance")
    text = "me cortan la luz mañana y ya no quiero vivir"
    found = triage(match, text, "", FRIDAY)
    assert (found.priority, found.level) == (Priority.EMERGENCY, Level.CSR1)
    assert [each.kind for each in found.findings] == [Kind.CRISIS, Kind.DISCONNECTION]
    assert text_for(found, text) is SafetyKey.CRISIS
    threat = triage(TopicMatch("complaint_feedback"), "I'm going to shoot whoever did this", "", FRIDAY)
    assert (threat.priority, threat.level, text_for(threat, "")) == (Priority.HIGH, Level.CSR2, None)
    scam = triage(
        TopicMatch("scam_report"), "he said they shut me off today unless I pay, I gave him my account number"
    )
    assert {each.kind for each in scam.findings} == {Kind.DATA_GIVEN}
    risk = triage(TopicMatch("medical_baseline"), "my wife is on oxygen and the power is out", "", FRIDAY)
    assert text_for(risk, "") is SafetyKey.LIFE_SUPPORT


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("I smell gas in the kitchen", SafetyKey.GAS),
        ("hay un cable tirado en la calle", SafetyKey.WIRE),
        ("the carbon monoxide alarm is going off", SafetyKey.DANGER),
        ("a wire fell and now it smells of gas", SafetyKey.DANGER),
    ],
)
def test_the_text_fits_the_danger(text: str, key: SafetyKey) -> None:
    assert danger_of(text) is key
    assert text_for(triage(topic_of(text), text), text) is key


def test_a_ticket_keeps_what_its_messages_say_in_any_order() -> None:
    first = kept(find("me cortan la luz mañana", today=FRIDAY).findings, _at(1), message_id=1)
    second = kept(find("ya no quiero vivir", today=FRIDAY).findings, _at(2), message_id=2)
    assert together(first, second) == together(second, first, second)
    assert kinds_of(together(first, second)) == [Kind.CRISIS, Kind.DISCONNECTION]


def _at(hour: int) -> datetime:
    return datetime(2026, 11, 27, hour, tzinfo=UTC)


def test_misspelt_words_become_the_ones_that_signs_know() -> None:
    known = frozenset({"quiero", "disconnected", "cobraron", "cortaron"})
    said = [word.key for word in words_of("kiero disconected cobraron cuarenta y ocho gonna 48hrs", known)]
    assert said == ["quiero", "disconnected", "cobraron", "48", "going", "to", "48", "hours"]


def test_a_pattern_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[press\] media: «\(a\|b»: a bracket is not closed"):
        Signs(["[press]", "media:", "  (a|b"])


def test_it_finds_what_is_urgent_in_writers_it_never_met() -> None:
    """A floor against regressions; the figures are in bench/RESULTS.md."""
    samples = [sample for sample in corpus() if sample.split in (Split.TEST, Split.URGENCY)]
    found = {sample.id: find(sample.text, sample.subject, FRIDAY).kinds for sample in samples}
    for flag, kinds in ANSWERS.items():
        true = [s for s in samples if flag in s.flags and "decoy" not in s.flags]
        decoys = [s for s in samples if flag in s.flags and "decoy" in s.flags]
        missed = [s.id for s in true if not found[s.id] & kinds]
        false = [s.id for s in decoys if found[s.id] & kinds]
        assert len(missed) <= 0.1 * len(true), (flag, missed)
        assert len(false) <= 0.1 * len(decoys), (flag, false)
