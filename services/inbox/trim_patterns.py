"""What mail programs write around the author's words, in English and Spanish, as patterns for single lines.

Every pattern is tried on a line cut to 500 characters, so that no body can make the work grow.
"""

import re

LINE_LIMIT = 500


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


# «On Tue, Nov 10, 2026 at 10:04 AM X <x@…> wrote:», wrapped over up to four lines by the program that sent it.
ATTRIBUTION_START = _any(
    r"^(?:On|El|Le|Am|En|Em)\b.{0,400}$",
    r"^.{0,200}<[^<>\s]+@[^<>\s]+>.{0,100}$",
    r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.{0,200}$",
    r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.{0,200}$",
)
ATTRIBUTION_END = _any(
    r"\bwrote\s*:\s*$",
    r"\bwrites\s*:\s*$",
    r"\bescribi[óo]\s*:\s*$",
    r"\bescrib(?:e|ía)\s*:\s*$",
    r"\bha\s+escrito\s*:\s*$",
    r"\bescreveu\s*:\s*$",
    r"\ba\s+écrit\s*:\s*$",
    r"\bschrieb\s*:\s*$",
)
# What makes such a sentence an attribution and not «Ayer escribió mi esposo…»: an address, or a date and a time.
ATTRIBUTION_FACT = _any(
    r"<[^<>\s]{1,200}@[^<>\s]{1,200}>",
    r"\S+@\S+\.\S+",
    r"\b\d{4}\b.*\b\d{1,2}:\d{2}",
    r"\b\d{1,2}:\d{2}\b.*\b\d{4}\b",
    r"\b\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b",
    r"\b\d{1,2}\b.*\b\d{4}\b",
)

ORIGINAL_MESSAGE = _any(
    r"^[-_\s]{2,}\s*Original Message\s*[-_\s]{2,}$",
    r"^[-_\s]{2,}\s*Original Appointment\s*[-_\s]{2,}$",
    r"^[-_\s]{2,}\s*Mensaje [Oo]riginal\s*[-_\s]{2,}$",
    r"^[-_\s]{2,}\s*Mensagem [Oo]riginal\s*[-_\s]{2,}$",
    r"^[-_\s]{2,}\s*Message d'origine\s*[-_\s]{2,}$",
    r"^[-_\s]{2,}\s*(?:Reply message|Mensaje de respuesta)\s*[-_\s]{2,}$",
    r"^#{2,}-\s*(?:Please type your reply above this line|Por favor, escriba su respuesta encima).*$",
)
FORWARDED = _any(
    r"^[-_\s]{2,}\s*Forwarded (?:message|by .{0,100})\s*[-_\s]{2,}$",
    r"^[-_\s]{2,}\s*Mensaje [Rr]eenviado\s*[-_\s]{2,}$",
    r"^[-_\s]{2,}\s*Mensaje [Rr]emitido\s*[-_\s]{2,}$",
    r"^(?:Begin forwarded message|Inicio del mensaje reenviado|Comienzo del mensaje reenviado)\s*:?\s*$",
)
FORWARD_SUBJECT = re.compile(r"^\s*(?:(?:re|aw|sv)\s*:\s*)*(?:fw|fwd|rv|reenv|enc|tr|wg|i)\s*:", re.IGNORECASE)

# Outlook's block of header lines: From, then at least two of the others within the next lines.
_BOLD = r"^[>\s*_]*"
HEADER_FROM = re.compile(_BOLD + r"(?:From|De|Von|Desde)\s*:\s*[*_]*\s*\S", re.IGNORECASE)
HEADER_OTHER = re.compile(
    _BOLD
    + r"(?P<name>Sent|Date|To|Cc|Subject|Reply-To|Importance|"
    + r"Enviado(?: el)?|Fecha|Para|Asunto|Responder a|Importancia)"
    + r"\s*:",
    re.IGNORECASE,
)

QUOTED = re.compile(r"^\s{0,3}(?:>|\|\s)")

SIGNATURE_MARK = re.compile(r"^(?:-- ?|--|__|—)\s*$")
MOBILE_FOOTER = _any(
    r"^(?:Sent|Enviado|Enviada)\s+(?:from|desde|vía|via|con|by)\s+(?:my|mi|the|el|la)?\s*(?:iPhone|iPad|iPod|Android|"
    r"Samsung|Galaxy|Huawei|Xiaomi|Redmi|Motorola|Moto|LG|BlackBerry|Windows|phone|mobile|m[óo]vil|celular|tel[ée]fono|"
    r"tablet|Verizon|AT&T|T-Mobile|Cricket|Yahoo|Outlook|Gmail|Mail|Correo|AOL|Proton|Spark|Newton|smartphone|"
    r"dispositivo|Hotmail|iCloud|Apple|cell|device)\b.{0,120}$",
    r"^(?:Get|Obtener|Obtén|Descargar)\s+(?:Outlook|BlueMail|TypeApp)\s+(?:for|para)\b.{0,120}$",
    r"^(?:Get|Obtener|Obtén)\s+<?Outlook.{0,160}$",
    r"^(?:Sent from|Enviado desde)\s+(?:Mail|Correo|Outlook)\s+(?:for|para)\s+\w+.{0,120}$",
    r"^(?:Yahoo Mail|Yahoo Correo)\s*:\s*.{0,120}$",
)

SIGN_OFF = _any(
    r"^(?:(?:with|many|very)\s+)?(?:best|kind|kindest|warm|warmest)(?:\s+(?:regards|wishes))?\s*[,.!-]*$",
    r"^(?:regards|cheers|sincerely|sincerely yours|yours truly|yours sincerely|respectfully|cordially|take care)"
    r"\s*[,.!-]*$",
    r"^(?:many\s+)?(?:thanks|thank you|thx)"
    r"(?:\s+(?:so much|very much|again|in advance|a lot|for (?:your|all your|the|any)"
    r"\s+(?:time|help|attention|assistance|support)))*(?:\s+and\s+(?:regards|best regards))?\s*[,.!-]*$",
    r"^(?:muchas\s+|mil\s+)?gracias(?:\s+(?:de antemano|por su (?:tiempo|ayuda|atenci[óo]n|apoyo)|por todo))?"
    r"(?:\s+y\s+saludos)?\s*[,.!:-]*$",
    r"^(?:muy\s+)?(?:atentamente|atte|att|cordialmente|respetuosamente)\s*[,.:!-]*$",
    r"^(?:un\s+|reciba\s+un\s+|reciban\s+un\s+)?(?:cordial\s+|afectuoso\s+)?(?:saludo|saludos)"
    r"(?:\s+(?:cordiales|cordial|atentos))?\s*[,.:!-]*$",
    r"^(?:quedo|quedamos)\s+(?:al pendiente|a la espera|atent[oa]s?)(?:\s+de\s+su\s+respuesta)?\s*[,.:!-]*$",
)

DISCLAIMER = _any(
    r"\b(?:this|the)\s+(?:e-?mail|message|communication|transmission)\b.{0,200}\b(?:confidential|privileged|intended)\b",
    r"\bconfidentiality\s+(?:notice|statement)\b",
    r"^(?:confidential|disclaimer|legal notice)\s*[:.]",
    r"\b(?:este|el presente|la presente)\s+(?:mensaje|correo|comunicaci[óo]n|e-?mail)\b.{0,200}"
    r"\b(?:confidencial|destinad|dirigid|exclusiv|privilegiad)",
    r"^(?:aviso\s+(?:legal|de\s+(?:confidencialidad|privacidad))|nota\s+de\s+confidencialidad|cl[áa]usula\s+de"
    r"\s+confidencialidad)\b",
    r"^(?:please )?(?:consider|think of) the environment before printing",
    r"^(?:antes de imprimir|por favor,? (?:considere|piense en) el medio ?ambiente)",
)
