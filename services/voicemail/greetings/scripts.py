"""What a greeting should say: wording to start from in both languages, and what a script leaves out."""

import re
import unicodedata

from services.voicemail.greetings.checks import Warned
from shared.models import Situation
from shared.settings import Settings
from shared.web.i18n import N_

_EMERGENCIES = {
    "en": (
        "If you smell gas or see a downed line, hang up, leave the area, call 9-1-1, then the utility at {utility}. "
        "To report an outage call {outage}."
    ),
    "es": (
        "Si huele a gas o ve un cable caído, cuelgue, aléjese, llame al 9-1-1 y después a la compañía al {utility}. "
        "Para informar de un apagón, llame al {outage}."
    ),
}
# All parties must agree to being recorded: whoever stays on the line after this has.
_RECORDING = {
    "en": (
        "Your message will be recorded and turned into text by computer so that we can help you; by staying on the "
        "line you agree. Please give your name, your number and the reason for your call."
    ),
    "es": (
        "Su mensaje se grabará y una computadora lo convertirá en texto para poder ayudarle; si permanece en la "
        "línea, usted acepta. Díganos su nombre, su número de teléfono y el motivo de su llamada."
    ),
}
_OPENINGS = {
    "en": {
        Situation.OPEN: "You have reached the {center}. All our representatives are helping other customers.",
        Situation.AFTER_HOURS: "You have reached the {center}. We are closed now and will answer when we open again.",
        Situation.HOLIDAY: "You have reached the {center}. We are closed today for a holiday.",
        Situation.EMERGENCY: "You have reached the {center}. An important announcement: (say what has happened).",
    },
    "es": {
        Situation.OPEN: "Ha llamado al {center}. Todos nuestros representantes están atendiendo a otros clientes.",
        Situation.AFTER_HOURS: "Ha llamado al {center}. Ahora está cerrado; le responderemos en cuanto abramos.",
        Situation.HOLIDAY: "Ha llamado al {center}. Hoy está cerrado por ser día festivo.",
        Situation.EMERGENCY: "Ha llamado al {center}. Un aviso importante: (diga qué ha ocurrido).",
    },
}

_NINE_ONE_ONE = re.compile(r"\b9\W{0,2}1\W{0,2}1\b|\b9 once\b")
_RECORDED = {"en": ("record",), "es": ("grab",)}
_BY_COMPUTER = {"en": ("text", "transcri"), "es": ("texto", "transcri")}


def suggestion(language: str, situation: Situation, settings: Settings) -> str:
    """Proposed wording, with the center's own name and numbers; to be read aloud by a person."""
    center = settings.center_name_es if language == "es" else settings.center_name_en
    parts = (_OPENINGS[language][situation], _EMERGENCIES[language], _RECORDING[language])
    return " ".join(parts).format(center=center, utility=settings.utility_phone, outage=settings.outage_phone)


# What must be said -> the sentence when a script lacks it, and when it was not heard in a recording.
_MISSING = {
    "911": (
        N_("The script does not say to call 9-1-1 in an emergency."),
        N_("To call 9-1-1 in an emergency was not heard."),
    ),
    "utility": (
        N_("The script does not give the utility's number, {phone}."),
        N_("The utility's number, {phone}, was not heard."),
    ),
    "recorded": (
        N_("The script does not say that the message is recorded, as the law requires."),
        N_("That the message is recorded, as the law requires, was not heard."),
    ),
    "by_computer": (
        N_("The script does not say that a computer turns the message into text."),
        N_("That a computer turns the message into text was not heard."),
    ),
}
_DIGITS = {
    "en": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    "es": ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"],
}


def remarks(text: str, language: str, settings: Settings, *, heard: bool = False) -> list[Warned]:
    """What callers must be told and this script (or what a machine heard) does not say. No text: nothing is known."""
    if not text:
        return []
    said = _plain(text)
    for number, word in enumerate(_DIGITS[language]):
        said = re.sub(rf"\b{word}\b", str(number), said)
    digits = re.sub(r"\D", "", said)
    missing: list[str] = []
    if not _NINE_ONE_ONE.search(said):
        missing.append("911")
    # The leading 1 is often left out when it is said.
    if re.sub(r"\D", "", settings.utility_phone)[-10:] not in digits:
        missing.append("utility")
    if not any(word in said for word in _RECORDED[language]):
        missing.append("recorded")
    if not any(word in said for word in _BY_COMPUTER[language]):
        missing.append("by_computer")
    values = {"utility": {"phone": settings.utility_phone}}
    return [Warned(_MISSING[each][heard], dict(values.get(each, {}))) for each in missing]


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
