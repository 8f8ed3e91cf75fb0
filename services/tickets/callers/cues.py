"""The words around a number that say what it is for, and those that join, repeat, correct and extend it."""

import re
from enum import StrEnum

FILLERS = frozenset(
    ("uh", "um", "umm", "uhm", "er", "erm", "ah", "eh", "em", "mm", "hmm", "este", "esta", "pues", "bueno", "like",
     "okay", "ok", "so", "well", "let's", "see", "ver")
)  # fmt: skip
DASHES = frozenset(("dash", "hyphen", "guion", "raya", "minus"))
CONNECTORS = FILLERS | frozenset(
    ("then", "and", "y", "luego", "despues", "number", "numero", "the", "el", "followed", "by", "seguido", "de", "por",
     "dot", "point", "punto", "space", "espacio", "entonces", "it's", "es", "is")
)  # fmt: skip
ALTERNATIVES = frozenset(("or", "o", "u", "either", "also", "tambien", "otro", "another", "other"))
_CORRECTION = (
    "no", "sorry", "wait", "correction", "scratch", "oops", "whoops", "mistake", "wrong", "i mean", "start over",
    "excuse me", "perdon", "perdone", "perdoneme", "disculpe", "disculpa", "digo", "espere", "espera", "correccion",
    "corrijo", "equivoque", "mejor dicho", "miento", "quise decir", "empiezo de nuevo", "me confundi", "lo siento",
)  # fmt: skip
_REPEAT = (
    "again", "repeat", "repeating", "once more", "one more time", "that's", "that is", "i'll say", "so that's",
    "repito", "repetir", "otra vez", "de nuevo", "nuevamente", "una vez mas", "es decir", "o sea", "le repito",
)  # fmt: skip
EXTENSION = frozenset(("extension", "ext", "extn", "x", "anexo", "interno"))
_AREA = ("area code", "codigo de area", "clave de area", "lada", "prefijo", "code", "area")
PLUS = frozenset(("plus", "mas"))
UNITS = frozenset(
    ("dollar", "dollars", "bucks", "cents", "percent", "kilowatt", "kilowatts", "kwh", "kw", "watts", "hours", "hour",
     "minutes", "days", "weeks", "months", "years", "miles", "feet", "square", "dolar", "dolares", "pesos", "centavos",
     "kilovatios", "kilovatio", "kilowatios", "horas", "hora", "minutos", "dias", "semanas", "meses", "anos", "pies",
     "o'clock", "am", "pm", "degrees", "grados", "pounds", "libras")
)  # fmt: skip


class Cue(StrEnum):
    PHONE = "phone"
    ACCOUNT = "account"
    AGREEMENT = "agreement"  # a service agreement, whose ids have ten digits as accounts have
    OTHER = "other"  # an id of something else: meter, invoice, card, ZIP
    FAX = "fax"


class Gap(StrEnum):
    """What stands between two numbers."""

    SOFT = "soft"  # nothing that would tell them apart
    CORRECTION = "correction"
    REPEAT = "repeat"
    EXTENSION = "extension"
    OTHER = "other"


# «Llamé al…» tells of a call to somebody else, «llame al…» asks for one: only the accent tells them apart.
PAST = {"llamé": "ya_llame", "marqué": "ya_llame", "hablé": "ya_llame", "llamamos": "ya_llame"}
_CUES: tuple[tuple[Cue, str], ...] = (
    (Cue.FAX, r"fax(?! (?:it|them|you|in|me)\b(?! (?:to|at|over)\b))"),
    (Cue.OTHER, r"i (?:already |just |also |even )?(?:called|dialed|dialled|phoned|tried)|ya_llame"
                r"|meters?|medidor(?:es)?|invoice|bill number|facturas?|recibos?|confirmation|confirmacion|case|caso"
                r"|reference|referencia|tickets?|claims?|reclamo|applications?|solicitud|orders?|orden|folio|serial"
                r"|serie|license|licencia|social security|seguro social|cards?|tarjetas?|permit|permiso|policy|poliza"
                r"|zip|zip code|codigo postal|routing|p o box|apartado|badge|model|modelo|pod|parcel"),
    (Cue.AGREEMENT, r"(?<!')s a(?: ids?)?|sa|sas|sa ids?|(?:service )?agreements?(?: ids?)?|service ids?|id de servicio"
                    r"|(?:acuerdos?|contratos?) de servicios?|contratos?"),
    (Cue.ACCOUNT, r"account|accounts|acct|accnt|cuentas?|cta"),
    (Cue.PHONE, r"call|calls|calling|called|phone|phones|telephone|cell|cellphone|mobile|reach|text|texting|landline"
                r"|home|callback|contact|tel|telefonos?|telefonico|cel|celular|celulares|movil|llame\w*|llamar\w*"
                r"|llamenme|llama|marque\w*|marcar\w*|comunicar\w*|comunique\w*|localizar\w*|contacto|whatsapp|casa"
                r"|encuentr\w*|encontrar\w*|mi numero|my number|i'm at|estoy en"
                r"|calling from|called from|from my|desde"),
)  # fmt: skip
_PATTERN = re.compile("|".join(rf"(?P<{cue.name}>\b(?:{words})\b)" for cue, words in _CUES))
# What names the number itself, and what only says that somebody is to be called.
PHONE_NUMBER = re.compile(r"\b(?:(?:tele)?phone|cell(?: ?phone)?|mobile|callback number|telefono|celular|cel|movil)\b")
CALL_ME = re.compile(r"\b(?:call me(?: back)?|llame(?:n)?me|marque(?:n)?me|text me|reach me|me pueden llamar)\b")
ACCOUNT_NUMBER = re.compile(r"\b(?:account (?:number|no|num|id)|accounts? #|acct|numero de(?: la| mi| su)? cuenta"
                            r"|cuenta numero|de cuenta)\b")  # fmt: skip
# After a number: «… is my cell», «… es mi número de cuenta».
_AFTER = re.compile(
    r"^(?:(?:that|that's|which|it|este|ese)\s+)?(?:is|es|'s|was|era)\s+(?:(?:my|the|our|a|mi|el|la|un|su|nuestro)\s+)?(.*)"
)
_CORRECTS, _REPEATS, _AREAS = (
    re.compile("|".join(rf"\b{re.escape(phrase)}(?!\w)" for phrase in phrases))
    for phrases in (_CORRECTION, _REPEAT, _AREA)
)
MAX_GAP = 14  # words between two readings of one number


def gap(words: list[str]) -> Gap:
    """What the words between two numbers make of the second."""
    if len(words) > MAX_GAP:
        return Gap.OTHER
    said = " ".join(words)
    ext = [place for place, word in enumerate(words) if word in EXTENSION]
    if ext and len(words) - ext[-1] <= 3:
        return Gap.EXTENSION
    if any(word in ("or", "u", "also", "tambien") for word in words):
        return Gap.OTHER
    if _CORRECTS.search(said):
        return Gap.CORRECTION
    if _REPEATS.search(said):
        return Gap.REPEAT
    if len(words) <= 4 and all(word in CONNECTORS for word in words):
        return Gap.SOFT
    return Gap.OTHER


def is_area_code(words: list[str]) -> bool:
    """Whether the words just before a number call it an area code."""
    return bool(_AREAS.search(" ".join(words[-4:])))


def nearest(before: str) -> tuple[Cue | None, int]:
    """The last cue in the words before a number, and how many words stand between the two."""
    found = list(_PATTERN.finditer(before))
    last = found[-1] if found else None
    if last is None or last.lastgroup is None:
        return None, 0
    return Cue[last.lastgroup], len(before[last.end() :].split())


def behind(after: str) -> Cue | None:
    """What the words after a number call it."""
    match = _AFTER.match(after)
    if match is None:
        return None
    first = " ".join(match.group(1).split()[:4])
    if ACCOUNT_NUMBER.search(first) or re.match(r"account|cuenta|acct", first):
        return Cue.ACCOUNT
    found = _PATTERN.search(first)
    return Cue[found.lastgroup] if found is not None and found.lastgroup is not None else None
