"""Why a ticket has its language, in the reader's words: the short answer first, then what each witness says."""

from services.tickets.pages.wording_language import evidence
from shared.language import Evidence, Heard, decide, read_text


def told(language: str, found: Evidence, **more: object) -> list[str]:
    decision = decide(found)
    kept = {**decision.evidence, **more}
    return evidence(language, decision.language, decision.confidence, decision.source, kept)


def test_the_short_answer_names_who_agrees() -> None:
    text = read_text("Hola, necesito ayuda con mi recibo")
    assert told("en", Evidence(text=text), thread={"es": 2})[0] == "Spanish, 99 %: text; earlier messages."
    assert told("es", Evidence(text=text), thread={"es": 2})[0] == "Español, 99 %: texto; mensajes anteriores."
    short, *more = told("en", Evidence(text=read_text("ok"), earlier=("es",)))
    assert short == "Spanish, 77 %: earlier messages."
    assert more[0] == "The text alone does not tell."


def test_both_languages_are_shown() -> None:
    text = read_text("hola, my bill is too high and nobody answers, ya no sé qué hacer por favor")
    lines = told("en", Evidence(text=text, menu="en"))
    assert lines[0].startswith("English and Spanish mixed, ")
    assert any(line.startswith("In both languages: «") for line in lines)
    assert "The caller chose English in the phone menu." in lines


def test_people_and_silence() -> None:
    assert told("en", Evidence(text=read_text("hola"), correction="es"))[0] == "A representative set it to Spanish."
    assert told("en", Evidence(text=read_text("ok")))[0] == "Nothing tells the language."
    assert told("es", Evidence(audio=Heard("unknown", 0.9, ("vi", 0.9))))[0] == "Vietnamita, 90 %: voz."


def test_evidence_from_before_weights_were_kept() -> None:
    kept = {"text": {"language": "es", "confidence": 0.9, "words": 5}}
    assert evidence("en", "es", 0.9, "text", kept) == ["Spanish, 90 %: text.", "The text reads as Spanish (90 %)."]
