"""The one language decision: what words say, alone and against what was heard, pressed and known."""

import subprocess
import sys
import time

import pytest

from shared.language import (
    CLEAR,
    MIXED,
    THIN,
    UNKNOWN,
    Evidence,
    Heard,
    LanguageDecision,
    TextEvidence,
    decide,
    fold,
    read_text,
    without_boilerplate,
)

FOOTER = """
This email and any attachments are confidential and intended solely for the use of the individual to whom they
are addressed. If you have received this email in error please notify the sender and delete it from your system.
"""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        # Short, in capitals, without accents: how people write.
        ("hablan español?", "es"),
        ("ME VAN A CORTAR LA LUZ", "es"),
        ("necesito ayuda con mi cuenta", "es"),
        ("cuanto cuesta evergreen", "es"),
        ("quiero darme de baja", "es"),
        ("por favor llamenme", "es"),
        ("Hola", "es"),
        ("gracias!", "es"),
        ("Please call me", "en"),
        ("Need help with my bill", "en"),
        ("the lights are out", "en"),
        ("WHY IS MY BILL SO HIGH", "en"),
        ("thanks", "en"),
        # English mail that names Spanish things, and the other way round.
        ("We live on Calle del Sol in La Honda and would like to know our rate.", "en"),
        ("El app de GridSavvy no me deja entrar, me dice error de password.", "es"),
        ("Thank you for your help with our question. Muchas gracias y saludos", "en"),
        # Other languages, also those that look like Spanish.
        ("Bom dia! Gostaria de mudar para o plano EverGreen. Quanto fica a mais por mês?", "pt"),
        ("Bonjour, je voudrais savoir pourquoi ma facture est si élevée ce mois-ci.", "fr"),
        ("Magandang araw po. Bakit po may dagdag na singil sa bill namin?", "tl"),
        ("Xin chào, tôi cần giúp về hóa đơn tiền điện tháng này.", "vi"),
        ("您好,我的账单上多了一项发电费用,请问是不是收错了?", "zh"),
        ("안녕하세요 전기 요금에 대해 질문이 있습니다", "ko"),
        ("Здравствуйте, почему счет такой большой?", "ru"),
        # Both.
        (
            "Hola, nos cambiaron a una tarifa por horario y ahora sale carísima. ¿Podemos regresar a la de antes?\n\n"
            "Hi, we got moved to a time of use plan and it is very expensive. Can we go back to the old one?",
            MIXED,
        ),
        ("Ich habe eine Frage zu meiner Rechnung", "de"),
        ("我的电费突然变成$310，请查一下", "zh"),
        # From one into the other and back, inside a sentence.
        ("so my bill llegó carísimo this month y no entiendo por qué, can you check it", MIXED),
        ("hi um my dad wants to apply for el descuento pero él no habla English", MIXED),
        ("se fue la luz like two hours ago y nadie contesta, do you know when it comes back", MIXED),
        # Names, streets, loans and what somebody else wrote are not a second language.
        ("My neighbor María del Carmen Hernández told me about the taquería discount.", "en"),
        ("Me llegó el bill y el breaker está caliente, mi cuenta es del apartamento.", "es"),
        ('Vivo en 412 Almendro Court, el recibo dice "final notice, pay now or disconnect". ¿Es de ustedes?', "es"),
        ("HOW MUCH IS THE FEE? Thank You Señor", "en"),
        ("Factura Muy Alta Este Mes", "es"),
        # Nothing that tells.
        ("ok", UNKNOWN),
        ("Ok. No.", UNKNOWN),
        ("", UNKNOWN),
        ("  \n ", UNKNOWN),
        ("bill", UNKNOWN),
        ("no", UNKNOWN),
        ("John Smith", UNKNOWN),
        ("707-555-0123", UNKNOWN),
        ("PG&E Sonoma Clean Power", UNKNOWN),
        ("https://example.com/the/way/you/are", UNKNOWN),
        ("me@example.com", UNKNOWN),
        ("\x00\x01\ufffd", UNKNOWN),
    ],
)
def test_what_a_text_is_written_in(text: str, language: str) -> None:
    found = read_text(text)
    assert found.language == language
    assert 0 <= found.confidence <= 1
    assert (found.language == UNKNOWN) == (found.confidence < THIN)


def test_the_authors_name_tells_nothing() -> None:
    assert read_text("thx\nguadalupe castro", author="Guadalupe Castro").spanish_words == 0
    assert read_text("Will you call?", author="Will Harris").english_words == 3, "not where it is a common word"


def test_what_tells_is_kept() -> None:
    found = read_text("Hola, my bill is too high and nobody answers, ya no sé qué hacer con esto")
    assert found.language == MIXED
    english, spanish = found.telling
    assert "my bill is too high" in english
    assert "qué hacer con esto" in spanish
    assert set(read_text("Necesito ayuda con mi recibo").telling) <= {"Necesito", "ayuda", "recibo", "con", "mi"}


def test_one_word_is_never_clear() -> None:
    for word in ("hola", "gracias", "thanks", "yes"):
        assert read_text(word).confidence < CLEAR


@pytest.mark.parametrize("footer", [FOOTER, "\nSent from my iPhone", "\n\nGet Outlook for Android"])
def test_english_below_spanish_is_not_the_authors(footer: str) -> None:
    found = read_text(f"Buenas, les mando otra vez el recibo. ¿Ya con eso queda?\n{footer}")
    assert (found.language, found.english_words) == ("es", 0)
    assert "confidential" not in without_boilerplate(f"Hola\n{footer}")


def test_it_never_takes_long() -> None:
    started = time.perf_counter()
    for text in ("this email " * 200_000, "This message contains\nabc " * 50_000, "¿" * 500_000, "a." * 500_000):
        read_text(text)
    assert time.perf_counter() - started < 60


def test_fold() -> None:
    assert fold("FACTURACIÓN ñandú") == "facturacion nandu"


ES = TextEvidence("es", 0.98, 20, 0, 9)
EN = TextEvidence("en", 0.98, 20, 9, 0)
ONE_WORD_ES = TextEvidence("es", 0.75, 1, 0, 1)
WEAK_EN = TextEvidence("en", 0.6, 1, 1, 0)
NOTHING = TextEvidence()


@pytest.mark.parametrize(
    ("evidence", "language", "source"),
    [
        (Evidence(text=ES), "es", "text"),
        (Evidence(text=EN), "en", "text"),
        (Evidence(text=NOTHING), UNKNOWN, "none"),
        (Evidence(), UNKNOWN, "none"),
        # A correction wins over everything.
        (Evidence(text=EN, history="en", menu="en", correction="es"), "es", "correction"),
        # What is known of the customer: over English and over little, not over a clear other language.
        (Evidence(text=EN, history="es"), "es", "history"),
        (Evidence(text=WEAK_EN, history="es"), "es", "history"),
        (Evidence(text=NOTHING, history="es"), "es", "history"),
        (Evidence(text=ES, history="en"), "es", "text"),
        (Evidence(text=ES, history="es"), "es", "text"),
        (Evidence(text=TextEvidence("tl", 0.95, 20), history="es"), "tl", "text"),
        (Evidence(text=EN, history="unknown"), "en", "text"),
        # Voicemail: before the words, the menu, then the line.
        (Evidence(menu="es"), "es", "menu"),
        (Evidence(line="es"), "es", "line"),
        (Evidence(menu="en", line="es"), "en", "menu"),
        (Evidence(menu="en", history="es"), "es", "history"),
        # Then the voice, whatever was pressed.
        (Evidence(audio=Heard("es", 0.97), text=ES, menu="en"), "es", "audio"),
        (Evidence(audio=Heard("en", 0.97), text=EN, menu="es"), "en", "audio"),
        (Evidence(audio=Heard("mixed", 0.9), menu="en"), MIXED, "audio"),
        # What it wrote down may add a language that it did not name.
        (Evidence(audio=Heard("en", 0.9), text=TextEvidence(MIXED, 0.85, 30, 8, 8)), MIXED, "audio"),
        (Evidence(audio=Heard("en", 0.9), text=ES), MIXED, "audio"),
        # A language that the recogniser was not asked for.
        (Evidence(audio=Heard(UNKNOWN, 0.95, ("vi", 0.93)), menu="en"), "vi", "audio"),
        (Evidence(audio=Heard(UNKNOWN, 0.6, ("vi", 0.55)), menu="en"), "en", "menu"),
        # Little leans on earlier messages; a clear text does not.
        (Evidence(text=NOTHING, earlier=("es",)), "es", "history"),
        (Evidence(text=ONE_WORD_ES, earlier=("en", "en", "en")), "en", "history"),
        (Evidence(text=ONE_WORD_ES, earlier=("es",)), "es", "text"),
        (Evidence(text=ES, earlier=("en", "en", "en")), "es", "text"),
        (Evidence(text=NOTHING, earlier=("es",), history="en"), "en", "history"),
        # A doubtful voice is no witness; one that is not sure against the menu needs who speaks both.
        (Evidence(audio=Heard("en", 0.3), menu="es"), "es", "menu"),
        (Evidence(audio=Heard(UNKNOWN, 0.9), menu="es"), "es", "menu"),
        (Evidence(audio=Heard("en", 0.6), menu="es"), MIXED, "audio"),
    ],
)
def test_all_witnesses_together(evidence: Evidence, language: str, source: str) -> None:
    decision = decide(evidence)
    assert (decision.language, decision.source) == (language, source)
    assert 0 <= decision.confidence <= 1
    if evidence.correction:
        assert decision.confidence == 1


def test_witnesses_that_agree_make_it_surer() -> None:
    alone, together = (decide(Evidence(text=ONE_WORD_ES, earlier=each)) for each in ((), ("es", "es")))
    assert together.confidence > alone.confidence == pytest.approx(0.75)
    assert together.evidence["weights"] == [["text", "es", 1.1], ["earlier", "es", 1.8]]
    # A weak witness against a clear text makes nothing unclear.
    assert decide(Evidence(text=ES, menu="en", line="en")).confidence >= CLEAR


def test_the_evidence_is_kept() -> None:
    decision = decide(Evidence(text=read_text("Hola, necesito ayuda"), audio=Heard("es", 0.9), menu="en", line="en"))
    assert isinstance(decision, LanguageDecision)
    assert decision.evidence["text"]["spanish_words"] == 3
    assert decision.evidence["audio"] == {"language": "es", "confidence": 0.9}
    assert decision.evidence["menu"] == "en"
    assert decision.evidence["version"].startswith("1-")
    assert "history" not in decision.evidence


def test_the_detector_is_small_and_not_loaded_before_it_is_needed() -> None:
    code = (
        "import sys\n"
        "import shared.language\n"
        "assert 'lingua' not in sys.modules\n"
        "def mib():\n"
        "    return int(open('/proc/self/statm').read().split()[1]) * 4 // 1024\n"
        "before = mib()\n"
        "shared.language.read_text('Hola, necesito ayuda con mi recibo')\n"
        "print(mib() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 60
