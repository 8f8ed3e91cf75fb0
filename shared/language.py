"""The one language decision of both channels: what a text is written in, and what all the evidence together says.

`read_text` looks at words. Everyday words that only one of English and Spanish has are counted clause by clause,
because they survive capitals, missing accents and two-word mails; lingua (low accuracy mode: 15 MiB instead of 139,
and no more errors on our samples) recognises the other languages and breaks ties. `decide` weighs that against what
was heard, pressed and known before. Both are pure; evidence is kept with the decision.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingua import LanguageDetector

UNKNOWN = "unknown"
MIXED = "mixed"
CLEAR = 0.85  # from here on a text stands on its own
THIN = 0.5  # below, we do not know

# Read at most this much: a language shows early, and a mail of megabytes must not hold up the others.
MAX_CHARACTERS = 20_000

# Common in California, told apart from English and Spanish by lingua.
_DETECTED = ("ENGLISH", "SPANISH", "TAGALOG", "CHINESE", "VIETNAMESE", "PORTUGUESE", "FRENCH", "KOREAN", "RUSSIAN")

# Words of one language that are not words of the other, nor common ones of Portuguese, French or Tagalog.
_ENGLISH_WORDS = """
    the and is are was were have i i'm i've i'd you your you're we we're our my it it's its of to for with this that
    what when where how why who can could would should please thanks thank help need want not don't didn't doesn't can't
    won't does did be been from they there there's their any will about but if or by she his her him call hello hi hey
    yes get got just still which some someone because on in out off today tomorrow back question questions how's
    morning afternoon evening dear regards sincerely sent cheers asap outage english speak am an know than then these
    those them us here has had had't isn't wasn't after before until also only very much many more most other new up
"""
_SPANISH_WORDS = """
    el la los las y es una unos unas del con mi mis su sus yo pero muy hola gracias buenos buenas buen dias tardes
    noches tengo tiene tienen tenemos quiero quisiera queremos necesito necesitamos puedo puede pueden podria podrian
    favor porque cuando cuanto cuantos cuesta usted ustedes ayuda ayudar ayudarme ayudenme luz factura recibo cuenta
    llamo llame llamen llamenme llamarme marquen marquenme hablan habla hablo hablar espanol senor senora sra esposo
    esposa hija hijo mama papa aqui alla alli ahora hace hasta desde sin donde cual quien soy somos estoy estamos estan
    dice dicen dijo dijeron dolares servicio numero telefono ya si tambien nada algo alguien muchas muchos mucho bien
    informacion urgente correo nombre direccion saludos atentamente disculpe disculpen oiga pregunta duda cancelar
    pagar pago cobran cobro cobraron llego salio este esto eso ese esta estos hay fue son tarifa reembolso casa nos
    cuanto quisieramos solicito favor al le les cortar corte aviso ocupo aplico ni o cargador descuento regresar
"""
_SPANISH_SIGNS = ("ñ", "¿", "¡")
_FOREIGN_SIGNS = frozenset("ãõçœêèùßăâđơư")
# «o», «al», «le», «nos»… are Portuguese, French or Tagalog too: they count only beside a word that is Spanish alone.
_SHARED_WORDS = "o al le les la es esta este nos ni casa si su sus ya son bien numero los fue una luz pago hay"
# Courtesies: people borrow them. A greeting or a farewell does not say what the letter is written in.
_COURTESY_WORDS = """
    hi hello hey dear thank thanks you your for regards sincerely cheers please hola buenos buenas buen dias tardes
    noches gracias muchas saludos atentamente favor y por senor senora
"""
_ENGLISH, _SPANISH, _SHARED, _COURTESY = (
    frozenset(words.split()) for words in (_ENGLISH_WORDS, _SPANISH_WORDS, _SHARED_WORDS, _COURTESY_WORDS)
)

_CHUNK = re.compile(r"\S+")
_DIGIT = re.compile(r"\d")
_BRANDS = re.compile(
    r"\b(pg\s?&\s?e|pge|sonoma clean power|evergreen|cleanstart|gridsavvy|netgreen|chargepoint|liheap|care|fera|amp)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.!?;:…。？！]+|[¿¡]|\n\s*\n|,\s+(?=but |and |pero |y )")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# Boilerplate that a mail server adds, in English even under Spanish text.
_FOOTER = re.compile(
    r"(?ims)^[ \t*_>-]*(?:this (?:e-?mail|message|communication|transmission)[^\n]{0,80}?\b(?:and any|is intended"
    r"|may contain|contains|is confidential|is for)|confidentiality notice"
    r"|the information (?:contained )?in this (?:e-?mail|message)"
    r"|if you (?:are not the intended|have received this|received this)|sent from my |get outlook for"
    r"|enviado desde mi|obtener outlook|aviso de confidencialidad|este (?:correo|mensaje)[^\n]{0,60}confidencial)"
    r".*?(?=\n\s*\n|\Z)"
)


@dataclass(frozen=True)
class TextEvidence:
    """What a text is written in, and the counts that say so."""

    language: str = UNKNOWN
    confidence: float = 0.0
    words: int = 0
    english_words: int = 0
    spanish_words: int = 0
    detector: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "language": self.language,
            "confidence": round(self.confidence, 3),
            "words": self.words,
            "english_words": self.english_words,
            "spanish_words": self.spanish_words,
            "detector": {language: round(value, 3) for language, value in self.detector.items()},
        }


@dataclass(frozen=True)
class Heard:
    """What a recognizer of speech says: en, es, mixed or unknown."""

    language: str
    confidence: float


@dataclass(frozen=True)
class Evidence:
    """All that may speak for a language. None: that witness was not there."""

    text: TextEvidence | None = None
    audio: Heard | None = None
    menu: str | None = None  # pressed by the caller
    line: str | None = None  # implied by the number that was called
    history: str | None = None  # the customer's, stated or corrected before
    correction: str | None = None  # by a representative, on this ticket


@dataclass(frozen=True)
class LanguageDecision:
    language: str
    confidence: float
    source: str  # a value of shared.models.LanguageSource
    evidence: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1)
def _detector() -> "LanguageDetector":
    """Built at the first need: a process that never reads text does not pay for it."""
    from lingua import Language, LanguageDetectorBuilder

    languages = [getattr(Language, name) for name in _DETECTED]
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()


def fold(text: str) -> str:
    """Lower case without accents, as people type when they are in a hurry."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


def without_boilerplate(text: str) -> str:
    """The text without footers, addresses, numbers and brand names, none of which is anybody's language."""
    return _BRANDS.sub(" ", _CHUNK.sub(_words_only, _FOOTER.sub(" ", text)))


def _words_only(chunk: re.Match[str]) -> str:
    """Addresses, links and anything with a digit are nobody's language. One look each, however long they are."""
    text = chunk.group()
    if "@" in text or "://" in text or text[:4].lower() == "www." or _DIGIT.search(text):
        return " "
    return text


def read_text(text: str) -> TextEvidence:
    """What language the author of `text` wrote in. Empty or telling nothing: unknown, confidence 0."""
    text = without_boilerplate(text[:MAX_CHARACTERS])
    clauses = [_WORD.findall(clause.lower().replace("’", "'")) for clause in _CLAUSE.split(text)]
    words = [word for clause in clauses for word in clause]
    if not words:
        return TextEvidence()
    english = sum(word in _ENGLISH for word in words)
    spanish = sum(fold(word) in _SPANISH for word in words)
    signs = sum(sign in text.lower() for sign in _SPANISH_SIGNS)
    if not signs and all(fold(word) in _SHARED for word in words if fold(word) in _SPANISH):
        spanish = 0 if _FOREIGN_SIGNS & set(text.lower()) else spanish // 2
    spanish += 2 * signs
    values = _detector().compute_language_confidence_values(text)
    detector = {v.language.iso_code_639_1.name.lower(): v.value for v in values[:3] if v.value > 0}
    language, confidence = _weigh(words, clauses, english, spanish, detector)
    return TextEvidence(language, confidence, len(words), english, spanish, detector)


def _weigh(
    words: list[str], clauses: list[list[str]], english: int, spanish: int, detector: Mapping[str, float]
) -> tuple[str, float]:
    known = english + spanish
    top, top_value = next(iter(detector.items()), (UNKNOWN, 0.0))
    letters = sum(len(word) for word in words)
    if top not in ("en", "es") and top_value >= 0.8 and known < 0.2 * len(words) and (len(words) >= 3 or letters >= 8):
        return top, min(top_value, 0.95)
    if known == 0:
        # Names and brand words look like English to a detector: without one everyday word we want more of it.
        if len(words) >= 4 and top_value >= 0.8:
            return top, 0.6 * top_value
        return UNKNOWN, 0.3 * top_value
    if _both(clauses, english, spanish):
        return MIXED, 0.85
    language, count = ("es", spanish) if spanish >= english else ("en", english)
    share = count / known
    english_said = sum(word in _ENGLISH and word not in _COURTESY for word in words)
    spanish_said = sum(fold(word) in _SPANISH and fold(word) not in _COURTESY for word in words)
    if min(english_said, spanish_said) == 0 and max(english_said, spanish_said) >= 3:
        # One language says something, the other is only courteous.
        language, count, share = ("es", spanish, 1.0) if spanish_said else ("en", english, 1.0)
    agreement = detector.get(language, 0.0)
    # One everyday word alone is 0.6; four that agree are clear, and so is a detector that agrees with two,
    # or with one in a whole sentence.
    counted = 1 - 0.4 * 0.62 ** (count - 1)
    agreed = min(agreement, 0.99 if count >= 2 else 0.86) if len(words) >= 3 or count >= 2 else 0.0
    confidence = share * max(counted, agreed)
    if len(words) == 1:
        confidence = min(confidence, 0.6)
    return (language, min(confidence, 0.99)) if confidence >= THIN else (UNKNOWN, confidence)


def _both(clauses: list[list[str]], english: int, spanish: int) -> bool:
    """Whether each language has a clause of its own and at least a quarter of the everyday words.

    A Spanish sign-off under an English letter, or an English loan word in Spanish, is not a second language.
    """
    if min(english, spanish) < 0.25 * (english + spanish):
        return False
    pure_english = pure_spanish = False
    for clause in clauses:
        en = sum(word in _ENGLISH and word not in _COURTESY for word in clause)
        es = sum(fold(word) in _SPANISH - _SHARED - _COURTESY for word in clause)
        pure_english = pure_english or (en >= 3 and en >= 3 * es)
        pure_spanish = pure_spanish or (es >= 2 and es >= 2 * en)
    return pure_english and pure_spanish


def decide(evidence: Evidence) -> LanguageDecision:
    """Weigh all witnesses.

    A representative's correction wins. What the customer is known to prefer wins over a text or voice in English and
    over weak evidence; a clear other language wins over what was known. Then what was written or said, the menu, the
    line. Evidence that contradicts itself ends on the side of the one who can serve both: mixed.
    """
    kept = _as_json(evidence)
    if evidence.correction:
        return LanguageDecision(evidence.correction, 1.0, "correction", kept)
    language, confidence, source = _written_or_said(evidence)
    if evidence.history and evidence.history not in (UNKNOWN, MIXED):
        clear_other = confidence >= CLEAR and language not in ("en", UNKNOWN, evidence.history)
        if not clear_other:
            agrees = language == evidence.history
            return LanguageDecision(
                evidence.history, max(confidence, 0.9) if agrees else 0.8, source if agrees else "history", kept
            )
    pressed, pressed_source = (evidence.menu, "menu") if evidence.menu else (evidence.line, "line")
    if language == UNKNOWN or confidence < THIN:
        if pressed:
            return LanguageDecision(pressed, 0.8 if pressed_source == "menu" else 0.65, pressed_source, kept)
        return LanguageDecision(UNKNOWN, min(confidence, THIN), "none", kept)
    if pressed and confidence < CLEAR and language != pressed:
        return LanguageDecision(MIXED, 0.5, source, kept)
    return LanguageDecision(language, confidence, source, kept)


def _written_or_said(evidence: Evidence) -> tuple[str, float, str]:
    """The text of a voicemail is only what the recognizer wrote: the voice decides, its words may add a language."""
    text = evidence.text or TextEvidence()
    heard = evidence.audio
    if heard is None or heard.language == UNKNOWN or heard.confidence < THIN:
        return text.language, text.confidence, "text"
    if text.language == MIXED or (
        text.language in ("en", "es") and text.language != heard.language and text.confidence >= CLEAR
    ):
        return MIXED, min(text.confidence, 0.85), "audio"
    return heard.language, heard.confidence, "audio"


def _as_json(evidence: Evidence) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if evidence.text is not None:
        kept["text"] = evidence.text.as_json()
    if evidence.audio is not None:
        kept["audio"] = {"language": evidence.audio.language, "confidence": round(evidence.audio.confidence, 3)}
    for name in ("menu", "line", "history", "correction"):
        value = getattr(evidence, name)
        if value:
            kept[name] = value
    return kept
